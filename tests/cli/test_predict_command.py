"""`rnner predict`: inputs, outputs and formats."""

import itertools
import json
import random
import re

import pytest

from rnner.data.formats.columns import ConllReader
from rnner.model.folder import save_config_and_vocabulary, save_weights
from rnner.pipeline import Pipeline
from tiny_corpus import TRAIN, annotated, config_of, tagger_with_context

TEXT = "Ada Lovelace wrote to Charles Babbage . The letter left London ."
CONLL2003 = """\
-DOCSTART- -X- -X- O

Grace NNP B-NP B-PER
Hopper NNP I-NP I-PER
joined VBD B-VP O
Remington NNP B-NP B-ORG
Rand NNP I-NP I-ORG
. . O O

-DOCSTART- -X- -X- O

Nobody NN B-NP O
slept VBD B-VP O
"""
UNER = """\
# newdoc id = mail-1
# sent_id = 1
# text = Alan Turing slept
1\tAlan\tB-PER\t-\tannotator
2\tTuring\tI-PER\t-\tannotator
3\tslept\tO\t-\tannotator

# sent_id = 2
1\tBerlin\tB-LOC\t-\tannotator
2\t.\tO\t-\tannotator
"""
WNUT = "@grace\tO\nHopper\tB-person\n#berlin\tO\n\t\nhttp://t.co/x\tO\n\n"
WIKIGOLD = "Bell I-ORG\nLabs I-ORG\n# O\n9 O\n\n-DOCSTART- O\n\nVienna I-LOC\n. O\n"


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


def test_threshold_applies_to_column_files(predict):
    output = predict("--input", "conll", "--format", "conll", "--threshold", 1, stdin=CONLL2003.encode())
    assert {line.split()[-1] for line in output.splitlines() if line} == {"O"}


def test_binary_shows_1_under_each_word_of_a_name(predict):
    output = predict("Ada Lovelace wrote to Charles Babbage.", "--format", "binary")
    words, flags = output.splitlines()[:2]
    assert words.split() == ["Ada", "Lovelace", "wrote", "to", "Charles", "Babbage", "."]
    assert flags.split() == ["1", "1", "0", "0", "1", "1", "0"]
    assert all(words[i] != " " and words[i - 1 : i] in ("", " ") for i, f in enumerate(flags) if f != " ")


# --- for people ----------------------------------------------------------------------------------------


@pytest.fixture
def in_terminal(rnner, trained, monkeypatch):
    """Predict in a terminal of 40 columns without colour, and return what it shows."""

    def call(*arguments):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "40")
        return re.sub(r"\x1b\[[\d;]*m", "", rnner("predict", "--model", trained, *arguments).out)

    return call


def test_text_is_the_default_in_a_terminal(in_terminal):
    assert in_terminal(TEXT) == (
        "[PER Ada Lovelace] wrote to [PER Charles\nBabbage] . The letter left [LOC London]\n.\n"
        "\n3 names   LOC 1   PER 2\n"
    )


def test_table_is_the_default_off_a_terminal(predict):
    assert predict(TEXT) == predict(TEXT, "--format", "table")
    assert "Characters" in predict(TEXT)


def test_a_tsv_file_has_columns_and_a_csv_file_is_refused(rnner, trained, in_terminal, one_line, tmp_path):
    assert in_terminal(TEXT, "--output", tmp_path / "found.tsv") == ""
    assert "Ada\tB-PER\n" in (tmp_path / "found.tsv").read_text()
    outcome = rnner("predict", TEXT, "--model", trained, "--output", tmp_path / "found.csv.gz")
    one_line(outcome, 2, "CSV is not written; use a name in .html, .json, .jsonl, .conll, .tsv, or give")
    assert not (tmp_path / "found.csv.gz").exists()


def test_table_is_the_default_for_an_output_file(in_terminal, tmp_path):
    assert in_terminal(TEXT, "--output", tmp_path / "found.txt") == ""
    assert "Characters" in (tmp_path / "found.txt").read_text()


def test_each_line_gives_a_line(predict):
    stdin = b"London slept .\n\nAda Lovelace wrote to Berlin .\n"
    output = predict("--input", "lines", "--format", "text", stdin=stdin)
    assert output.splitlines() == ["[LOC London] slept .", "", "[PER Ada Lovelace] wrote to [LOC Berlin] ."]


def test_texts_of_several_lines_are_separated(predict):
    output = predict("It\nrained .", "It rained .", "It rained .", "--format", "text")
    assert output == "It\nrained .\n\nIt rained .\nIt rained .\n"


def test_scores_are_shown_on_request(predict):
    output = predict("London slept .", "--scores")
    assert re.fullmatch(r"\[LOC [01]\.\d{3} London\] slept \.\n", output)
    assert '<body class="scores">' in predict("London slept .", "--scores", "--format", "html")


