"""`rnner data audit`: rank the likely annotation errors of a file."""

import json
import math

import pytest

FAST = ["--folds", 2, "--set", "training.epochs=2", "--set", "encoder.hidden=8"]


def test_errors_have_a_place_and_both_readings(rnner, folder):
    outcome = rnner("data", "audit", "train.conll", *FAST, "--format", "json", "--top", 5)
    assert outcome.code == 0, outcome.err
    audited = json.loads(outcome.out)
    assert 0 < len(audited["shown"]) <= 5 and audited["doubts"] >= len(audited["shown"])
    lines = (folder / "train.conll").read_text().splitlines()
    for rank, doubt in enumerate(audited["shown"], 1):
        annotated, model = doubt["annotated"], doubt["model"]
        assert (doubt["rank"], doubt["path"]) == (rank, "train.conll")
        assert lines[doubt["line"] - 1].split()[0] == doubt["words"][annotated["start"]]
        assert annotated["text"] == " ".join(doubt["words"][annotated["start"] : annotated["end"]])
        assert (annotated["label"] is None) == (doubt["kind"] == "missing")
        assert (model["label"] is None) == (doubt["kind"] == "spurious")
        ratio = model["probability"] / annotated["probability"]
        assert doubt["log_ratio"] == pytest.approx(math.log(ratio), abs=1e-6)
    ratios = [doubt["log_ratio"] for doubt in audited["shown"]]
    assert ratios == sorted(ratios, reverse=True)
    assert "14 different sentences (" in outcome.err and "2/2: trained on 7 sentences" in outcome.err


def test_the_table_marks_the_words_and_can_go_to_a_file(rnner, folder):
    shown = rnner("data", "audit", "train.conll", *FAST, "--top", 1)
    assert shown.code == 0 and shown.out.startswith("train.conll:")
    assert ": annotated " in shown.out and "[" in shown.out.splitlines()[1]
    written = rnner("data", "audit", "train.conll", *FAST, "--top", 1, "--output", "doubts.txt")
    assert written.out == "" and (folder / "doubts.txt").read_text() == shown.out


@pytest.fixture
def audited(rnner, folder):
    """Return the errors of the corpus as JSON."""

    def call(*options):
        return rnner("data", "audit", "train.conll", *FAST, "--format", "json", *options).out

    return call


def test_the_seed_determines_the_folds(audited):
    assert audited("--seed", 1) == audited("--seed", 1) != audited()


def test_by_sentence_splits_documents(rnner, folder):
    text = (folder / "train.conll").read_text().replace("\n\n", "\n\n-DOCSTART- O\n\n", 1)
    (folder / "two.conll").write_text("-DOCSTART- O\n\n" + text)
    whole, cut = (rnner("data", "audit", "two.conll", *FAST, *by).err for by in ((), ("--by", "sentence")))
    assert "2 documents (" in whole and "14 different sentences (" in cut and "in 2 folds" in cut


@pytest.mark.slow
def test_processes_do_not_change_the_result(audited):
    assert audited("--jobs", 2) == audited()


@pytest.mark.slow
def test_a_process_that_dies_ends_the_audit(rnner, folder):
    (folder / "crash.py").write_text(
        "import multiprocessing, os, signal\n"
        "if multiprocessing.parent_process():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    outcome = rnner("data", "audit", "train.conll", *FAST, "--jobs", 2, "--code", "crash.py")
    assert outcome.code == 1
    assert "error: a worker process was killed (signal 9), possibly out of memory" in outcome.err


def test_a_given_config(rnner, folder):
    outcome = rnner("data", "audit", "train.conll", "--config", "tiny.yaml", *FAST)
    assert outcome.code == 0, outcome.err


def test_more_folds_than_sentences(rnner, folder, one_line):
    (folder / "few.conll").write_text("Ada B-PER\n\nrain O\n")
    one_line(rnner("data", "audit", "few.conll", "--folds", 9), 1, "cannot be split into 9 parts")


def test_an_unknown_key(rnner, folder, one_line):
    one_line(rnner("data", "audit", "train.conll", "--set", "training.epoch=1"), 2, "epochs")
