"""The config: error messages, loading, overrides, writing."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.config import (
    Config,
    differences,
    load_config,
    load_saved_config,
    parse_config,
    schema,
    to_yaml,
)
from rnner.config.sections import iter_keys
from rnner.errors import ConfigError, UsageError
from rnner.system.terminal import printable

DATA = "data: {train: news.conll}\n"


@pytest.fixture(scope="module")
def load(tmp_path_factory) -> Callable[..., Config]:
    """Loads a config from the text of its file."""
    path = tmp_path_factory.mktemp("configs") / "tagger.yaml"

    def read(text: str, *overrides: str, **more: Any) -> Config:
        path.write_text(text, encoding="utf-8", newline="")
        return load_config(path, overrides, **more)

    return read


@pytest.fixture(scope="module")
def problems(load) -> Callable[..., list[str]]:
    """Returns the problems reported for an invalid config."""

    def reported(text: str, *overrides: str, **more: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides, **more)
        return caught.value.problems

    return reported


# --- problems -----------------------------------------------------------------------------------------


def test_all_problems_are_reported_at_once_with_the_file(load, monkeypatch):
    monkeypatch.delenv("RNNER_CORPORA", raising=False)
    text = """
data: {dev: 5, test: "${RNNER_CORPORA}/test.conll"}
encoder: {hidden: 0, bidirectional: maybe, path: fast}
embeddings: {characters: {width: 4}}
head: crff
training:
  lerning_rate: 0.1
  epochs: many
  clip: -1
  momentum: .inf
  batch_sentences: null
  batch_tokens: null
