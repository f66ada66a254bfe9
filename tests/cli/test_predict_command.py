"""`rnner predict`: inputs, outputs and formats."""

import itertools
import json
import random
import re

import pytest

TEXT = "Ada Lovelace wrote to Charles Babbage . The letter left London ."


def found(item):
    return [(entity["label"], entity["text"]) for entity in item["entities"]]


# --- json ----------------------------------------------------------------------------------------------


def test_json_is_a_list_of_texts_with_their_entities(predict):
    (item,) = json.loads(predict(TEXT, "--format", "json"))
    assert list(item) == ["text", "entities"]
    assert item["text"] == TEXT
    assert found(item) == [("PER", "Ada Lovelace"), ("PER", "Charles Babbage"), ("LOC", "London")]
    for entity in item["entities"]:
        assert list(entity) == ["label", "start", "end", "text", "score"]
        assert TEXT[entity["start"] : entity["end"]] == entity["text"]
        assert 0 <= entity["score"] <= 1


def test_several_texts_come_back_in_their_order(predict):
    items = json.loads(predict("London slept .", "", "It was a good year .", "--format", "json"))
    assert [item["text"] for item in items] == ["London slept .", "", "It was a good year ."]
    assert items[1]["entities"] == []


def test_jsonl_has_the_same_items_on_lines(predict):
    texts = ["London slept .", "two\nlines in Berlin", ""]
    lines = predict(*texts, "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(predict(*texts, "--format", "json"))


def test_an_empty_text_has_no_entities(predict):
    assert json.loads(predict("", "--format", "json")) == [{"text": "", "entities": []}]


@pytest.mark.parametrize("form", ["text", "table", "html", "jsonl", "conll", "binary"])
def test_every_format_accepts_an_empty_text(predict, form):
    assert "error" not in predict("", "--format", form)


def test_an_empty_column_file_gives_an_empty_list(predict):
    assert json.loads(predict("--input", "conll", "--format", "json", stdin=b"")) == []


@pytest.mark.parametrize(
    "text",
    [
        "😀 Ada Lovelace 👩‍👩‍👧 walked to London 🇬🇧.",
        "Ada Lovelace\r\nwrote to\tCharles Babbage\r\n\r\nfrom London .\r\n",
        "e\u0301te\u0301 a\u0300 London\u0301 and Berlin .",
        "\u2028Vienna\u00a0slept\x0c in Paris\n\n\n",
    ],
    ids=["emoji", "crlf and tabs", "combining marks", "odd spaces"],
)
def test_offsets_index_the_text_exactly(predict, tmp_path, text):
    (tmp_path / "text.txt").write_bytes(text.encode())
    outputs = predict(text, "--format", "json"), predict("--file", tmp_path / "text.txt", "--format", "json")
    for output in outputs:
        (item,) = json.loads(output)
        assert item["text"] == text
        assert item["entities"]
        assert all(text[e["start"] : e["end"]] == e["text"] for e in item["entities"])


# --- where texts come from -----------------------------------------------------------------------------


def test_file_stdin_and_argument_give_the_same(predict, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    expected = predict(TEXT, "--format", "json")
    assert predict("--file", tmp_path / "text.txt", "--format", "json") == expected
    assert predict("--format", "json", stdin=TEXT.encode()) == expected
    assert predict("--file", "-", "--format", "json", stdin=TEXT.encode()) == expected


def test_each_line_is_a_text(predict):
    stdin = b"\xef\xbb\xbfLondon slept .\r\n\r\nBerlin slept .\n"
    items = json.loads(predict("--input", "lines", "--format", "json", stdin=stdin))
    assert [item["text"] for item in items] == ["London slept .", "", "Berlin slept ."]


@pytest.mark.parametrize("form", ["text", "table", "html", "json", "jsonl", "conll", "binary"])
@pytest.mark.parametrize("kind", ["text", "lines", "conll"])
def test_every_input_works_with_every_format(predict, kind, form):
    stdin = {
        "text": b"Ada Lovelace slept .",
        "lines": b"Ada Lovelace slept .\n",
        "conll": b"Ada\nLovelace\nslept\n.\n",
    }
    output = predict("--input", kind, "--format", form, stdin=stdin[kind])
    if form == "table":
        assert "[PER Ada Lovelace] slept ." in output
        assert re.search(r"PER +Ada Lovelace +0:12 +[01]\.\d{3}", output)
    elif form == "text":
        assert output == "[PER Ada Lovelace] slept .\n"
    elif form == "html":
        assert re.search(r">Ada Lovelace<span.+>PER<.+</mark> slept \.</div>", output)
    elif form == "conll":
        pairs = [line.split() for line in output.splitlines() if line]
        assert pairs == [["Ada", "B-PER"], ["Lovelace", "I-PER"], ["slept", "O"], [".", "O"]]
    elif form == "binary":
        assert output == "Ada Lovelace slept .\n1   1        0     0\n\n"
    else:
        item = json.loads(output)[0] if form == "json" else json.loads(output)
        assert item["text"].strip() == "Ada Lovelace slept ."
        assert found(item) == [("PER", "Ada Lovelace")]


def test_batch_size_and_order_do_not_change_entities(predict, tmp_path):
    subjects = ("Ada Lovelace", "Bell Labs", "Nobody", "The old machine of Zuse")
    verbs, objects = ("wrote to", "left", "was never in the train from"), ("Paris", "Alan Turing")
    lines = [" ".join((*words, ".")) for words in itertools.product(subjects, verbs, objects)]
    (tmp_path / "lines.txt").write_text("\n".join(lines))
    shuffled = random.Random(5).sample(lines, len(lines))
    (tmp_path / "shuffled.txt").write_text("\n".join(shuffled))

    def entities(name, batch):
        items = json.loads(
            predict("--file", tmp_path / name, "--input", "lines", "--format", "json", "--batch", batch)
        )
        return {item["text"]: item["entities"] for item in items}

    expected = entities("lines.txt", 64)
    assert sum(map(len, expected.values())) >= len(lines)
    for other in (entities("lines.txt", 1), entities("lines.txt", 7), entities("shuffled.txt", 7)):
        assert other.keys() == expected.keys()
        for text, found_here in other.items():
            for left, right in zip(found_here, expected[text], strict=True):
                assert {**left, "score": 0} == {**right, "score": 0}
                assert left["score"] == pytest.approx(right["score"], abs=1e-5)


def test_long_sentences_are_read_in_windows(predict):
    text = ", ".join(["Ada Lovelace wrote to Charles Babbage of Vienna"] * 40)
    whole, cut = (predict(text, "--format", "conll", "--window", most).split("\n") for most in (10_000, 40))
    assert [line.split()[0] for line in cut if line] == text.replace(",", " ,").split()
    assert sum(line.endswith("-PER") for line in whole) > 100
    assert sum(one != other for one, other in zip(whole, cut, strict=True)) < 10


def test_threshold_leaves_out_less_probable_entities(predict):
    (item,) = json.loads(predict("Zuse of Vienna met Ada Babbage at Rand", "--format", "json"))
    scores = sorted(entity["score"] for entity in item["entities"])
    assert len(scores) >= 2
    between = (scores[0] + scores[-1]) / 2
    (kept,) = json.loads(
        predict("Zuse of Vienna met Ada Babbage at Rand", "--format", "json", "--threshold", between)
    )
    assert kept["entities"] == [e for e in item["entities"] if e["score"] >= between]
    assert 0 < len(kept["entities"]) < len(item["entities"])


def test_nbest_gives_the_most_probable_readings(predict):
    text = "Ada Babbage met Zuse.\n\nRand is in Vienna."
    (item,) = json.loads(predict(text, "--format", "json", "--nbest", 3))
    assert [text[sentence["start"] : sentence["end"]] for sentence in item["nbest"]] == text.split("\n\n")
    best = [entity for sentence in item["nbest"] for entity in sentence["readings"][0]["entities"]]
    kept = [{key: entity[key] for key in ("label", "start", "end", "text")} for entity in item["entities"]]
    assert best == kept
    for sentence in item["nbest"]:
        probabilities = [reading["probability"] for reading in sentence["readings"]]
        assert len(probabilities) == 3 and probabilities == sorted(probabilities, reverse=True)
        assert all(
            text[e["start"] : e["end"]] == e["text"] for r in sentence["readings"] for e in r["entities"]
        )
    assert predict(text, "--nbest", 3).count("Probability") == 2


@pytest.mark.parametrize("form", ["conll", "binary", "html"])
def test_formats_without_nbest(rnner, trained, one_line, form):
    outcome = rnner("predict", "--model", trained, "--nbest", 2, "--format", form, "Ada")
    one_line(outcome, 2, f"--nbest does not work with --format {form}; use text, table, json or jsonl")


def test_readings_are_below_their_text(predict):
    output = predict("Ada slept .", "It rained .", "--format", "text", "--nbest", 2)
    assert re.findall("slept|rained|Probability", output) == ["slept", "Probability", "rained", "Probability"]


def test_binary_shows_1_under_each_word_of_a_name(predict):
    output = predict("Ada Lovelace wrote to Charles Babbage.", "--format", "binary")
    words, flags = output.splitlines()[:2]
    assert words.split() == ["Ada", "Lovelace", "wrote", "to", "Charles", "Babbage", "."]
    assert flags.split() == ["1", "1", "0", "0", "1", "1", "0"]
    assert all(words[i] != " " and words[i - 1 : i] in ("", " ") for i, f in enumerate(flags) if f != " ")


# --- calls that cannot be meant ------------------------------------------------------------------------


def test_a_missing_text_is_reported_in_a_terminal(rnner, trained, one_line, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    one_line(rnner("predict", "--model", trained), 2, "give a TEXT in quotes, --file FILE, or text on stdin")


def test_text_and_file_exclude_each_other(rnner, trained, one_line, tmp_path):
    one_line(
        rnner("predict", "--model", trained, "Ada", "--file", tmp_path / "x"), 2, "either TEXT or --file"
    )


def test_a_text_is_not_a_column_file(rnner, trained, one_line):
    one_line(
        rnner("predict", "--model", trained, "Ada", "--input", "conll"),
        2,
        "--input conll reads a file: give it with --file",
    )


def test_the_input_is_never_the_output(rnner, trained, one_line, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    one_line(rnner("predict", "--model", trained, "--file", path, "-o", path), 2, "the input file")
    assert path.read_text() == TEXT


def test_a_text_that_is_not_utf_8_is_refused(rnner, trained, one_line):
    one_line(rnner("predict", "--model", trained, "caf\udce9"), 2, "not UTF-8")


@pytest.mark.parametrize("kind", ["text", "lines", "conll"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"caf\xe9\nfine\n", ":1:4: not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "this is an image"),
        ("Ada".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_are_not_text(rnner, trained, one_line, tmp_path, kind, data, message):
    path = tmp_path / "given"
    path.write_bytes(data)
    for outcome in (
        rnner("predict", "--model", trained, "--input", kind, "--file", path),
        rnner("predict", "--model", trained, "--input", kind, stdin=data),
    ):
        one_line(outcome, 1, message)
