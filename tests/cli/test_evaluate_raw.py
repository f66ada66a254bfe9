"""`rnner evaluate --raw`: scores on raw text beside those on the tokens of the file."""

import json
import re

import pytest

TEXT = "  Ada Lovelace 😀 wrote to Bell Labs."


@pytest.fixture
def scored(rnner, trained):
    """`scored(data)`: the report as JSON."""

    def score(data):
        outcome = rnner("evaluate", data, "--model", trained, "--raw", "--format", "json")
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)

    return score


@pytest.mark.parametrize("data", ["test.conll", "sample:test"])
def test_the_score_on_tokens_equals_evaluate(rnner, trained, scored, folder, data):
    usual = json.loads(rnner("evaluate", data, "--model", trained, "--format", "json").out)
    tokens = scored(data)["tokens"]
    assert tokens["f1"] > 0
    for name in ("f1", "precision", "recall", "support", "predicted", "correct"):
        assert tokens[name] == pytest.approx(usual[name])
        for label in usual["per_type"]:
            assert tokens["per_type"][label][name] == pytest.approx(usual["per_type"][label][name])


def test_equal_tokens_give_equal_scores(scored, folder):
    report = scored("test.conll")
    assert report["kept_tokens"] == report["gold_tokens"] == 10
    assert report["raw"] == report["tokens"]
    assert report["difference"] == {"f1": 0, "precision": 0, "recall": 0}


def test_an_entity_that_the_tokenizer_cuts_is_missed(scored, folder):
    (folder / "cut.conll").write_text("Ada B-PER\nLovelace I-PER\nleft O\nBell B-ORG\nInc I-ORG\n. O\n")
    report = scored("cut.conll")
    assert report["cut"] == [{"label": "ORG", "text": "Bell Inc", "tokens": ["Bell", "Inc."], "count": 1}]
    assert (report["gold_tokens"], report["kept_tokens"]) == (6, 4)
    assert report["raw"]["per_type"]["ORG"]["correct"] == 0


def test_text_with_spans_has_no_scores_on_tokens(scored, rnner, trained, folder):
    spans = [{"start": 2, "end": 15, "label": "PER"}, {"start": 26, "end": 35, "label": "ORG"}]
    (folder / "spans.jsonl").write_text(json.dumps({"text": TEXT, "spans": spans}))
    report = scored("spans.jsonl")
    assert (report["raw"]["support"], report["raw"]["correct"]) == (2, 2)
    assert report["tokens"] is report["difference"] is None
    table = rnner("evaluate", "spans.jsonl", "--model", trained, "--raw").out
    assert "F1 on raw text" in table and "ifference" not in table


def test_the_table_has_both_scores_and_their_difference(rnner, trained, scored, folder):
    (folder / "cut.conll").write_text("Ada B-PER\nLovelace I-PER\nleft O\nBell B-ORG\nInc I-ORG\n. O\n")
    report = scored("cut.conll")
    table = rnner("evaluate", "cut.conll", "--model", trained, "--raw").out
    figures = [f"{100 * report[side]['f1']:.2f}" for side in ("tokens", "raw")]
    figures.append(f"{100 * report['difference']['f1']:+.2f}".replace("+", r"\+"))
    assert re.search(r"^All +2 +" + " +".join(figures), table, re.MULTILINE)
    assert "66.67% (4 of 6)" in table and "1 × ORG Bell Inc in Bell Inc." in table


def test_illegal_tags_and_unknown_labels_are_reported(rnner, trained, folder):
    (folder / "gold.conll").write_text("Ada I-PER\nLovelace I-PER\nread O\nDune B-WORK\n")
    err = rnner("evaluate", "gold.conll", "--model", trained, "--raw").err
    assert "warning: gold.conll: tags read as conlleval reads them" in err
    assert "the model does not know the labels WORK (1)" in err


def test_usage_errors(rnner, trained, one_line):
    call = ("evaluate", "sample:test", "--raw", "--model", trained)
    one_line(rnner(*call, "--model", trained), 2, "--raw takes one --model")
    one_line(rnner(*call, "--format", "conlleval"), 2, "--format table or json")
