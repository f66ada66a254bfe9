"""Keys of the network that a config does not name come from the model that a run continues from."""

import pytest

from rnner.config import inherit_network, parse_config
from rnner.errors import ConfigError

MODEL = parse_config(
    {
        "data": {"train": "old.conll", "scheme": "iob2"},
        "embeddings": {
            "words": {"vectors": "glove.txt", "size": 60, "precision": "int8", "limit": 500, "min_count": 3},
            "characters": {"encoder": "recurrent", "hidden": 7},
            "casing": 4,
            "document": True,
            "lexicon": True,
        },
        "encoder": {"cell": "gru", "hidden": 30, "layers": 2, "path": "loop"},
        "dropout": {"input": 0.1},
        "head": "softmax",
        "training": {"epochs": 3},
    }
)


def config_of(*overrides, **sections):
    return parse_config({"data": {"train": "new.conll"}, **sections}, overrides)


def problems(config, model=MODEL):
    with pytest.raises(ConfigError) as caught:
        inherit_network(config, model)
    return caught.value.problems


def test_what_a_config_does_not_name_comes_from_the_model():
    config, notes = inherit_network(config_of("training.epochs=5"), MODEL)
    assert config.embeddings.characters == MODEL.embeddings.characters
    assert (config.head, config.data.scheme, config.data.train) == ("softmax", "iob2", "new.conll")
    words, old = config.embeddings.words, MODEL.embeddings.words
    assert (words.size, words.precision, words.vectors, words.limit) == (
        old.size,
        old.precision,
        old.vectors,
        old.limit,
    )
    assert config.encoder == MODEL.encoder.model_copy(update={"path": "auto"})
    assert notes == []


def test_what_concerns_only_the_run_does_not():
    config, _ = inherit_network(config_of("training.epochs=5"), MODEL)
    assert (config.training.epochs, config.dropout.input, config.embeddings.words.min_count) == (5, 0.5, 2)


def test_a_named_value_that_agrees_is_accepted_and_inheriting_twice_changes_nothing():
    config, _ = inherit_network(config_of("encoder.hidden=30", "embeddings.characters.hidden=7"), MODEL)
    assert config.encoder.layers == 2 and config.embeddings.characters.encoder == "recurrent"
    assert inherit_network(config, MODEL) == (config, [])


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("encoder.hidden=200", "encoder.hidden: 200 / 30"),  # 200 is the default, but it is named
        ("embeddings.words.precision=float16", "embeddings.words.precision: 'float16' / 'int8'"),
        ("embeddings.words.tune=true", "embeddings.words.tune: True / False"),
        ("embeddings.characters.hidden=50", "embeddings.characters.hidden: 50 / 7"),
        ("embeddings.lexicon=false", "embeddings.lexicon: False / True"),
        ("head=crf", "head: 'crf' / 'softmax'"),
        ("data.scheme=bioes", "data.scheme: 'bioes' / 'iob2'"),
    ],
)
def test_a_named_value_that_contradicts_the_model_is_an_error(override, line):
    (problem,) = problems(config_of(override))
    assert problem.startswith(f"{line} (config / model): must match the model given with --init-from; ")


def test_characters_must_be_used_by_both_or_neither():
    (problem,) = problems(config_of("embeddings.characters=none"))
    assert problem.startswith("embeddings.characters: None / {'encoder': 'recurrent'")
    without = config_of("embeddings.characters=none")
    (problem,) = problems(config_of("embeddings.characters.hidden=50"), without)
    assert problem.startswith("embeddings.characters.hidden: 50 / None")
    assert inherit_network(config_of(), without)[0].embeddings.characters is None


def test_all_contradictions_are_listed():
    found = problems(config_of("encoder.hidden=9", "head=crf", "dropout.input=0.3", "encoder.path=fused"))
    assert [problem.partition(":")[0] for problem in found] == ["encoder.hidden", "head"]


@pytest.mark.parametrize("size", [(), ("embeddings.words.size=300",)])
def test_other_vectors_are_not_read_with_a_note(size):
    config, notes = inherit_network(config_of("embeddings.words.vectors=mine.txt", *size), MODEL)
    assert (config.embeddings.words.vectors, config.embeddings.words.size) == ("glove.txt", 60)
    assert notes == ["embeddings.words.vectors is not read, because --init-from keeps the model's vectors"]
