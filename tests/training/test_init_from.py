"""Going on from a model: what it knew is kept, what is new is learnt."""

import pytest
import torch

from rnner.config import parse_config
from rnner.data.bags import bags_of
from rnner.data.lexicon import Lexicon
from rnner.errors import ConfigError
from rnner.model.folder import load_model, save_description, save_weights
from rnner.training.run import check_same_config, train
from rnner.training.setup import prepare
from runs import CPU, stopped_after
from tiny import DEV, TEST, corpus_config, split_of, tagger_that_composes, tagger_with_context, write_columns

NEW = """
[CREATURE Buckbeak] flew from [LOC Hogwarts] to [LOC Azkaban] .
[PER Sirius Black] escaped on [CREATURE Buckbeak] to [LOC Azkaban] .
"""


def test_going_on_from_a_model_keeps_what_it_knew_and_learns_new_labels(tmp_path, whole):
    config, folder = whole
    old = load_model(folder)
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
    kept = job.tagger.encoder.state_dict()
    for name, weight in old.tagger.encoder.state_dict().items():
        assert torch.equal(kept[name], weight), name
    list(train(job, tmp_path / "run"))
    assert load_model(tmp_path / "run").vocabulary.labels == job.vocabulary.labels


def test_going_on_can_be_interrupted_as_well(tmp_path, whole):
    config, folder = whole
    ends = []
    for name, stops in (("a", ()), ("b", (2, 3))):
        for events in stops:
            stopped_after(tmp_path / name, config, events, init_from=load_model(folder), resume=True)
            check_same_config(tmp_path / name, config)
        list(train(prepare(config, device=CPU, init_from=load_model(folder)), tmp_path / name, resume=True))
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
        prepare(changed, device=CPU, init_from=load_model(folder))


def test_all_unlike_keys_are_told_at_once_and_what_may_differ_is_not(whole):
    config, folder = whole
    changed = parse_config(
        config.model_dump(),
        ["encoder.hidden=9", "head=softmax", "dropout.input=0", "training.epochs=1", "encoder.path=loop"],
    )
    with pytest.raises(ConfigError) as caught:
        prepare(changed, device=CPU, init_from=load_model(folder))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["encoder.hidden", "head"]


def test_a_model_brings_its_own_vectors(whole):
    config, folder = whole
    changed = parse_config(config.model_dump(), ["embeddings.words.vectors=glove.txt"])
    job = prepare(changed, device=CPU, init_from=load_model(folder))
    assert any("the model brings its own vectors" in notice for notice in job.notices)
    assert torch.equal(job.tagger.words.weight[:5], load_model(folder).tagger.words.weight[:5])


# --- documents and a lexicon -------------------------------------------------------------------------------

CONTEXT = ("embeddings.document=true", "embeddings.lexicon=true")


@pytest.fixture
def with_context(tmp_path):
    """A model with documents and a lexicon, and a config to go on from it."""
    tagger, vocabulary = tagger_with_context()
    config = corpus_config(tmp_path, *CONTEXT, "training.epochs=1")
    folder = tmp_path / "old"
    folder.mkdir()
    save_description(folder, config, vocabulary)
    save_weights(folder, tagger)
    return config, load_model(folder)


def test_going_on_adds_to_the_lexicon_and_keeps_what_was_learnt_of_documents(tmp_path, with_context):
    config, old = with_context
    new = "[PER Harry] saw [ORG Hogwarts] .\n[LOC Hogsmeade] lies near .\n[MISC Welsh] rain ."
    write_columns(tmp_path / "train.conll", new)
    job = prepare(config, device=CPU, init_from=old)
    added = Lexicon.learn(split_of(new), old.vocabulary.labels)
    assert job.vocabulary.lexicon.counts == old.vocabulary.lexicon.merged(added).counts
    known = dict(zip(["O", *job.vocabulary.labels], job.vocabulary.lexicon.counts["hogwarts"], strict=True))
    assert known == {"O": 0, "LOC": 2, "MISC": 0, "ORG": 1, "PER": 0}
    assert torch.equal(job.tagger.document.gate.weight, old.tagger.document.gate.weight)
    list(train(job, tmp_path / "run"))
    again = load_model(tmp_path / "run")
    assert again.vocabulary.lexicon.counts == job.vocabulary.lexicon.counts


def test_a_lexicon_learns_new_labels_and_old_words_are_seen_as_before(tmp_path, with_context):
    config, old = with_context
    write_columns(tmp_path / "train.conll", NEW)
    job = prepare(config, device=CPU, init_from=old)
    counts = dict(zip(["O", *job.vocabulary.labels], job.vocabulary.lexicon.counts["buckbeak"], strict=True))
    assert counts == {"O": 0, "CREATURE": 2, "LOC": 0, "MISC": 0, "ORG": 0, "PER": 0}
    words = [["London", "and", "Harry"]]  # none of them in the new texts
    seen = [
        model.tagger.eval()(
            model.vocabulary.encode(words, bags=bags_of(words, [0], model.vocabulary.row)).to("cpu")
        )
        for model in (old, job)
    ]
    places = [job.vocabulary.tags.index(tag) for tag in old.vocabulary.tags]
    torch.testing.assert_close(seen[1][..., places], seen[0])
    list(train(job, tmp_path / "run"))


@pytest.mark.parametrize("key", ["embeddings.document", "embeddings.lexicon"])
def test_what_a_model_looks_at_stays_as_it_is(key, with_context, whole):
    config, old = with_context
    told = rf"{key}: .*must be as in the model with --init-from"
    with pytest.raises(ConfigError, match=told):
        prepare(parse_config(config.model_dump(), [f"{key}=false"]), device=CPU, init_from=old)
    plain, folder = whole
    with pytest.raises(ConfigError, match=told):
        prepare(parse_config(plain.model_dump(), [f"{key}=true"]), device=CPU, init_from=load_model(folder))


# --- composed words ----------------------------------------------------------------------------------------


def test_going_on_from_a_model_that_composes_words_keeps_what_they_are_composed_of(tmp_path):
    tagger, vocabulary = tagger_that_composes()
    config = corpus_config(tmp_path, "training.epochs=1")
    (tmp_path / "old").mkdir()
    save_description(tmp_path / "old", config, vocabulary)
    save_weights(tmp_path / "old", tagger)
    old = load_model(tmp_path / "old")
    write_columns(tmp_path / "train.conll", "[PER Dobby] saw [LOC Azkaban] .\n" + "[PER Dobby] left .\n" * 9)
    job = prepare(config, device=CPU, init_from=old)
    assert job.vocabulary.words == [*vocabulary.words, "dobby"]
    assert torch.equal(job.tagger.words.vectors, tagger.words.vectors)
    sentences = [["Azkaban", "London-bank", "Hagrid", "London"]]
    expected = tagger.features(vocabulary.encode(sentences).to("cpu"))[:, :8]
    assert torch.equal(job.tagger.features(job.vocabulary.encode(sentences).to("cpu"))[:, :8], expected)
    list(train(job, tmp_path / "run"))
    assert load_model(tmp_path / "run").vocabulary == job.vocabulary