@pytest.mark.parametrize(
    ("form", "why"), [("json", "html; json always has them"), ("conll", "for --format text and html\n")]
)
def test_formats_without_the_scores_option(rnner, trained, one_line, form, why):
    outcome = rnner("predict", "--model", trained, "London", "--scores", "--format", form)
    one_line(outcome, 2, "--scores is for --format text and html", why)


def test_the_title_of_a_page_names_the_file(predict, tmp_path):
    (tmp_path / "<letter>.txt").write_text(TEXT)
    predict("--file", tmp_path / "<letter>.txt", "--format", "html", "--output", tmp_path / "letter.html")
    page = (tmp_path / "letter.html").read_text()
    assert "<title>Names in &lt;letter&gt;.txt</title>" in page and page.endswith("</html>\n")
    assert "<title>Names</title>" in predict(TEXT, "--format", "html")


# --- column files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "by", "tagged"),
    [
        (CONLL2003, " ", {"Hopper": "I-PER", "Rand": "I-ORG", "-DOCSTART-": "O"}),
        (UNER, "\t", {"Alan": "B-PER", "Berlin": "B-LOC"}),
        (WNUT, "\t", {"#berlin": None}),
        (WIKIGOLD, " ", {"Labs": "I-ORG", "Vienna": "B-LOC", "#": None}),
    ],
    ids=["CoNLL-2003", "UNER", "W-NUT", "WikiGold"],
)
def test_a_column_file_gets_one_more_column(predict, tmp_path, text, by, tagged):
    path = tmp_path / "given.conll"
    path.write_text(text)
    output = predict("--file", path, "--input", "conll", "--format", "conll")
    rows = dict(zip(text.splitlines(), output.splitlines(), strict=True))
    for before, after in rows.items():
        if not before.strip() or (by == "\t" and before.startswith("# ")):
            assert after == before
        else:
            assert after.rpartition(by)[0] == before
    tags = {before.split(by)[1 if text is UNER else 0]: after.split(by)[-1] for before, after in rows.items()
            if by in before and before.strip()}  # fmt: skip
    assert {word: tags[word] for word, tag in tagged.items() if tag} == {w: t for w, t in tagged.items() if t}
    assert tagged.keys() <= tags.keys()


@pytest.mark.parametrize("text", [CONLL2003, UNER, WNUT, WIKIGOLD])
def test_a_tagged_column_file_can_be_read_again(predict, tmp_path, text):
    (tmp_path / "given.conll").write_text(text)
    (tmp_path / "out.conll").write_text(
        predict("--file", tmp_path / "given.conll", "--input", "conll", "--format", "conll")
    )
    given = list(ConllReader(tmp_path / "given.conll"))
    again = list(ConllReader(tmp_path / "out.conll"))
    assert [sentence.words for sentence in again] == [sentence.words for sentence in given]
    assert [sentence.document for sentence in again] == [sentence.document for sentence in given]


def test_crlf_column_files(predict):
    output = predict("--input", "conll", "--format", "conll", stdin=CONLL2003.replace("\n", "\r\n").encode())
    assert (
        output.splitlines()
        == predict("--input", "conll", "--format", "conll", stdin=CONLL2003.encode()).splitlines()
    )


def test_column_selects_the_words(predict):
    stdin = b"x1 Ada N\nx2 Lovelace N\nx3 slept V\n"
    (item,) = json.loads(predict("--input", "conll", "--format", "json", "--column", 1, stdin=stdin))
    assert item["text"] == "Ada Lovelace slept"


# --- --output ------------------------------------------------------------------------------------------


def test_output_gets_the_same_as_stdout(predict, tmp_path):
    path = tmp_path / "found.json"
    path.write_text("of yesterday")
    assert predict(TEXT, "--format", "json", "--output", path) == ""
    assert path.read_text() == predict(TEXT, "--format", "json")
    assert [entry.name for entry in tmp_path.iterdir()] == ["found.json"]


def test_output_is_unchanged_if_an_error_comes_first(rnner, trained, tmp_path, one_line):
    path = tmp_path / "found.json"
    path.write_text("of yesterday")
    bad = b"slept deeply\n\nAda\nLovelace\n"
    outcome = rnner(
        "predict", "--model", trained, "--input", "conll", "--format", "conll", "-o", path, stdin=bad
    )
    one_line(outcome, 1, "<stdin>:1: 2 columns")
    assert path.read_text() == "of yesterday"
    assert [entry.name for entry in tmp_path.iterdir()] == ["found.json"]


def test_output_follows_a_link(predict, tmp_path):
    (tmp_path / "real.json").write_text("")
    (tmp_path / "link.json").symlink_to("real.json")
    predict(TEXT, "--format", "json", "--output", tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())


def test_output_can_be_a_device(predict):
    assert predict(TEXT, "--output", "/dev/null") == ""


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


# --- models that look at whole documents --------------------------------------------------------------------


