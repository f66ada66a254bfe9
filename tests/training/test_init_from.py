"""Continuing from a model: its weights are kept, new words and labels are added."""

import pytest
import torch

from rnner.config import parse_config
from rnner.data.bags import bags_of_words
from rnner.data.lexicon import Lexicon
from rnner.errors import ConfigError
from rnner.model.folder import load_model, save_config_and_vocabulary, save_weights
from rnner.model.names import find_model
from rnner.training.run import check_same_config, run_training
from rnner.training.setup import prepare_training
from run_helpers import CPU, stopped_after
from tiny_corpus import (
    DEV,
    TEST,
    corpus_config,
    split_of,
    tagger_that_composes,
    tagger_with_context,
    write_columns,
)

NEW = """
[CREATURE Buckbeak] flew from [LOC Hogwarts] to [LOC Azkaban] .
[PER Sirius Black] escaped on [CREATURE Buckbeak] to [LOC Azkaban] .
"""


def test_init_from_keeps_weights_and_adds_labels(tmp_path, finished_run):
    config, folder = finished_run
    old = load_model(folder)
    for name, text in {"train": NEW, "dev": DEV, "test": TEST}.items():
        write_columns(tmp_path / f"{name}.conll", text)
    files = {f"data.{name}": tmp_path / f"{name}.conll" for name in ("train", "dev", "test")}
    config = parse_config(config.model_dump(), [f"{key}={path}" for key, path in files.items()])
    setup = prepare_training(config, device=CPU, init_from=old)
    assert setup.vocabulary.labels == ["CREATURE", "LOC", "MISC", "ORG", "PER"]
    assert any("new labels: CREATURE" in notice for notice in setup.notices)
    words = len(old.vocabulary.words)
    assert (
        setup.vocabulary.words[:words] == old.vocabulary.words and "azkaban" in setup.vocabulary.words[words:]
    )
    assert torch.equal(setup.tagger.words.weight[:words], old.tagger.words.weight)
    places = [setup.vocabulary.tags.index(tag) for tag in old.vocabulary.tags]
    assert torch.equal(setup.tagger.emission.weight[places], old.tagger.emission.weight)
    kept = setup.tagger.encoder.state_dict()
    for name, weight in old.tagger.encoder.state_dict().items():
        assert torch.equal(kept[name], weight), name
    list(run_training(setup, tmp_path / "run"))
    assert load_model(tmp_path / "run").vocabulary.labels == setup.vocabulary.labels


def test_a_run_with_init_from_can_be_interrupted(tmp_path, finished_run):
    config, folder = finished_run
    ends = []
    for name, stops in (("a", ()), ("b", (2, 3))):
        for events in stops:
            stopped_after(tmp_path / name, config, events, init_from=load_model(folder), resume=True)
            check_same_config(tmp_path / name, config)
        list(
            run_training(
                prepare_training(config, device=CPU, init_from=load_model(folder)),
                tmp_path / name,
                resume=True,
            )
        )
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
def test_another_architecture_is_refused_with_the_key(finished_run, override):
    config, folder = finished_run
    changed = parse_config(config.model_dump(), [override])
    key = override.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"{key}: .* / .*must match the model given with --init-from"):
        prepare_training(changed, device=CPU, init_from=load_model(folder))


def test_all_keys_that_differ_are_reported_together(finished_run):
    config, folder = finished_run
    changed = parse_config(
        config.model_dump(),
        ["encoder.hidden=9", "head=softmax", "dropout.input=0", "training.epochs=1", "encoder.path=loop"],
    )
    with pytest.raises(ConfigError) as caught:
        prepare_training(changed, device=CPU, init_from=load_model(folder))
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["encoder.hidden", "head"]


def test_a_config_that_names_no_network_continues_from_the_bundled_model(tmp_path):
    """Its vectors are int8, which is not the default."""
    write_columns(tmp_path / "train.conll", NEW)
    files = {name: str(tmp_path / "train.conll") for name in ("train", "dev")}
    config = parse_config({"data": files, "training": {"epochs": 1}})
    old = load_model(find_model("en"))
    list(run_training(prepare_training(config, device=CPU, init_from=old), tmp_path / "run"))
    new = load_model(tmp_path / "run")
    assert new.vocabulary.labels == ["CREATURE", "LOC", "ORG", "PER"]
    assert new.config.encoder == old.config.encoder and new.config.head == old.config.head
    assert new.config.embeddings == old.config.embeddings
    assert new.config.data.train == files["train"] and new.config.training.epochs == 1
    assert torch.equal(new.tagger.words.vectors, old.tagger.words.vectors)


def test_labels_that_only_the_model_knows_are_not_reported_as_unknown(tmp_path, finished_run):
    config, folder = finished_run
    write_columns(tmp_path / "train.conll", "[PER Dobby] left .\nIt rained .")
    write_columns(tmp_path / "dev.conll", "[PER Dobby] saw [LOC London] and [DATE May] .")
    files = [f"data.{name}={tmp_path / name}.conll" for name in ("train", "dev")]
    config = parse_config(config.model_dump(), [*files, "data.test=null"])
    setup = prepare_training(config, device=CPU, init_from=load_model(folder))
    assert setup.corpus.unseen_labels == {"dev": {"DATE": 1}}
    assert prepare_training(config, device=CPU).corpus.unseen_labels == {"dev": {"DATE": 1, "LOC": 1}}