"""
    with pytest.raises(ConfigError) as caught:
        load(text, "dropout.imput=0.1", "nonsense")
    assert re.match(r".*tagger\.yaml: 15 problems in the config\n  - ", str(caught.value))
    assert {problem.split(": ")[0] for problem in caught.value.problems} == {
        *("data.train", "data.dev", "data.test", "encoder.hidden", "encoder.bidirectional", "encoder.path"),
        *("embeddings.characters.width", "head", "training.lerning_rate", "training.epochs"),
        *("training.clip", "training.momentum", "training.batch_tokens", "dropout.imput", "--set nonsense"),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trainig: {epochs: 3}", "trainig: unknown key (did you mean training?)"),
        ("training: {lerning_rate: 1}", "training.lerning_rate: unknown key (did you mean learning_rate?)"),
        ("training: {batch-tokens: 9}", "training.batch-tokens: unknown key (did you mean batch_tokens?)"),
        ("embeddings: {words: {vector: v}}", "embeddings.words.vector: unknown key (did you mean vectors?)"),
        ("embeddings: {characters: {widht: 3}}", "unknown key (did you mean width?)"),
        (
            "epoch: 3",
            "epoch: unknown key (did you mean training.epochs?); keys here: data, text, embeddings,",
        ),
        ("training: {layers: 2}", "training.layers: unknown key (did you mean encoder.layers?)"),
        ("encoder: {size: 2}", "(did you mean embeddings.words.size or embeddings.characters.size?)"),
        ("encoder: {teapot: 2}", "encoder.teapot: unknown key; keys here: cell, hidden, layers, bidirection"),
        ("head: crff", "head: 'crff' (text) is not one of crf, softmax (did you mean crf?)"),
        ("embeddings: {characters: cnm}", "encoder: 'cnm' (text) is not one of cnn, recurrent (did you mean"),
    ],
)
def test_the_closest_key_or_value_is_suggested(problems, text, expected):
    (problem,) = problems(DATA + text)
    assert expected in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training: {epochs: 2.5}", "training.epochs: must be a whole number, got 2.5 (a number)"),
        ("training: {epochs: 010}", "training.epochs: must be a whole number, got '010' (text)"),
        ("training: {seed: 1:30}", "training.seed: must be a whole number, got '1:30' (text)"),
        ("training: {seed: true}", "training.seed: must be a whole number, got True (true/false)"),
        ("training: {learning_rate: fast}", "training.learning_rate: must be a number, got 'fast' (text)"),
        ("training: {learning_rate: .nan}", "training.learning_rate: must be a finite number"),
        ("training: {learning_rate: null}", "training.learning_rate: must be a number, got null"),
        ("training: {momentum: 1}", "training.momentum: must be less than 1, got 1 (a whole number)"),
        ("training: 5", "training: must be a section (key: value pairs), got 5"),
        ("training:", "training: must be a section (key: value pairs), got null"),
        ("encoder: {bidirectional: 1}", "encoder.bidirectional: must be true or false, got 1"),
        ("encoder: {cell: [lstm]}", "encoder.cell: must be text, got ['lstm'] (a list)"),
        ("encoder: {layers: 65}", "encoder.layers: must be less than or equal to 64, got 65"),
        ("embeddings: {characters: {width: 4}}", "embeddings.characters.width: must be odd"),
        ("head: {crf: 1}", "head: a section is not one of crf, softmax"),
        ("embeddings: {casing: 99999999999}", "embeddings.casing: must be less than or equal to 65536"),
        ("embeddings: {characters: {hidden: 99999999999}}", "hidden: must be less than or equal to 65536"),
        ("training: {seed: " + "7" * 4000 + "}", "7777... (a whole number)"),
    ],
)
def test_a_wrong_value_is_reported_with_what_is_allowed(problems, text, expected):
    (problem,) = problems(DATA + text)
    assert expected in problem
    assert len(problem) < 200


@pytest.mark.parametrize("text", ["", "# nothing\n", "data: {}", "head: crf"])
def test_a_missing_key_is_reported_with_its_description(problems, text):
    assert problems(text) == [
        "data.train: missing but required: "
        "training file (column file, JSONL, ...), hf:owner/name:split, or sample:train; or a list"
    ]


def test_cells_are_checked_if_they_are_known(load, problems):
    text = DATA + "encoder: {cell: lstn}"
    assert load(text).encoder.cell == "lstn"
    (problem,) = problems(text, cells={"gru", "lstm"})
    assert problem.startswith(
        "encoder.cell: no cell is named 'lstn' (did you mean lstm?); available: gru, lstm"
    )
    assert "--code FILE" in problem
    assert load(DATA + "encoder: {cell: mine}", cells={"lstm", "mine"}).encoder.cell == "mine"


# --- YAML --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DATA + "head: crf\nhead: softmax", r":3:1: not valid YAML: duplicate key 'head'"),
        ("data:\n  train: a\n  train: b", r":3:3: not valid YAML: duplicate key 'train'"),
        ("data: [news.conll", r":1:18: not valid YAML: "),
        ("\tdata: 1", r":1:1: not valid YAML: found character '\\t'"),
        ("1: 2", r":1:1: not valid YAML: the key 1 is not text"),
        ("a: &a {b: *a}", r":1:11: not valid YAML: \*a: aliases are not allowed"),
        (DATA + "training: {seed: !!int 0x_}", r":2:18: not valid YAML: cannot be read as int"),
        (DATA + "head: !!bool maybe", r":2:7: not valid YAML: cannot be read as bool"),
        (DATA + "head: !!python/name:os.system", r":2:7: not valid YAML: could not determine a constructor"),
        ("a: 1\n---\nb: 2", r":2:1: not valid YAML"),
        ("a: {" * 3000, r": not valid YAML: nested too deeply"),
        ("\x00", r": not valid YAML: unacceptable character"),
        ("- a", r": must contain sections \(data, .*\), got \['a'\] \(a list\)"),
    ],
)
def test_invalid_yaml_is_reported_with_line_and_column(load, text, expected):
    with pytest.raises(ConfigError, match=r"tagger\.yaml" + expected):
        load(text)


@pytest.mark.parametrize("written", ["1e-3", "1E-3", "1.e-3", "0.001", "1.0e-3", "+1e-03"])
def test_all_notations_of_numbers_are_read(load, written):
    assert load(DATA + f"training: {{learning_rate: {written}}}").training.learning_rate == 0.001


def test_a_whole_number_is_accepted_as_a_number(load):
    assert load(DATA + "training: {clip: 5}").training.clip == 5.0


@pytest.mark.parametrize("name", ["2024-12-24", "2024-13-45", "'1e5'", "'no'"])
def test_text_that_looks_like_something_else_stays_text(load, name):
    config = load(f"data: {{train: {name}}}")
    assert config.data.train == name.strip("'")
    assert load(to_yaml(config)) == config


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(load):
    assert load("\ufeffdata:\r\n  train: news.conll\r\n").data.train == "news.conll"


@pytest.mark.parametrize("shorthand", ["cnn", "recurrent"])
def test_characters_may_be_named_by_their_encoder_alone(load, shorthand):
    assert load(DATA + f"embeddings: {{characters: {shorthand}}}").embeddings.characters.encoder == shorthand


@pytest.mark.parametrize("nothing", ["none", "null"])
def test_characters_can_be_switched_off(load, nothing):
    assert load(DATA + f"embeddings: {{characters: {nothing}}}").embeddings.characters is None


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no\.yaml: config file not found; `rnner config init"):
        load_config(tmp_path / "no.yaml")
    with pytest.raises(UsageError, match="is a folder; --config takes a YAML file"):
        load_config(tmp_path)
    (tmp_path / "weights.yaml").write_bytes(b"\x80\x02\xff\xfe")
    with pytest.raises(UsageError, match=r"weights\.yaml: cannot be read as a YAML file"):
        load_config(tmp_path / "weights.yaml")


# --- environment variables ---------------------------------------------------------------------------------


def test_environment_variables_are_put_into_text(load, monkeypatch):
    monkeypatch.setenv("CORPORA", "/data/ner")
    config = load('data: {train: "${CORPORA}/train.conll"}', "data.test=${CORPORA}/${CORPORA}.conll")
    assert config.data.train == "/data/ner/train.conll"
    assert config.data.test == "/data/ner//data/ner.conll"
    assert load("data: {train: $CORPORA/x}").data.train == "$CORPORA/x"


def test_variables_in_a_saved_config_are_text(tmp_path, monkeypatch):
    monkeypatch.setenv("CORPORA", "${CORPORA}")
    (tmp_path / "saved.yaml").write_text('data: {train: "${CORPORA}/x", dev: "${NO_SUCH_PLACE}"}')
    saved = load_saved_config(tmp_path / "saved.yaml")
    assert (saved.data.train, saved.data.dev) == ("${CORPORA}/x", "${NO_SUCH_PLACE}")


def test_a_variable_that_is_not_set_is_named_with_its_key(problems, monkeypatch):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    found = problems("data: {train: '${NO_SUCH_PLACE}/a', dev: '${NO_SUCH_PLACE}/b'}")
    assert found == [
        f"{key}: the environment variable NO_SUCH_PLACE is not set" for key in ("data.train", "data.dev")
    ]


# --- overrides ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("training.clip=null", None),
        ("training.clip=", None),
        ("training.clip=1", 1.0),
        ("training.learning_rate=1e-3", 0.001),
        ("training.epochs=5", 5),
        ("training.optimizer=sgd", "sgd"),
        ("encoder.bidirectional=false", False),
        ("data.train=a=b.conll", "a=b.conll"),
        ("data.train='2003'", "2003"),
        ("head=softmax", "softmax"),
        (" head = softmax ", "softmax"),
    ],
)
def test_overrides_are_typed_as_in_the_file(load, override, value):
    found: Any = load(DATA, override)
    for name in override.partition("=")[0].strip().split("."):
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_overrides_win_over_the_file_the_later_ones_over_the_earlier(load):
    text = DATA + "training: {epochs: 3, seed: 8}"
    training = load(text, "training.epochs=4", "training.epochs=5").training
    assert (training.epochs, training.seed) == (5, 8)


def test_an_override_may_give_a_whole_section_or_open_one(load):
    text = DATA + "training: {epochs: 3, seed: 8}"
    assert load(text, "training={epochs: 4}").training.seed == 1
    assert load(text, "data.columns.tag=2").data.columns.model_dump() == {"token": None, "tag": 2}


def test_an_override_below_a_shorthand_keeps_its_meaning(load):
    text = DATA + "embeddings: {characters: recurrent}"
    characters = load(text, "embeddings.characters.hidden=7").embeddings.characters
    assert (characters.encoder, characters.hidden) == ("recurrent", 7)


def test_overrides_leave_the_given_tree_as_it_was():
    tree = {"data": {"train": "news.conll"}, "training": {"epochs": 3}}
    assert parse_config(tree, ["training.epochs=5"]).training.epochs == 5
    assert tree == {"data": {"train": "news.conll"}, "training": {"epochs": 3}}


@pytest.mark.parametrize("override", ["training.epochs", "=3", "training..epochs=3", ".epochs=3", ""])
def test_a_malformed_override_is_reported_with_the_expected_form(problems, override):
    expected = f"--set {override}: expected section.key=value, such as training.epochs=5"
    assert problems(DATA, override) == [expected]


def test_an_override_hides_no_problem_of_the_file(problems):
    found = problems(DATA + "training: 5", "training.epochs=3")
    assert "training: must be a section (key: value pairs), got 5 (a whole number)" in found


def test_of_very_many_problems_the_first_are_explained(load: Callable[..., Config]) -> None:
    """Explaining each one takes milliseconds, so a file of unknown keys would take minutes."""
    with pytest.raises(ConfigError) as caught:
        load("data: {train: a}\n" + "".join(f"{name}: 1\n" for name in map("key{}".format, range(3_000))))
    assert caught.value.summary.endswith(": 3,000 problems in the config")
    assert len(caught.value.details) == 21 and caught.value.details[-1] == "  - and 2,980 more"


@pytest.mark.parametrize("text", ["\x1b[31m", "a\u202eb", "\x9b", "\u2028x", "\u200f", "\x7f"])
def test_a_written_config_is_printable_and_the_same(load: Callable[..., Config], text: str) -> None:
    written = to_yaml(load(f"data: {{train: {json.dumps(text)}}}"))
    assert printable(written, keep="\n") == written
    assert load(written).data.train == text


def test_a_misspelt_override_is_reported_like_a_misspelt_key(problems):
    (problem,) = problems(DATA, "training.epoch=3")
    assert problem == "training.epoch: unknown key (did you mean epochs?)"
    (problem,) = problems(DATA, "data.test=[")
    assert "--set data.test:1:2: not valid YAML" in problem


# --- batches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "sentences", "tokens"),
    [
        ("{}", 16, 4096),
        ("{batch_sentences: 8}", 8, 4096),
        ("{batch_tokens: 1000}", None, 1000),
        ("{batch_tokens: 1000, batch_sentences: 8}", 8, 1000),
        ("{batch_tokens: null}", 16, None),
        ("{batch_sentences: null}", None, 4096),
    ],
)
def test_setting_only_batch_tokens_removes_the_default_of_batch_sentences(load, given_, sentences, tokens):
    training = load(DATA + f"training: {given_}").training
    assert (training.batch_sentences, training.batch_tokens) == (sentences, tokens)


def test_batches_need_a_bound(problems):
    expected = ["training.batch_tokens: set batch_sentences or batch_tokens to a number; both are null"]
    assert problems(DATA + "training: {batch_tokens: null, batch_sentences: null}") == expected


# --- writing -----------------------------------------------------------------------------------------------

# `${` starts a variable in every text, so no text can contain it.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: "${" not in text
) | st.sampled_from(
    ["1e5", "null", "no", "~", "2003", "0x1f", "12:30", "a # b", "a: b", "- a", "=", " x ", "é\n"]
)
counts = st.integers(1, 500)
shares = st.floats(0, 1, exclude_max=True)


def section(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A section in which any key may be left out."""
    return st.fixed_dictionaries({}, optional=keys)


