"""`rnner evaluate --predictions`: scores of what any system found, in any format, without a model."""

import json
import re

import pytest

GOLD = """\
Ada NNP B-PER
Lovelace NNP I-PER
wrote VBD O
to TO O
Bell NNP B-ORG
Labs NNP I-ORG
in IN O
London NNP B-LOC
. . O

Oslo NNP B-LOC
slept VBD O
. . O
"""
FOUND = ["B-PER", "I-PER", "O", "O", "B-ORG", "O", "O", "B-LOC", "O", "B-PER", "O", "O"]
CONLLEVAL = """\
processed 12 tokens with 4 phrases; found: 4 phrases; correct: 2.
accuracy:  83.33%; precision:  50.00%; recall:  50.00%; FB1:  50.00
              LOC: precision: 100.00%; recall:  50.00%; FB1:  66.67  1
              ORG: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
              PER: precision:  50.00%; recall: 100.00%; FB1:  66.67  2
"""


def with_tags(tags, separator=" "):
    """Return GOLD with a last column of these tags."""
    rest = iter(tags)
    return "".join(f"{line}{separator}{next(rest)}\n" if line else "\n" for line in GOLD.splitlines())


def found_only():
    return "\n".join(re.sub(r" \S+ \S+ ", " ", line) for line in with_tags(FOUND).splitlines()) + "\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with gold.conll and found.conll."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.conll").write_text(GOLD)
    (tmp_path / "found.conll").write_text(found_only())
    return tmp_path


@pytest.fixture
def evaluate(rnner, files):
    """Evaluate predictions and return the JSON report and stderr."""

    def call(*arguments):
        outcome = rnner("evaluate", *arguments, "--format", "json")
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out), outcome.err

    return call


def test_the_scores_are_those_of_conlleval(rnner, evaluate):
    outcome = rnner("evaluate", "gold.conll", "--predictions", "found.conll", "--format", "conlleval")
    assert (outcome.code, outcome.out, outcome.err) == (0, CONLLEVAL, "")
    report, _ = evaluate("gold.conll", "--predictions", "found.conll")
    assert (report["support"], report["predicted"], report["correct"]) == (4, 4, 2)
    assert report["accuracy"] == 10 / 12
    assert report["f1_interval"]["unit"] == "sentence" and "calibration" not in report
    assert report["errors"]["gold"]["wrong_boundary"] == report["errors"]["gold"]["wrong_type"] == 1
    example = next(it["example"] for it in report["confusions"] if it["gold"] == "ORG")
    assert example["words"][4:6] == ["Bell", "Labs"]


def test_one_file_may_hold_both_columns(rnner, files):
    (files / "both.conll").write_text(with_tags(FOUND))
    outcome = rnner("evaluate", "both.conll", "--predictions", "both.conll", "--format", "conlleval")
    assert outcome.out == CONLLEVAL
    assert outcome.err == (
        "both.conll: gold tags from the next-to-last column, predicted tags from the last column\n"
    )
    (files / "spread.conll").write_text(re.sub(r"(?m)(?<=\S)$", " 0.9", with_tags(FOUND)))
    columns = ("--columns", "0,2,3", "--format", "conlleval")
    outcome = rnner("evaluate", "spread.conll", "--predictions", "spread.conll", *columns)
    assert (outcome.out, outcome.err) == (CONLLEVAL, "")


def test_the_last_column_of_another_file_holds_the_predictions(rnner, files):
    (files / "both.conll").write_text(with_tags(FOUND))
    outcome = rnner("evaluate", "gold.conll", "--predictions", "both.conll", "--format", "conlleval")
    assert outcome.out == CONLLEVAL


def test_predictions_whose_last_column_is_not_that_of_entities_are_warned_of(rnner, files):
    """As in GermEval, where the last column holds nested entities."""
    (files / "nested.conll").write_text(with_tags(["O"] * 100))
    outcome = rnner("evaluate", "gold.conll", "--predictions", "nested.conll")
    assert "read from the last column; column 2 (counted from 0) also holds tags" in outcome.err


@pytest.mark.parametrize("form", ["conllu", "tokens", "prodigy", "doccano", "labelstudio"])
def test_every_format_can_be_gold_and_predictions(rnner, evaluate, form):
    for name in ("gold", "found"):
        assert rnner("data", "convert", f"{name}.conll", "--output", f"{name}.x", "--format", form).code == 0
    expected, _ = evaluate("gold.conll", "--predictions", "found.conll")
    for gold, found in (("gold.x", "found.x"), ("gold.conll", "found.x"), ("gold.x", "found.conll")):
        report, err = evaluate(gold, "--predictions", found)
        assert err == ""
        for key in ("f1", "precision", "recall", "per_type", "errors", "matches", "macro", "weighted"):
            assert report[key] == expected[key], (gold, found)
        assert ("accuracy" in report) == (form in ("conllu", "tokens"))


def test_what_predict_writes_scores_as_the_model_does(rnner, trained, folder):
    call = ("predict", "--model", trained, "--file", "test.conll", "--input", "conll", "--format", "conll")
    (folder / "found.conll").write_text(rnner(*call).out)
    of_model = rnner("evaluate", "test.conll", "--model", trained, "--matches", "--train", "train.conll")
    of_file = rnner(
        "evaluate", "test.conll", "--predictions", "found.conll", "--matches", "--train", "train.conll"
    )
    assert of_file.out == of_model.out and "Seen in training" in of_model.out and "Partial" in of_model.out


