"""Building a network from config and vocabulary; every config key has an effect."""

from operator import attrgetter

import pytest
import torch

from rnner.config import Config, parse_config
from rnner.config import sections as configs
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ConfigError, RnnerError
from rnner.model.build import build_tagger
from rnner.model.transfer import transfer_weights
from rnner.text.tokenizer import register_tokenizer
from rnner.training.progress import Epoch, Step
from rnner.training.run import run_training
from rnner.training.setup import evaluate_dev, prepare_training
from rnner.training.trainer import Trainer
from tiny_corpus import (
    DEV,
    TEST,
    TRAIN,
    annotated,
    config_of,
    corpus_config,
    counted,
    tagger_of,
    vocabulary_of,
    write_columns,
)

CPU = torch.device("cpu")

# Each key with overrides under which to look at it, and the value that must change what is seen.
DATA = {
    "data.train": ((), "{folder}/other.conll"),
    "data.dev": ((), "{folder}/other.conll"),
    "data.split_seed": (("data.dev=null",), "2"),
    "data.test": ((), "null"),
    "data.columns.token": (("data.columns.tag=-1",), "1"),
    "data.columns.tag": (("data.columns.token=0",), "1"),
    "data.scheme": ((), "iob2"),
    "data.illegal_tags": (("data.test={folder}/illegal.conll",), "conlleval"),
    "data.unknown": (("data.test={folder}/open.conll",), "'-'"),
    "text.tokenizer": ((), "spaces"),
    "embeddings.words.vectors": ((), "{folder}/vectors.txt"),
    "embeddings.words.limit": (("embeddings.words.vectors={folder}/vectors.txt",), "2"),
    "embeddings.words.min_coverage": (("embeddings.words.vectors={folder}/vectors.txt",), "0.99"),
    "embeddings.words.tune": (("embeddings.words.vectors={folder}/vectors.txt",), "true"),
    "embeddings.words.precision": (("embeddings.words.vectors={folder}/vectors.txt",), "int8"),
    "embeddings.words.compose": (("embeddings.words.vectors={folder}/vectors.txt",), "false"),
    "embeddings.words.n_grams": (("embeddings.words.vectors={folder}/pieces.txt",), "1"),
    "embeddings.words.min_count": ((), "3"),
    "embeddings.lexicon": ((), "true"),
}
NETWORK = {
    "embeddings.words.size": ((), "9"),
    "embeddings.characters.encoder": ((), "recurrent"),
    "embeddings.characters.size": ((), "6"),
    "embeddings.characters.hidden": ((), "6"),
    "embeddings.characters.width": ((), "5"),
    "embeddings.characters.cell": (("embeddings.characters.encoder=recurrent",), "rnn"),
    "embeddings.casing": ((), "0"),
    "embeddings.document": ((), "true"),
    "encoder.cell": ((), "gru"),
    "encoder.hidden": ((), "9"),
    "encoder.layers": ((), "2"),
    "encoder.bidirectional": ((), "false"),
    "encoder.path": ((), "loop"),
    "dropout.words": ((), "0.6"),
    "dropout.input": ((), "0.6"),
    "dropout.recurrent": ((), "0.6"),
    "dropout.hidden": (("encoder.layers=2",), "0.6"),
    "dropout.output": ((), "0.6"),
    "head": ((), "softmax"),
    "threshold": ((), "0.3"),
    "agreement": ((), "0.5"),
}
TRAINING = {
    "training.epochs": ((), "3"),
    "training.patience": (("training.epochs=3", "training.learning_rate=1e-9"), "1"),
    "training.batch_sentences": ((), "2"),
    "training.batch_tokens": ((), "20"),
    "training.optimizer": ((), "sgd"),
    "training.learning_rate": ((), "0.02"),
    "dropout.casing": ((), "0.6"),
    "dropout.document": (("embeddings.document=true", "data.train={folder}/documents.conll"), "0.6"),
    "training.momentum": (("training.optimizer=sgd",), "0.5"),
    "training.weight_decay": ((), "0.5"),
    "training.schedule": ((), "constant"),
    "training.warmup": ((), "0.5"),
    "training.clip": ((), "0.01"),
    "training.clip_by": (("training.clip=0.01",), "value"),
    "training.average": ((), "0.1"),
    "training.seed": ((), "2"),
}
ELSEWHERE = {"training.precision", "training.checkpoint_minutes"}  # each has a test of its own below
KEYS = [key for key, _ in configs.iter_keys(Config)]


def test_every_key_of_the_config_has_a_case_here():
    cases = {*DATA, *NETWORK, *TRAINING, *ELSEWHERE}
    assert set(KEYS) - cases == set(), "a new key needs a case that shows its effect"
    assert cases - set(KEYS) == set()