characters = section(
    encoder=st.sampled_from(["cnn", "recurrent"]), size=counts, hidden=counts, width=st.just(5), cell=texts
)
words = section(
    size=counts, vectors=st.none() | texts, limit=st.none() | counts, min_coverage=shares, tune=st.booleans()
)
trees = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {"train": texts},
            optional={
                "dev": st.none() | texts,
                "columns": st.none() | section(token=st.integers(-5, 5), tag=st.integers(-5, 5)),
                "scheme": st.sampled_from(["bioes", "iob2", "iob1", "binary"]),
            },
        )
    },
    optional={
        "embeddings": section(
            words=words,
            characters=st.none() | characters | st.sampled_from(["none", "cnn", "recurrent"]),
            casing=st.integers(0, 50),
        ),
        "encoder": section(cell=texts, hidden=counts, bidirectional=st.booleans()),
        "dropout": section(words=shares, input=shares),
        "head": st.sampled_from(["crf", "softmax"]),
        "training": section(
            patience=st.none() | counts,
            batch_sentences=st.none() | counts,
            batch_tokens=counts,
            learning_rate=st.floats(0, exclude_min=True, allow_infinity=False),
            clip=st.none() | st.floats(1e-9, 1e9),
            average=st.none() | shares,
            seed=st.integers(0, 2**31 - 1),
        ),
    },
)