def test_labels_are_mapped_on_both_sides(evaluate, files):
    renamed = found_only().replace("PER", "PERSON").replace("LOC", "GPE")
    (files / "renamed.conll").write_text(renamed)
    expected, _ = evaluate("gold.conll", "--predictions", "found.conll")
    report, err = evaluate("gold.conll", "--predictions", "renamed.conll", "--map", "PERSON=PER,GPE=LOC")
    assert report["per_type"] == expected["per_type"] and err == ""
    report, _ = evaluate("gold.conll", "--predictions", "found.conll", "--map", "ORG=", "--map", "LOC=PLACE")
    assert report["per_type"].keys() == {"PER", "PLACE"} and report["support"] == 3


def test_predicted_labels_that_gold_lacks_are_reported(evaluate, files):
    (files / "renamed.conll").write_text(found_only().replace("PER", "PERSON"))
    report, err = evaluate("gold.conll", "--predictions", "renamed.conll")
    assert err == (
        "warning: no gold entity has the labels PERSON (2): these entities count as wrong; "
        "--map PERSON=LABEL renames a label\n"
    )
    assert report["per_type"]["PERSON"]["correct"] == 0


def test_a_map_that_renames_nothing_is_reported(evaluate):
    _, err = evaluate("gold.conll", "--predictions", "found.conll", "--map", "PR=PERSON")
    assert err == "warning: --map PR=PERSON: no entity has the label PR (did you mean PER?)\n"


def test_entities_unseen_in_training_are_scored_apart(evaluate, files):
    (files / "train.jsonl").write_text(
        json.dumps({"text": "In London, Ada Lovelace.", "spans": [{"start": 3, "end": 9, "label": "GPE"}]})
    )
    options = ("--train", "train.jsonl", "--map", "GPE=LOC")
    report, err = evaluate("gold.conll", "--predictions", "found.conll", *options)
    assert err == ""
    seen, unseen = report["train"]["seen"], report["train"]["unseen"]
    assert (seen["support"], seen["f1"]) == (1, 1)
    assert (unseen["support"], unseen["predicted"], unseen["correct"]) == (3, 3, 1)


def test_several_files_are_compared_with_the_first(rnner, evaluate, files):
    call = (
        "gold.conll",
        "--predictions",
        "found.conll",
        "--predictions",
        "gold.conll",
        "--columns",
        "0,2,-1",
    )
    report, _ = evaluate(*call)
    first, second = report["models"]
    assert (first["model"], second["model"]) == ("found.conll", "gold.conll")
    assert second["f1"] == 1 and second["difference"]["f1"] == 0.5 and report["ensemble"] is None
    table = rnner("evaluate", *call).out
    assert re.search(r"^gold.conll +\+50.00 +", table, re.MULTILINE)


def test_other_text_is_refused_with_both_lines(rnner, files, one_line):
    (files / "other.conll").write_text(found_only().replace("Labs", "Laboratories"))
    outcome = rnner("evaluate", "gold.conll", "--predictions", "other.conll")
    one_line(outcome, 1, "other.conll:6: 'Laboratories', but gold.conll:6 has 'Labs'")


def test_files_that_differ_in_words_are_compared_by_characters(rnner, evaluate, files, one_line):
    (files / "joined.conll").write_text(found_only().replace("London B-LOC\n. O", "London. B-LOC"))
    report, err = evaluate("gold.conll", "--predictions", "joined.conll")
    assert report["correct"] == 1 and err == (
        "warning: the files differ in words or sentences: entities are compared by characters\n"
    )
    outcome = rnner("evaluate", "gold.conll", "--predictions", "joined.conll", "--format", "conlleval")
    assert outcome.code == 2 and "conlleval counts tokens" in outcome.err and outcome.out == ""


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--model", "en"), "--model and --predictions cannot be combined"),
        (("--raw",), "--raw and --predictions cannot be combined"),
        (("--map", "PERSON"), "--map PERSON: expected OLD=NEW, such as PERSON=PER"),
        (("--map", "A=B,A=C"), "A is renamed to B and to C"),
        (("--columns", "0,1,2,3"), "expected two whole numbers"),
        (("--format", "conlleval", "--matches"), "--format conlleval does not show --matches"),
        (("--predictions", "found.conll", "--format", "conlleval"), "only one --predictions"),
        (("--predictions", "found.conll", "--matches"), "--matches is for one system"),
    ],
)
def test_usage_errors(rnner, files, one_line, options, part):
    one_line(rnner("evaluate", "gold.conll", "--predictions", "found.conll", *options), 2, part)


def test_a_third_column_needs_predictions(rnner, files, one_line):
    one_line(
        rnner("evaluate", "gold.conll", "--columns", "0,1,2"), 2, "the third column is for --predictions"
    )


def test_text_that_is_its_own_prediction_is_refused(rnner, files, one_line):
    (files / "text.jsonl").write_text('{"text": "Ada", "spans": []}')
    outcome = rnner("evaluate", "text.jsonl", "--predictions", "text.jsonl")
    one_line(outcome, 2, "only a column file can hold both gold and predicted tags")
