"""Corpora of several files, of which some annotate only some labels."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnner.config import Config, parse_config
from rnner.data.corpus import load_corpus
from rnner.data.encoded_split import EncodedSplit
from rnner.data.lexicon import Lexicon
from rnner.errors import ConfigError
from rnner.scoring.evaluation import evaluate_files
from rnner.tags import Span
from rnner.training.run import run_training
from rnner.training.setup import TrainingSetup, make_trainer, prepare_training

FULL = "Ada B-PER\nLovelace I-PER\nsaw O\nOslo B-LOC\n\nFiat B-ORG\nsaw O\nAda B-PER\n\n"
PEOPLE = "Bo B-PERSON\nsaw O\nRome O\n\nEd B-PERSON\nLee I-PERSON\nsaw O\nFord O\n\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    texts = {"full": FULL, "people": PEOPLE}
    for name, text in texts.items():
        (tmp_path / f"{name}.conll").write_text(text, encoding="utf-8")
    return {name: str(tmp_path / f"{name}.conll") for name in texts}


def people(files: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"path": files["people"], "labels": ["PER"], "map": {"PERSON": "PER"}, **more}


def config_of(files: dict[str, str], *, weight: float = 1.0, **training: Any) -> Config:
    return parse_config(
        {
            "data": {
                "train": [files["full"], people(files, weight=weight)],
                "dev": [files["full"], people(files)],
                "test": [files["full"]],
            },
            "embeddings": {"words": {"size": 8, "min_count": 1}, "lexicon": True},
            "encoder": {"hidden": 8},
            "training": {"epochs": 4, "learning_rate": 0.05, "batch_sentences": 2, **training},
        }
    )


def setup_of(config: Config) -> TrainingSetup:
    return prepare_training(config, device=torch.device("cpu"))


def test_outside_a_label_that_a_file_does_not_annotate_is_possible(files: dict[str, str]) -> None:
    setup = setup_of(config_of(files))
    assert setup.vocabulary.labels == ["LOC", "ORG", "PER"]
    batch = EncodedSplit(setup.vocabulary, setup.corpus.train).batch([0, 2])
    assert batch.allowed is not None
    tags = setup.vocabulary.tags
    allowed = [[tags[i] for i in np.flatnonzero(row)] for row in batch.allowed[1, :3]]
    others = ["O"] + [tag for tag in tags if tag[2:] in ("LOC", "ORG")]
    assert allowed == [["S-PER"], others, others]
    assert batch.allowed[0].sum(-1).tolist() == [1, 1, 1, 1]


def test_fully_annotated_files_are_joined_as_if_they_were_one(files: dict[str, str], tmp_path: Path) -> None:
    both = tmp_path / "both.conll"
    both.write_text(FULL + PEOPLE.replace("PERSON", "PER"), encoding="utf-8")
    mapped = parse_config({"data": {"train": [files["full"], people(files, labels=None)]}}).data.train
    joined, whole = (load_corpus(train=train, dev=files["full"]).train for train in (mapped, str(both)))
    assert joined.sentences() == whole.sentences()
    assert joined.digest == whole.digest
    assert not joined.partial
    assert joined.sample([1, 0]) is None
    single = load_corpus(train=[files["full"]], dev=files["full"]).train
    assert single.digest == load_corpus(train=files["full"], dev=files["full"]).train.digest


def test_documents_of_different_files_stay_apart(tmp_path: Path) -> None:
    for name in "ab":
        text = f"-DOCSTART- O\n\n{FULL}-DOCSTART- O\n\n{FULL}"
        (tmp_path / name).write_text(text, encoding="utf-8")
    names = [str(tmp_path / name) for name in "ab"]
    assert load_corpus(train=names, dev=names[0]).train.documents.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_lexicon_does_not_learn_what_a_file_does_not_annotate(files: dict[str, str]) -> None:
    train = setup_of(config_of(files)).corpus.train
    counts = Lexicon.learn(train, ["LOC", "ORG", "PER"]).counts
    assert counts["rome"] == [0, 0, 0, 0]
    assert counts["ed"] == [0, 0, 0, 1]
    assert counts["saw"] == [2, 0, 0, 0]


def test_each_file_is_scored_on_its_own_labels(files: dict[str, str]) -> None:
    class Found:
        def spans(self, sentences: list[list[str]], documents: list[int]) -> list[list[Span]]:
            names = {"Oslo": "LOC", "Rome": "LOC", "Ford": "ORG", "Fiat": "ORG", "Bo": "PER", "saw": "PER"}
            return [
                [Span(i, i + 1, names[word]) for i, word in enumerate(words) if word in names]
                for words in sentences
            ]

    dev = setup_of(config_of(files)).corpus.dev
    assert [line.rsplit("/", 1)[1] for line in dev.describe_files()] == [
        "full.conll: 2 sentences, all labels",
        "people.conll: 2 sentences, labels PER",
    ]
    scores = evaluate_files(Found(), dev)  # type: ignore[arg-type]
    counts = {Path(name).stem: (own["support"], own["predicted"]) for name, own in scores["files"].items()}
    assert counts == {"full": (4, 4), "people": (2, 3)}  # Rome and Ford do not count in people
    assert (scores["support"], scores["predicted"], scores["correct"]) == (6, 7, 3)


def test_a_held_out_dev_keeps_the_labels_of_its_files(files: dict[str, str], tmp_path: Path) -> None:
    for name in files:
        path = Path(files[name])
        path.write_text(path.read_text() * 20, encoding="utf-8")
    train = parse_config({"data": {"train": [files["full"], people(files)]}}).data.train
    corpus = load_corpus(train=train, seed=3)
    assert corpus.held_out
    assert len(corpus.dev) == 8
    assert not corpus.dev.partial
    assert set(corpus.dev.annotated_labels) == {None, frozenset(["PER"])}
    assert corpus.train.partial


def test_the_weight_is_the_share_of_a_files_sentences_in_an_epoch(files: dict[str, str]) -> None:
    path = Path(files["people"])
    path.write_text(path.read_text() * 5, encoding="utf-8")

    def epoch(weight: float, number: int) -> Counter[int]:
        trainer = make_trainer(setup_of(config_of(files, weight=weight)))
        return Counter(np.concatenate(trainer.epoch_batches(number)).tolist())

    half, more = epoch(0.5, 0), epoch(2.3, 0)
    assert half[0] == half[1] == more[0] == 1
    assert sum(half.values()) == 2 + 5
    assert max(half.values()) == 1
    assert sum(more.values()) == 2 + 23
    assert set(more.values()) == {1, 2, 3}
    assert epoch(0.5, 0) == half
    assert epoch(0.5, 1) != half
    assert epoch(1.0, 0) == Counter(range(12))


def test_a_run_with_weights_and_labels_resumes_with_the_same_bits(files: dict[str, str]) -> None:
    config = config_of(files, weight=1.5)

    def trained(interrupt: int) -> dict[str, torch.Tensor]:
        trainer = make_trainer(setup_of(config))
        events = trainer.fit()
        for _ in range(interrupt):
            next(events)
        state = {name: value.clone() for name, value in trainer.state_dict().items()}
        resumed = make_trainer(setup_of(config))
        resumed.load_state_dict(state, trainer.position)
        for _ in resumed.fit():
            pass
        return resumed.state_dict()

    first, second = trained(0), trained(5)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_metrics_and_card_show_each_file(files: dict[str, str], tmp_path: Path) -> None:
    for _ in run_training(setup_of(config_of(files, weight=0.5, epochs=1)), tmp_path / "run"):
        pass
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert list(metrics["dev"]["files"]) == [files["full"], files["people"]]
    assert "files" not in metrics["test"]
    card = (tmp_path / "run" / "README.md").read_text()
    train = f"`{files['full']}`, `{files['people']}` (only `PER` annotated, 0.5 times per epoch)"
    assert f"| training data | {train}: 4 sentences" in card
    assert card.count(f"| `{files['people']}` |") == 1  # its scores on dev


def test_labels_that_a_file_has_but_does_not_list_are_an_error(files: dict[str, str]) -> None:
    config = parse_config({"data": {"train": [{"path": files["full"], "labels": ["PER", "ORG"]}]}})
    expected = r"data.train: .*full.conll: labels does not list LOC \(1\), .* map: \{LOC: ''\}"
    with pytest.raises(ConfigError, match=expected):
        load_corpus(train=config.data.train)
    dropped = {"path": files["full"], "labels": ["PER", "ORG"], "map": {"LOC": ""}}
    config = parse_config({"data": {"train": [dropped], "dev": files["full"]}})
    assert load_corpus(train=config.data.train, dev=files["full"]).train.labels == ["ORG", "PER"]


def test_a_map_that_names_no_label_of_the_file_is_reported(files: dict[str, str]) -> None:
    train = parse_config({"data": {"train": [people(files), {"path": files["full"], "map": {"PRE": "X"}}]}})
    warnings = load_corpus(train=train.data.train, dev=files["full"]).warnings
    assert any("full.conll: map: no entity has the label PRE (did you mean PER?)" in it for it in warnings)


def test_binary_models_cannot_tell_which_labels_are_annotated(files: dict[str, str]) -> None:
    train = parse_config({"data": {"train": [people(files)]}}).data.train
    with pytest.raises(ConfigError, match=r"data.train: .*people.conll: labels needs a scheme with labels"):
        load_corpus(train=train, dev=files["full"], scheme="binary")