@settings(max_examples=25, deadline=None)
@given(trees)
def test_a_config_that_is_written_and_read_again_is_the_same(load, tree):
    config = parse_config(tree)
    assert load(to_yaml(config)) == config
    assert load(to_yaml(config, comments=True)) == config


def test_each_key_takes_one_line_whatever_its_value():
    text = to_yaml(parse_config({"data": {"train": "news\nof the day.conll"}}), comments=True)
    assert re.search(r'^  train: "news\\nof the day\.conll" +# training file', text, re.MULTILINE)


def test_comments_change_no_value_and_describe_each_key(load):
    config = load(DATA + "training: {epochs: 7}")
    plain, commented = to_yaml(config), to_yaml(config, comments=True)
    assert yaml.safe_load(plain) == yaml.safe_load(commented)
    assert "#" not in plain
    assert "\n# Batches, optimizer, schedule and checkpoints.\ntraining:\n" in commented
    assert re.search(
        r"^  epochs: 7 +# maximum number of passes over the training data$", commented, re.MULTILINE
    )
    keys = [line for line in commented.splitlines() if re.match(r" *\w+: \S", line)]
    assert keys
    assert all("  # " in line for line in keys)


def test_every_key_has_a_description_and_its_default():
    fields = dict(iter_keys(Config))
    tree = parse_config({"data": {"train": "news.conll", "columns": {}}}).model_dump()
    assert fields.keys() == set(_leaves(tree))
    assert [key for key, field in fields.items() if not field.description] == []
    assert fields["training.epochs"].default == 30
    assert fields["embeddings.characters.width"].default == 3