def test_init_from_keeps_the_vectors_of_its_model(finished_run):
    config, folder = finished_run
    changed = parse_config(config.model_dump(), ["embeddings.words.vectors=glove.txt"])
    setup = prepare_training(changed, device=CPU, init_from=load_model(folder))
    assert any("keeps the model's vectors" in notice for notice in setup.notices)
    assert torch.equal(setup.tagger.words.weight[:5], load_model(folder).tagger.words.weight[:5])


# --- documents and a lexicon -------------------------------------------------------------------------------

CONTEXT = ("embeddings.document=true", "embeddings.lexicon=true")


@pytest.fixture
def with_context(tmp_path):
    """A model with a document vector and a lexicon, and a config to continue from it."""
    tagger, vocabulary = tagger_with_context()
    config = corpus_config(tmp_path, *CONTEXT, "training.epochs=1")
    folder = tmp_path / "old"
    folder.mkdir()
    save_config_and_vocabulary(folder, config, vocabulary)
    save_weights(folder, tagger)
    return config, load_model(folder)


def test_init_from_extends_the_lexicon_and_keeps_the_document_gate(tmp_path, with_context):
    config, old = with_context
    new = "[PER Harry] saw [ORG Hogwarts] .\n[LOC Hogsmeade] lies near .\n[MISC Welsh] rain ."
    write_columns(tmp_path / "train.conll", new)
    setup = prepare_training(config, device=CPU, init_from=old)
    added = Lexicon.learn(split_of(new), old.vocabulary.labels)
    assert setup.vocabulary.lexicon.counts == old.vocabulary.lexicon.merged(added).counts
    known = dict(
        zip(["O", *setup.vocabulary.labels], setup.vocabulary.lexicon.counts["hogwarts"], strict=True)
    )
    assert known == {"O": 0, "LOC": 2, "MISC": 0, "ORG": 1, "PER": 0}
    assert torch.equal(setup.tagger.document.gate.weight, old.tagger.document.gate.weight)
    list(run_training(setup, tmp_path / "run"))
    again = load_model(tmp_path / "run")
    assert again.vocabulary.lexicon.counts == setup.vocabulary.lexicon.counts


def test_new_labels_in_the_lexicon_do_not_change_features_of_old_words(tmp_path, with_context):
    config, old = with_context
    write_columns(tmp_path / "train.conll", NEW)
    setup = prepare_training(config, device=CPU, init_from=old)
    counts = dict(
        zip(["O", *setup.vocabulary.labels], setup.vocabulary.lexicon.counts["buckbeak"], strict=True)
    )
    assert counts == {"O": 0, "CREATURE": 2, "LOC": 0, "MISC": 0, "ORG": 0, "PER": 0}
    words = [["London", "and", "Harry"]]  # none of them is in the new texts
    seen = [
        model.tagger.eval()(
            model.vocabulary.encode(words, bags=bags_of_words(words, [0], model.vocabulary.row)).to("cpu")
        )
        for model in (old, setup)
    ]
    places = [setup.vocabulary.tags.index(tag) for tag in old.vocabulary.tags]
    torch.testing.assert_close(seen[1][..., places], seen[0])
    list(run_training(setup, tmp_path / "run"))


@pytest.mark.parametrize("key", ["embeddings.document", "embeddings.lexicon"])
def test_document_and_lexicon_must_be_as_in_the_model(key, with_context, finished_run):
    config, old = with_context
    message = rf"{key}: .*must match the model given with --init-from"
    with pytest.raises(ConfigError, match=message):
        prepare_training(parse_config(config.model_dump(), [f"{key}=false"]), device=CPU, init_from=old)
    plain, folder = finished_run
    with pytest.raises(ConfigError, match=message):
        prepare_training(
            parse_config(plain.model_dump(), [f"{key}=true"]), device=CPU, init_from=load_model(folder)
        )


# --- composed words ----------------------------------------------------------------------------------------


def test_init_from_keeps_the_n_grams_of_composed_words(tmp_path):
    tagger, vocabulary = tagger_that_composes()
    config = corpus_config(tmp_path, "training.epochs=1")
    (tmp_path / "old").mkdir()
    save_config_and_vocabulary(tmp_path / "old", config, vocabulary)
    save_weights(tmp_path / "old", tagger)
    old = load_model(tmp_path / "old")
    write_columns(tmp_path / "train.conll", "[PER Dobby] saw [LOC Azkaban] .\n" + "[PER Dobby] left .\n" * 9)
    setup = prepare_training(config, device=CPU, init_from=old)
    assert setup.vocabulary.words == [*vocabulary.words, "dobby"]
    assert torch.equal(setup.tagger.words.vectors, tagger.words.vectors)
    sentences = [["Azkaban", "London-bank", "Hagrid", "London"]]
    expected = tagger.features(vocabulary.encode(sentences).to("cpu"))[:, :8]
    assert torch.equal(setup.tagger.features(setup.vocabulary.encode(sentences).to("cpu"))[:, :8], expected)
    list(run_training(setup, tmp_path / "run"))
    assert load_model(tmp_path / "run").vocabulary == setup.vocabulary
