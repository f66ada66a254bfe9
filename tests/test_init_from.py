"""Going on from a model: what it knew is kept, what is new is learnt."""

import pytest
import torch

from rnner.bundle import load_bundle
from rnner.config import parse_config
from rnner.errors import ConfigError
from rnner.job import prepare
from rnner.run import check_same_config, train
from runs import CPU, stopped_after
from tiny import DEV, TEST, write_columns

NEW = """
[CREATURE Buckbeak] flew from [LOC Hogwarts] to [LOC Azkaban] .
[PER Sirius Black] escaped on [CREATURE Buckbeak] to [LOC Azkaban] .
"""


def test_going_on_from_a_model_keeps_what_it_knew_and_learns_new_labels(tmp_path, whole):
    config, folder = whole
    old = load_bundle(folder)
    for name, text in {"train": NEW, "dev": DEV, "test": TEST}.items():
        write_columns(tmp_path / f"{name}.conll", text)
    files = {f"data.{name}": tmp_path / f"{name}.conll" for name in ("train", "dev", "test")}
    config = parse_config(config.model_dump(), [f"{key}={path}" for key, path in files.items()])
    job = prepare(config, device=CPU, init_from=old)
    assert job.vocabulary.labels == ["CREATURE", "LOC", "MISC", "ORG", "PER"]
    assert any("new labels: CREATURE" in notice for notice in job.notices)
    words = len(old.vocabulary.words)
    assert job.vocabulary.words[:words] == old.vocabulary.words and "azkaban" in job.vocabulary.words[words:]
    assert torch.equal(job.tagger.words.weight[:words], old.tagger.words.weight)
    places = [job.vocabulary.tags.index(tag) for tag in old.vocabulary.tags]
    assert torch.equal(job.tagger.emission.weight[places], old.tagger.emission.weight)
    list(train(job, tmp_path / "run"))
    assert load_bundle(tmp_path / "run").vocabulary.labels == job.vocabulary.labels


def test_going_on_can_be_interrupted_as_well(tmp_path, whole):
    config, folder = whole
    ends = []
    for name, stops in (("a", ()), ("b", (2, 3))):
        for events in stops:
            stopped_after(tmp_path / name, config, events, init_from=load_bundle(folder), resume=True)
            check_same_config(tmp_path / name, config)
        list(train(prepare(config, device=CPU, init_from=load_bundle(folder)), tmp_path / name, resume=True))
        ends.append((tmp_path / name / "model.safetensors").read_bytes())
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    "override",
    [
        "encoder.hidden=9",
        "encoder.cell=gru",
        "head=softmax",
        "embeddings.characters.hidden=6",
        "embeddings.casing=4",
        "embeddings.words.size=9",
        "data.scheme=iob2",
    ],
)
def test_going_on_with_an_unlike_architecture_is_refused_naming_the_key(whole, override):
    config, folder = whole
    changed = parse_config(config.model_dump(), [override])
    key = override.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"{key}: .* / .*must be as in the model with --init-from"):
        prepare(changed, device=CPU, init_from=load_bundle(folder))


def test_all_unlike_keys_are_told_at_once_and_what_may_differ_is_not(whole):
    config, folder = whole
    changed = parse_config(
        config.model_dump(),
        ["encoder.hidden=9", "head=softmax", "dropout.input=0", "training.epochs=1", "encoder.path=loop"],
    )
    with pytest.raises(ConfigError) as caught:
        prepare(changed, device=CPU, init_from=load_bundle(folder))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["encoder.hidden", "head"]


def test_a_model_brings_its_own_vectors(whole):
    config, folder = whole
    changed = parse_config(config.model_dump(), ["embeddings.words.vectors=glove.txt"])
    job = prepare(changed, device=CPU, init_from=load_bundle(folder))
    assert any("the model brings its own vectors" in notice for notice in job.notices)
    assert torch.equal(job.tagger.words.weight[:5], load_bundle(folder).tagger.words.weight[:5])