def _leaves(tree: dict[str, Any], prefix: str = "") -> list[str]:
    return [
        key
        for name, value in tree.items()
        for key in (_leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name])
    ]


# --- differences, schema ---------------------------------------------------------------------------------


def test_differences_name_each_key_with_both_values(load):
    left = load(DATA)
    right = load(DATA, "training.epochs=5", "training.clip=null", "head=softmax", "data.dev=dev.conll")
    assert differences(left, left) == []
    assert differences(left, right) == [
        "data.dev: None / 'dev.conll'",
        "head: 'crf' / 'softmax'",
        "training.clip: 5.0 / None",
        "training.epochs: 30 / 5",
    ]


def test_a_section_that_one_of_two_configs_lacks_is_a_difference(load):
    left, right = load(DATA), load(DATA, "embeddings.characters=none")
    assert "embeddings.characters.encoder: 'cnn' / None" in differences(left, right)
    assert "data.columns.token: None / 0" in differences(left, load(DATA, "data.columns.token=0"))


def test_a_config_cannot_be_changed(load):
    with pytest.raises(ValueError, match="frozen"):
        load(DATA).training.epochs = 3


def test_the_schema_describes_every_section_and_knows_the_shorthand():
    described = schema()
    assert described["required"] == ["data"]
    assert described["additionalProperties"] is False
    training = described["$defs"]["TrainingConfig"]["properties"]
    assert training["epochs"]["description"] == "maximum number of passes over the training data"
    assert training["epochs"]["exclusiveMinimum"] == 0
    allowed = described["$defs"]["EmbeddingsConfig"]["properties"]["characters"]["anyOf"]
    assert {"enum": ["cnn", "recurrent", "none"]} in allowed


LONG = "x" * 10_000


@pytest.mark.parametrize(
    "text",
    [
        f"data: {{train: a}}\n{LONG}: 1",
        f"data: {{train: a}}\ntraining: {{{LONG}: 1}}",
        f"data: {{train: a}}\nencoder: {{cell: {LONG}}}",
        f"data: {{train: a}}\nhead: {LONG}",
        f"{LONG}: 1\n{LONG}: 2",
        f"? [{LONG}]\n: 1",
        f"a: *{LONG}",
        f"a: !{LONG} 1",
    ],
)
def test_a_message_quotes_at_most_a_part_of_a_long_name(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, cells=["lstm"])
    assert len(str(caught.value)) - len(str(path)) < 400