@pytest.fixture
def folder(tmp_path):
    register_tokenizer("spaces")(str.split)
    write_columns(tmp_path / "other.conll", TEST + DEV)
    (tmp_path / "illegal.conll").write_text("Ron\tO\nWeasley\tI-PER\nmet\tI-LOC\nHarry\tB-PER\n\nHe\tB-PER\n")
    (tmp_path / "open.conll").write_text("Ron\tB-PER\nWeasley\t?\nmet\tO\n")
    rows = [f"{word} {i}.5 1.0 -{i}.0 0.25" for i, word in enumerate(("the", "in", ".", "london", "wizard"))]
    documents = write_columns(tmp_path / "documents.conll", TRAIN)
    documents.write_text(f"-DOCSTART-\tO\n\n{documents.read_text()}")
    (tmp_path / "vectors.txt").write_text("\n".join(rows) + "\n")
    pieces = [f"{ending}ing {i}.5 1.0 0.5 0.25" for i, ending in enumerate("bdklmrsw")]
    (tmp_path / "pieces.txt").write_text("\n".join([*rows, *pieces]) + "\n")
    return tmp_path


def configs_with_and_without(folder, key, cases):
    base, value = cases[key]
    plain = corpus_config(folder, "training.epochs=2", *(option.format(folder=folder) for option in base))
    changed = [f"{key}={value.format(folder=folder)}"]
    config = parse_config(plain.model_dump(), changed)
    assert plain != config, "the case must change the key"
    return plain, config


def job_seen(config):
    """Return the sentences, tags and vocabulary of a config, or the error."""
    try:
        setup = prepare_training(config, device=CPU)
    except RnnerError as error:
        return str(error)
    splits = (setup.corpus.train, setup.corpus.dev, setup.corpus.test)
    sizes = [tuple(p.shape) for p in setup.tagger.state_dict().values()]
    return [split and split.sentences() for split in splits], setup.vocabulary.to_json(), sizes


@pytest.mark.parametrize("key", DATA)
def test_data_and_vocabulary_use_the_key(folder, key):
    plain, changed = configs_with_and_without(folder, key, DATA)
    if key.startswith("data.columns"):
        rows = [(w, t) for words, tags in annotated(TRAIN) for w, t in zip(words, tags, strict=True)]
        three = "".join(f"{word}\t{tag.replace('PER', 'LOC')}\t{tag}\n" for word, tag in rows)
        for split in ("train", "dev", "test"):
            (folder / f"{split}.conll").write_text(three)
    assert job_seen(plain) == job_seen(plain)
    assert job_seen(plain) != job_seen(changed)


def network_seen(config):
    tagger = build_tagger(config, vocabulary_of())
    return str(tagger), [(name, tuple(p.shape)) for name, p in tagger.named_parameters()]


@pytest.mark.parametrize("key", NETWORK)
def test_the_network_uses_the_key(folder, key):
    plain, changed = configs_with_and_without(folder, key, NETWORK)
    assert network_seen(plain) == network_seen(plain)
    if key == "encoder.path":
        paths = [build_tagger(config, vocabulary_of()).encoder.layers[0] for config in (plain, changed)]
        assert [layer.forward_layer.path for layer in paths] == ["auto", "loop"]
    else:
        assert network_seen(plain) != network_seen(changed)


@pytest.mark.parametrize("key", [key for key in NETWORK if key.startswith("dropout.")])
def test_dropout_changes_the_training_output(folder, key):
    _, changed = configs_with_and_without(folder, key, NETWORK)
    off = [f"dropout.{part}=0" for part in ("words", "input", "recurrent", "hidden", "output")]
    none = parse_config(changed.model_dump(), off)
    only = parse_config(none.model_dump(), [f"{key}=0.6"])
    batch = vocabulary_of().encode([words for words, _ in annotated(TRAIN)]).to("cpu")
    seen = []
    for config in (none, only):
        torch.manual_seed(1)
        tagger = build_tagger(config, vocabulary_of()).train()
        seen.append(tagger(batch))
    assert not torch.equal(*seen)


def training_seen(config):
    """Return the reported steps and epochs of a run, and its final weights."""
    setup = prepare_training(config, device=CPU)
    decoder, corpus = TaggerDecoder(setup.tagger, setup.vocabulary), setup.corpus
    trainer = Trainer(
        setup.tagger,
        setup.vocabulary,
        corpus.train,
        config.training,
        lambda: evaluate_dev(decoder, corpus.dev),
    )
    events = list(trainer.fit())
    reported = attrgetter("step", "steps", "loss", "learning_rate", "clipped", "tokens")
    steps = [reported(event) for event in events if type(event) is Step]
    f1 = [e.dev.f1 for e in events if type(e) is Epoch]
    with trainer.averaged():
        weights = [p.detach().clone().tolist() for p in setup.tagger.parameters()]
    return steps, f1, weights


@pytest.mark.parametrize("key", TRAINING)
def test_training_uses_the_key(folder, key):
    plain, changed = configs_with_and_without(folder, key, TRAINING)
    assert training_seen(plain) != training_seen(changed)


