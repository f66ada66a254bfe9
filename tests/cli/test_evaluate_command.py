"""`rnner evaluate`: scores equal to those of seqeval, comparisons, and unusual data."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
from seqeval.metrics import accuracy_score, classification_report

from rnner.cli.main import run
from rnner.data.corpus import resolve
from rnner.data.formats.columns import ConllReader

ILLEGAL = "Ada I-PER\nLovelace I-PER\nleft O\nLondon B-LOC\n\nBell B-ORG\nLabs I-PER\nslept O\n"


@pytest.fixture
def evaluate(rnner, trained):
    """Evaluate the trained model and return the JSON report and stderr."""

    def call(data, *options):
        outcome = rnner("evaluate", data, "--model", trained, "--format", "json", *options)
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out), outcome.err

    return call


@pytest.fixture(scope="module")
def report(trained):
    """The report on news, mail and fiction, of which this model knows nothing. Do not change it."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["evaluate", "sample:test", "--model", str(trained), "--format", "json"]) == 0
    return json.loads(out.getvalue())


def test_scores_equal_those_of_seqeval(rnner, trained, report, tmp_path):
    sample = resolve("sample:test")
    outcome = rnner("predict", "--model", trained, "--file", sample, "--input", "conll", "--format", "conll")
    (tmp_path / "tagged.conll").write_text(outcome.out)
    gold = [sentence.tags for sentence in ConllReader(sample)]
    found = [sentence.tags for sentence in ConllReader(tmp_path / "tagged.conll")]
    expected = classification_report(gold, found, output_dict=True, zero_division=0)

    assert 0 < report["f1"] < 1
    assert report["accuracy"] == accuracy_score(gold, found)
    for name, score in [("micro avg", report), *report["per_type"].items()]:
        assert score["precision"] == expected[name]["precision"]
        assert score["recall"] == expected[name]["recall"]
        assert score["f1"] == expected[name]["f1-score"]
        assert score["support"] == expected[name]["support"]
    assert report["per_type"].keys() == expected.keys() - {"micro avg", "macro avg", "weighted avg"}
    for name in ("macro", "weighted"):
        assert report[name]["f1"] == pytest.approx(expected[f"{name} avg"]["f1-score"])


def test_narrow_windows_score_every_word(evaluate, report):
    cut, _ = evaluate("sample:test", "--window", 4)
    assert cut["support"] == report["support"] and cut["predicted"] != report["predicted"]


def test_table_and_conlleval_show_the_same_percentages(rnner, trained, report):
    figures = [f"{100 * report[name]:.2f}" for name in ("precision", "recall", "f1")]
    table = rnner("evaluate", "sample:test", "--model", trained).out
    assert re.search(r"All +" + " +".join(figures), table)
    for title in ("Token accuracy", "wrong type", "wrong boundary", "missed", "spurious", "confusions"):
        assert title in table
    conlleval = rnner("evaluate", "sample:test", "--model", trained, "--format", "conlleval").out
    assert conlleval.startswith(
        f"processed {sum(1 for s in ConllReader(resolve('sample:test')) for _ in s.words)} tokens"
    )
    precision, recall, f1 = figures
    assert re.search(rf"accuracy: .+; precision: +{precision}%; recall: +{recall}%; FB1: +{f1}\n", conlleval)
    assert conlleval.endswith("\n")
    assert not conlleval.endswith("\n\n")


def test_the_probabilities_of_one_model_are_calibrated(rnner, trained, report):
    found = report["calibration"]
    assert found["entities"] == report["predicted"] == sum(it["count"] for it in found["bins"])
    correct = sum(it["count"] * it["correct"] for it in found["bins"])
    assert correct == pytest.approx(report["correct"])
    assert 0 < found["expected_calibration_error"] < 1


def test_errors_and_confusions_add_up(report):
    gold, predicted = report["errors"]["gold"], report["errors"]["predicted"]
    assert sum(gold.values()) == report["support"]
    assert sum(predicted.values()) == report["predicted"]
    assert (
        sum(c["count"] for c in report["confusions"])
        == report["support"] - report["correct"] + predicted["spurious"]
    )
    assert all(confusion["example"]["words"] for confusion in report["confusions"])


@pytest.mark.parametrize("batch", [1, 7])
def test_the_batch_size_does_not_change_scores(evaluate, batch):
    (cut, cut_err), (whole, err) = evaluate("sample:dev", "--batch", batch), evaluate("sample:dev")
    bins, expected = cut.pop("calibration")["bins"], whole.pop("calibration")["bins"]
    assert (cut, cut_err) == (whole, err)
    assert len(bins) == len(expected)
    assert all(one == pytest.approx(other, abs=1e-5) for one, other in zip(bins, expected, strict=True))