@pytest.fixture
def reader(tmp_path):
    """A model with a document vector and a lexicon."""
    folder = tmp_path / "reader"
    folder.mkdir()
    tagger, vocabulary = tagger_with_context()
    save_config_and_vocabulary(
        folder, config_of("embeddings.document=true", "embeddings.lexicon=true"), vocabulary
    )
    save_weights(folder, tagger)
    return folder


def column_file(path, sizes):
    """Write the tiny corpus in documents of these sizes; the first one has no mark."""
    marks = set(itertools.accumulate(sizes))
    with path.open("w") as file:
        for i, (words, tags) in enumerate(annotated(TRAIN)):
            file.write("-DOCSTART- O\n\n" if i in marks else "")
            file.writelines(f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True))
            file.write("\n")
    return path


@pytest.mark.parametrize("chunk", [1, 60, 150])
@pytest.mark.parametrize("sizes", [(2, 1, 4), (0, 5), (99,)])
def test_documents_are_never_split(rnner, reader, tmp_path, monkeypatch, chunk, sizes):
    path = column_file(tmp_path / "text.conll", sizes)
    command = ("predict", "--model", reader, "--file", path, "--input", "conll", "--format")
    whole = [rnner(*command, form).out for form in ("conll", "json")]
    monkeypatch.setattr("rnner.cli.prediction_chunks.CHUNK", chunk)
    tags, items = (rnner(*command, form).out for form in ("conll", "json"))
    assert tags == whole[0]
    scores = [[e["score"] for item in json.loads(out) for e in item["entities"]] for out in (items, whole[1])]
    assert scores[0] and scores[0] == pytest.approx(scores[1], abs=1e-5)


@pytest.mark.parametrize(
    ("sizes", "chunk", "expected"),
    [((99,), 150, [4, 4, 2]), ((2, 1, 4), 1, [1, 1, 1, 4, 3]), ((0, 2, 2), 150, [4, 6]), ((0, 5), 1, [5, 5])],
)
def test_chunks_end_with_marked_documents(rnner, reader, tmp_path, monkeypatch, sizes, chunk, expected):
    seen = []

    def counting(self, sentences, documents=None, whole=Pipeline.read):
        seen.append(len(sentences))
        return whole(self, sentences, documents)

    monkeypatch.setattr("rnner.cli.prediction_chunks.CHUNK", chunk)
    monkeypatch.setattr(Pipeline, "read", counting)
    path = column_file(tmp_path / "text.conll", sizes)
    rnner("predict", "--model", reader, "--file", path, "--input", "conll")
    assert seen == expected


def test_document_marks_in_a_column_file_matter(rnner, reader, tmp_path):
    def scores(sizes):
        path = column_file(tmp_path / "text.conll", sizes)
        out = rnner("predict", "--model", reader, "--file", path, "--input", "conll", "--format", "json").out
        return [[entity["score"] for entity in item["entities"]] for item in json.loads(out)]

    marked, unmarked = scores((3, 4)), scores((99,))
    assert marked[0] == pytest.approx(unmarked[0], abs=1e-5)  # before the first mark
    assert marked[3:] != unmarked[3:]


@pytest.mark.parametrize("chunk", [1, 150_000])
def test_evaluate_agrees_with_predict(rnner, reader, tmp_path, monkeypatch, chunk):
    def predicted(path):
        return rnner(
            "predict", "--model", reader, "--file", path, "--input", "conll", "--format", "conll"
        ).out

    monkeypatch.setattr("rnner.cli.prediction_chunks.CHUNK", chunk)
    found, other = tmp_path / "found.conll", tmp_path / "other.conll"
    found.write_text(predicted(column_file(tmp_path / "gold.conll", (2, 1, 4))))
    report = json.loads(rnner("evaluate", found, "--model", reader, "--format", "json").out)
    assert report["f1"] == report["accuracy"] == 1 and report["support"] > 0

    other.write_text(predicted(column_file(tmp_path / "gold.conll", (99,))))
    tags = [[sentence.tags for sentence in ConllReader(path)] for path in (found, other)]
    assert tags[0] != tags[1], "else the marks would not matter here"


def test_each_text_and_each_line_is_a_document(rnner, reader):
    def scores(*arguments, stdin=None):
        outcome = rnner("predict", "--model", reader, "--format", "json", *arguments, stdin=stdin)
        return [entity["score"] for item in json.loads(outcome.out) for entity in item["entities"]]

    one, other = "Harry left London. He saw Egypt.", "Neville lost his toad in Wales."
    alone = scores(one) + scores(other)
    assert scores(one, other) == pytest.approx(alone, abs=1e-5)
    assert scores("--input", "lines", stdin=f"{one}\n{other}\n".encode()) == pytest.approx(alone, abs=1e-5)
    assert scores(f"{one} {other}") != pytest.approx(alone, abs=1e-4)