def test_training_is_reproducible(folder):
    config = corpus_config(folder, "training.epochs=2")
    assert training_seen(config) == training_seen(config)


def test_reduced_precision_needs_cuda(folder):
    with pytest.raises(ConfigError, match=r"training\.precision: bfloat16 needs CUDA"):
        prepare_training(corpus_config(folder, "training.precision=bfloat16"), device=CPU)


def test_checkpoints_are_written_at_the_configured_interval(folder, monkeypatch):
    written = {}
    for minutes in ("0", "60"):
        setup = prepare_training(corpus_config(folder, f"training.checkpoint_minutes={minutes}"), device=CPU)
        times = []
        monkeypatch.setattr(
            "rnner.training.run.save_checkpoint", lambda *args, times=times: times.append(args)
        )
        events = list(run_training(setup, folder / f"run{minutes}"))
        written[minutes] = len(times)
    epochs = sum(type(event) is Epoch for event in events)
    assert written == {"60": 1 + epochs, "0": 1 + len(events)}


# --- errors, and sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "reported"),
    [
        ("encoder.cell=lstmm", "encoder: unknown cell 'lstmm'"),
        ("encoder.path=native", "encoder: .*native"),
        ("embeddings.characters.cell=grue", "embeddings.characters.cell: unknown cell 'grue'"),
    ],
)
def test_an_unknown_cell_or_path_is_a_config_error(override, reported):
    options = ["encoder.cell=none", "embeddings.characters.encoder=recurrent", override]
    with pytest.raises(ConfigError, match=reported):
        build_tagger(config_of(*options), vocabulary_of())


def test_layer_sizes_match():
    vocabulary = vocabulary_of()
    tagger = build_tagger(config_of("encoder.layers=2"), vocabulary)
    assert tagger.words.weight.shape == (len(vocabulary.words), 8)
    assert tagger.encoder.input_size == 8 + 3 + 5
    assert tagger.encoder.output_size == 16
    assert tagger.emission.weight.shape == (len(vocabulary.tags), 16)


def test_a_tagger_without_casing_and_characters_uses_only_words():
    tagger = build_tagger(config_of("embeddings.characters=null", "embeddings.casing=0"), vocabulary_of())
    assert tagger.characters is None and tagger.casing is None
    assert tagger.encoder.input_size == 8


# --- transferring weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize("characters", ["cnn", "recurrent"])
def test_transferred_weights_move_to_the_new_ids(head, characters):
    options = (f"head={head}", f"embeddings.characters.encoder={characters}")
    old, known = tagger_of(*options)
    with torch.no_grad():
        for parameter in old.parameters():
            parameter.uniform_(-1, 1)
    grown = known.grow(
        counted([["Ferðafélag", "Íslands", "met", "Harry"]]), labels=["EVENT", "ZOO"], min_count=1
    )
    new, _ = tagger_of(*options, vocabulary=grown, seed=2)
    fresh = {name: p.clone() for name, p in new.state_dict().items()}
    transfer_weights(old, known, new, grown)
    places = [grown.tags.index(tag) for tag in known.tags]
    assert places != list(range(len(places))), "the case must move the tags"
    for i, row in enumerate(places):
        assert torch.equal(new.emission.weight[row], old.emission.weight[i])
        assert torch.equal(new.emission.bias[row], old.emission.bias[i])
    tags_and_edge = [*places, len(grown.tags)]
    assert torch.equal(
        new.head.transition_scores()[tags_and_edge][:, tags_and_edge], old.head.transition_scores()
    )
    others = [i for i in range(len(grown.tags)) if i not in places]
    assert torch.equal(new.emission.weight[others], fresh["emission.weight"][others])
    assert torch.equal(new.words.weight[: len(known.words)], old.words.weight)
    assert torch.equal(new.words.weight[len(known.words) :], fresh["words.weight"][len(known.words) :])
    letters = len(known.characters)
    assert len(grown.characters) > letters
    assert torch.equal(new.characters.embedding.weight[:letters], old.characters.embedding.weight)
    for name, parameter in old.encoder.named_parameters():
        assert torch.equal(new.encoder.get_parameter(name), parameter)


def test_transferred_weights_score_the_old_tags_as_before():
    old, known = tagger_of()
    grown = known.grow({"Quidditch": 2}, labels=["SPORT"])
    new, _ = tagger_of(vocabulary=grown, seed=2)
    transfer_weights(old, known, new, grown)
    sentence = [["Harry", "Potter", "left", "London", "."]]
    places = [grown.tags.index(tag) for tag in known.tags]
    torch.testing.assert_close(
        new(grown.encode(sentence).to("cpu"))[..., places], old(known.encode(sentence).to("cpu"))
    )


def test_the_binary_scheme_has_two_tags():
    vocabulary = Vocabulary.build({"Harry": 1, "slept": 1}, labels=["NAME"], scheme="binary")
    assert build_tagger(config_of("data.scheme=binary"), vocabulary).emission.bias.shape == (2,)