def test_illegal_tags_are_reported_and_also_scored_strictly(evaluate, folder):
    (folder / "gold.conll").write_text(ILLEGAL)
    report, err = evaluate("gold.conll")
    assert err.startswith("warning: gold.conll:")
    assert "conlleval" in err
    # conlleval reads PER, LOC, ORG and PER; as IOB2 only London and Bell are entities.
    assert report["support"] == 4
    assert report["strict"]["support"] == 2
    assert report["correct"] >= report["strict"]["correct"]
    assert report["warnings"]


def test_the_table_has_strict_scores(rnner, trained, folder):
    (folder / "gold.conll").write_text(ILLEGAL)
    table = rnner("evaluate", "gold.conll", "--model", trained).out
    assert re.search(r"^Strict +\d", table, re.MULTILINE)


def test_other_schemes_are_scored_by_their_entities(evaluate, folder):
    bioes = "Ada B-PER\nLovelace E-PER\nleft O\nLondon S-LOC\n. O\n"
    (folder / "bioes.conll").write_text(bioes)
    (folder / "iob2.conll").write_text(bioes.replace("E-PER", "I-PER").replace("S-LOC", "B-LOC"))
    assert evaluate("bioes.conll") == evaluate("iob2.conll")


def test_unknown_labels_count_as_missed(evaluate, folder):
    (folder / "gold.conll").write_text("Ada B-PER\nLovelace I-PER\nread O\nDune B-WORK\n. O\n")
    report, err = evaluate("gold.conll")
    assert err == "warning: the model does not know the labels WORK (1): these entities count as missed\n"
    assert report["per_type"]["WORK"]["recall"] == 0
    assert report["support"] == 2


def test_columns_can_be_given(evaluate, folder):
    (folder / "gold.conll").write_text("O B-PER Ada\nO I-PER Lovelace\nO O slept\n")
    report, _ = evaluate("gold.conll", "--columns", "2,1")
    assert (report["support"], report["correct"]) == (1, 1)


def test_a_binary_model_is_scored_on_names(rnner, folder):
    options = ["--set", "data.scheme=binary", "--set", "training.epochs=15", "--output", "names", "--quiet"]
    assert rnner("train", "--config", "tiny.yaml", *options).code == 0
    report = json.loads(rnner("evaluate", "test.conll", "--model", "names", "--format", "json").out)
    assert list(report["per_type"]) == ["NAME"]
    assert report["support"] == 3
    tagged = rnner("predict", "Ada Lovelace slept .", "--model", "names", "--format", "conll").out
    assert [line.split("\t")[1] for line in tagged.splitlines() if line] == ["1", "1", "0", "0"]


@pytest.fixture
def another(rnner, folder):
    """`another("KEY=VALUE", ...)` trains a second model, with these settings, and returns its folder."""

    def train(*settings):
        options = [part for setting in settings for part in ("--set", setting)]
        assert rnner("train", "--config", "tiny.yaml", "--output", "other", "--quiet", *options).code == 0
        return "other"

    return train


def test_f1_has_a_bootstrap_interval(rnner, trained, report):
    bounds = report["f1_interval"]
    assert bounds["low"] < report["f1"] < bounds["high"]
    assert (bounds["level"], bounds["resamples"], bounds["unit"], bounds["units"]) == (
        0.95,
        2000,
        "sentence",
        240,
    )
    table = rnner("evaluate", "sample:test", "--model", trained).out
    figures = f"{100 * bounds['low']:.2f} to {100 * bounds['high']:.2f}"
    assert f"F1 95% interval {figures}, bootstrap, 2,000 resamples of 240 sentences\n" in table


def test_documents_are_resampled_if_there_are_many(evaluate, folder):
    (folder / "gold.conll").write_text("-DOCSTART- O\n\nAda B-PER\n\nslept O\n\n" * 25)
    bounds = evaluate("gold.conll")[0]["f1_interval"]
    assert (bounds["unit"], bounds["units"]) == ("document", 25)


def test_several_models_are_compared_with_their_ensemble(rnner, trained, another, report):
    other = another("training.epochs=4", "encoder.cell=lstm", "training.seed=5")
    call = ("evaluate", "sample:test", "--model", trained, "--model", other)
    comparison = json.loads(rnner(*call, "--format", "json").out)
    first, second = comparison["models"]
    assert first == {"model": str(trained), **report} and comparison["baseline"] == str(trained)
    assert second["model"] == other
    gain = second["difference"]
    assert gain["f1"] == pytest.approx(second["f1"] - first["f1"])
    assert gain["low"] < gain["f1"] < gain["high"] and 0 <= gain["better"] <= 1
    together = comparison["ensemble"]
    assert together["difference"]["f1"] == pytest.approx(together["f1"] - first["f1"])

    table = rnner(*call).out
    assert re.search(rf"^Ensemble .+ {100 * together['f1']:.2f} +\d", table, re.MULTILINE)
    assert f" {100 * gain['f1']:+.2f} " in table and f"{100 * gain['low']:+.2f} to " in table
    assert f"{100 * gain['better']:.1f}%" in table


