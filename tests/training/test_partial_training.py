"""Training and scoring with words whose tags are not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rnner.config import Config
from rnner.data.corpus import load_corpus, read_split
from rnner.data.encoded_split import EncodedSplit
from rnner.data.lexicon import Lexicon
from rnner.data.splits import Split
from rnner.errors import DataError
from rnner.scoring.evaluation import evaluation_report, score_split
from rnner.tags import Span
from rnner.training.setup import TrainingData, TrainingSetup, make_trainer, prepare_training

KNOWN = "Ada B-PER\nLovelace I-PER\nwrote O\nto O\nCharles B-PER\n. O\n\nOslo B-LOC\nis O\nbig O\n\n"
OPEN = "Ada B-PER\nLovelace ?\nwrote O\nto ?\nCharles B-PER\n. O\n\nOslo B-?\nis O\nbig ?\n\n"


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def setup_of(folder: Path, train: str, *, head: str = "crf", **training: object) -> TrainingSetup:
    config = Config.model_validate(
        {
            "data": {
                "train": write(folder / "train.conll", train),
                "dev": write(folder / "dev.conll", KNOWN),
            },
            "embeddings": {"words": {"size": 8, "min_count": 1}, "lexicon": True},
            "encoder": {"hidden": 8},
            "dropout": dict.fromkeys(("words", "input", "hidden", "output", "document"), 0.0),
            "head": head,
            "training": {"epochs": 15, "learning_rate": 0.05, "batch_sentences": 2, **training},
        }
    )
    return prepare_training(config, device=torch.device("cpu"))


@pytest.fixture
def split(tmp_path: Path) -> Split:
    return read_split(write(tmp_path / "open.conll", OPEN), scheme="bioes")


def test_a_file_with_unknown_tags_is_a_split_of_sets(split: Split) -> None:
    assert split.sentences()[1] == [
        ["B-PER\tS-PER", "E-PER\tO\tS-?", "O", "O\tS-?", "S-PER", "O"],
        ["S-?", "O", "O\tS-?"],
    ]
    assert split.labels == ["PER"]
    assert list(split.all_spans()) == [[Span(4, 5, "PER")], []]
    assert list(split.unknown_words()) == [[0, 1, 3], [0, 2]]
    assert split.notes == ("words with unknown tags or labels: 4",)


def test_another_mark_can_stand_for_unknown_tags(tmp_path: Path, split: Split) -> None:
    path = write(tmp_path / "dashes.conll", OPEN.replace("?", "-"))
    assert read_split(path, scheme="bioes", unknown="-").sentences() == split.sentences()
    with pytest.raises(DataError, match=r"'\?' is not a valid tag"):
        read_split(tmp_path / "open.conll", unknown="-")


def test_a_contradiction_is_reported_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "wrong.conll", KNOWN + "Mont B-LOC\nBlanc I-?\nAda I-PER\nis O\n\n")
    with pytest.raises(DataError, match=r"wrong.conll:12: no iob2 tags fit .* around word \d"):
        read_split(path)


def test_batches_allow_several_tags_only_where_needed(tmp_path: Path, split: Split) -> None:
    setup = setup_of(tmp_path, KNOWN + OPEN)
    encoded = EncodedSplit(setup.vocabulary, setup.corpus.train)
    assert encoded.batch([0, 1]).allowed is None
    batch = encoded.batch([0, 2])
    assert batch.allowed is not None
    tags = setup.vocabulary.tags
    assert [[tags[i] for i in np.flatnonzero(row)] for row in batch.allowed[1, [0, 2, 4]]] == [
        ["B-PER", "S-PER"],
        ["O"],
        ["S-PER"],
    ]
    assert [tags[i] for i in np.flatnonzero(batch.allowed[1, 1])] == ["O", "S-LOC", "E-PER", "S-PER"]
    assert batch.allowed[0].sum(-1).tolist() == [1] * 6


def test_without_unknown_tags_batches_are_as_before(tmp_path: Path) -> None:
    setup = setup_of(tmp_path, KNOWN)
    assert EncodedSplit(setup.vocabulary, setup.corpus.train).batch([0, 1]).allowed is None


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_a_tagger_learns_what_is_annotated_and_fills_in_the_rest(tmp_path: Path, head: str) -> None:
    setup = setup_of(tmp_path, (KNOWN + OPEN) * 2, head=head)
    trainer = make_trainer(setup)
    for _ in trainer.fit():
        pass
    assert trainer.evaluate().scores.f1 > 0.9


def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    def trained(interrupt: int | None) -> dict[str, torch.Tensor]:
        trainer = make_trainer(setup_of(tmp_path, (KNOWN + OPEN) * 2, epochs=3))
        events = trainer.fit()
        if interrupt is not None:
            for _ in range(interrupt):
                next(events)
            state = {name: value.clone() for name, value in trainer.state_dict().items()}
            position = trainer.position
            trainer = make_trainer(setup_of(tmp_path, (KNOWN + OPEN) * 2, epochs=3))
            trainer.load_state_dict(state, position)
            events = trainer.fit()
        for _ in events:
            pass
        return trainer.state_dict()

    whole, resumed = trained(None), trained(6)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_the_lexicon_learns_labels_that_are_known(split: Split) -> None:
    counts = Lexicon.learn(split, ["LOC", "PER"]).counts
    assert counts["ada"] == [0, 0, 1]  # B-PER or S-PER
    assert counts["lovelace"] == [0, 0, 0]
    assert counts["oslo"] == [0, 0, 0]
    assert counts["wrote"] == [1, 0, 0]


def test_unknown_words_are_left_out_of_scores(split: Split) -> None:
    found = [[Span(0, 2, "PER"), Span(3, 4, "LOC"), Span(4, 5, "PER")], [Span(1, 2, "LOC")]]
    scores = score_split(split, found)
    assert (scores.support, scores.predicted, scores.correct) == (1, 2, 1)
    assert (scores.tokens, scores.correct_tokens) == (4, 3)


def test_the_report_says_what_is_left_out(tmp_path: Path, split: Split) -> None:
    from rnner.decoding.tagger_decoder import TaggerDecoder

    setup = setup_of(tmp_path, KNOWN)
    trainer = make_trainer(setup)
    for _ in trainer.fit():
        pass
    report = evaluation_report(TaggerDecoder(setup.tagger, setup.vocabulary), split, probabilities=True)
    assert (report.scores.support, report.scores.predicted, report.scores.f1) == (1, 1, 1.0)
    expected = "5 words with unknown tags: what the model finds there is not counted (2 found entities)"
    assert expected in report.warnings


def test_held_out_sentences_may_have_unknown_tags(tmp_path: Path) -> None:
    corpus = load_corpus(train=write(tmp_path / "train.conll", (KNOWN + OPEN) * 5))
    assert corpus.held_out
    assert len(corpus.dev) + len(corpus.train) == 20
    assert corpus.train.labels == ["LOC", "PER"]


def test_training_needs_an_entity_whose_label_is_known(tmp_path: Path) -> None:
    path = write(tmp_path / "train.conll", "Oslo B-?\nis O\n\nAda ?\nis O\n\n")
    with pytest.raises(DataError, match="no entities with a known label"):
        load_corpus(train=path, dev=path)
    setup = setup_of(tmp_path, KNOWN + OPEN)
    fold = replace(setup.corpus, train=setup.corpus.train.select([3]))
    with pytest.raises(DataError, match="no training sentence has an entity whose label is known"):
        prepare_training(setup.config, device=torch.device("cpu"), data=TrainingData(fold))