def test_a_model_does_not_differ_from_itself(rnner, trained):
    call = ("evaluate", "sample:test", "--model", trained, "--model", trained, "--format", "json")
    first, second = json.loads(rnner(*call).out)["models"]
    assert second.pop("difference") == {"f1": 0, "low": 0, "high": 0, "better": 0}
    assert first == second


def test_a_warning_about_the_data_is_shown_once(rnner, trained, folder):
    (folder / "gold.conll").write_text("Ada B-PER\nread O\nDune B-WORK\n")
    outcome = rnner("evaluate", "gold.conll", "--model", trained, "--model", trained)
    assert (
        outcome.err
        == "warning: the model does not know the labels WORK (1): these entities count as missed\n"
    )


def test_models_with_other_labels_are_refused(rnner, trained, another, one_line):
    names = another("training.epochs=1", "data.scheme=binary")
    outcome = rnner("evaluate", "sample:test", "--model", trained, "--model", names)
    one_line(
        outcome, 2, f"{trained} has the labels LOC, ORG, PER", f"{names} has NAME", "one at a time", "--map"
    )


@pytest.fixture
def person(folder, another):
    """A model with the label PERSON where the other one has PER."""
    for name in ("train", "dev", "test"):
        path = folder / f"{name}.conll"
        path.write_text(path.read_text().replace("-PER", "-PERSON"))
    return another("training.epochs=1")


def test_models_with_other_labels_are_compared_under_a_map(rnner, trained, person):
    call = ("evaluate", "test.conll", "--model", person, "--model", trained, "--map", "PERSON=PER")
    outcome = rnner(*call, "--format", "json")
    assert outcome.err == (
        "warning: no ensemble: only models that were trained with the same labels can be averaged\n"
    )
    report = json.loads(outcome.out)
    assert report["ensemble"] is None
    assert [model["per_type"].keys() for model in report["models"]] == [{"LOC", "ORG", "PER"}] * 2
    assert [model["support"] for model in report["models"]] == [3, 3]
    assert report["models"][1]["per_type"]["PER"]["f1"] == 1


def test_a_label_that_one_model_lacks_is_reported_with_its_name(rnner, trained, person):
    call = ("evaluate", "test.conll", "--model", trained, "--model", person, "--map", "ORG=COMPANY")
    err = rnner(*call).err
    assert f"warning: {trained}: the model does not know the labels PERSON (1)" in err
    assert f"{person}: the model" not in err


def test_a_model_is_scored_on_mapped_labels(evaluate, folder):
    (folder / "gold.conll").write_text("Ada B-PERSON\nLovelace I-PERSON\nread O\nDune B-WORK\n. O\n")
    report, err = evaluate("gold.conll", "--map", "PER=PERSON,WORK=")
    assert err == "" and report["support"] == report["per_type"]["PERSON"]["correct"] == 1
    assert "WORK" not in report["per_type"]


def test_the_report_has_averages_matches_and_unseen_entities(evaluate):
    report, _ = evaluate("sample:test", "--train", "sample:train")
    assert report["macro"]["f1"] == pytest.approx(
        sum(score["f1"] for score in report["per_type"].values()) / len(report["per_type"])
    )
    assert report["matches"]["strict"]["f1"] == pytest.approx(report["f1"])
    assert report["matches"]["strict"]["per_type"].keys() == report["per_type"].keys()
    assert report["matches"]["ent_type"].keys() >= {"correct", "incorrect", "partial", "missed", "spurious"}
    parts = report["train"]
    assert parts["seen"]["support"] + parts["unseen"]["support"] == report["support"]


def test_models_with_other_schemes_are_compared_without_an_ensemble(rnner, trained, another):
    iob2 = another("training.epochs=1", "data.scheme=iob2")
    call = ("evaluate", "sample:test", "--model", trained, "--model", iob2)
    outcome = rnner(*call, "--format", "json")
    assert outcome.err.startswith("warning: no ensemble: ") and f"{iob2}: iob2" in outcome.err
    report = json.loads(outcome.out)
    assert report["ensemble"] is None and report["models"][1]["difference"]["f1"] < 0
    assert "Ensemble" not in rnner(*call).out


def test_conlleval_takes_one_model(rnner, trained, one_line):
    call = ("evaluate", "sample:test", "--model", trained, "--model", trained)
    one_line(rnner(*call, "--format", "conlleval"), 2, "one --model", "table or json")


def test_unknown_words_are_left_out(rnner, trained, folder):
    text = "Ada B-PER\nLovelace I-PER\nwrote O\nto -\nCharles -\nBabbage -\n. O\n\n"
    Path("open.conll").write_text(text)
    outcome = rnner("evaluate", "open.conll", "--model", str(trained), "--unknown", "-", "--format", "json")
    report = json.loads(outcome.out)
    assert (report["support"], report["predicted"]) == (1, 1)
    assert "3 words with unknown tags: what the model finds there is not counted" in outcome.err
    other = rnner("evaluate", "open.conll", "--predictions", "open.conll", "--unknown", "-")
    assert (other.code, "--unknown is for models" in other.err) == (2, True)
