"""The model card: everything in it comes from the run, and nothing is missing."""

import re
import shlex
from copy import deepcopy
from typing import Any

import pytest

from logged_epochs import LOG
from rnner.config import parse_config
from rnner.data.vocabulary import Vocabulary
from rnner.model.card import model_card
from rnner.nn import cells
from tiny_corpus import counted

LABELS = ["LOC", "PER"]
SENTENCES = [["Ron", "met", "Ron", "in", "Hogsmeade"], ["They", "left", "Hogsmeade"]]


def figures(f1: float, support: int) -> dict[str, Any]:
    return {"f1": f1, "precision": f1 + 0.01, "recall": f1 - 0.01, "support": support}


METRICS: dict[str, Any] = {
    "dev": figures(0.81234, 1200) | {"per_type": {"LOC": figures(0.5, 900), "PER": figures(0.98999, 300)}},
    "test": figures(0.7005, 77) | {"per_type": {"LOC": figures(0.7, 77)}},
    "train": {
        "epochs": 30,
        "best_epoch": 27,
        "steps": 1890,
        "seconds": 83.4,
        "tokens_per_second": 10234.5,
        "peak_memory_mb": 512.0,
        "sentences": 1010,
        "tokens": 13579,
        "parameters": 456789,
    },
    "scheme": "bioes",
    "seed": 11,
    "device": "cpu",
    "threads": 2,
    "versions": {"rnner": "0.1.0", "torch": "2.13.0", "numpy": "2.1", "python": "3.12.1"},
}


def card(
    *, metrics: dict[str, Any] = METRICS, labels: list[str] = LABELS, scheme: str = "bioes", **config: Any
) -> str:
    tree = {"data": {"train": "corpora/owls.conll", "dev": "corpora/dev.conll", "test": "corpora/test.conll"}}
    vocabulary = Vocabulary.build(counted(SENTENCES), labels=labels, scheme=scheme, min_count=2)
    return model_card(parse_config({**tree, **config}), vocabulary, metrics)


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in METRICS.items() if key not in keys}


def commands(text: str) -> list[list[str]]:
    (block,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


def python(text: str) -> str:
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return block


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_scores_are_in_percent_by_type():
    table = rows(card())
    assert ["`LOC`", "51.00", "49.00", "50.00", "900"] in table
    assert ["`PER`", "100.00", "98.00", "99.00", "300"] in table
    assert ["**all**", "82.23", "80.23", "81.23", "1,200"] in table
    assert ["**all**", "71.05", "69.05", "70.05", "77"] in table


def test_without_a_test_file_the_card_says_so():
    text = card(metrics=without("test"), data={"train": "a.conll", "dev": "b.conll"})
    assert "There was no test file" in text
    assert "On test" not in text
    assert "There was no test file" not in card()


def test_without_any_entity_there_is_only_the_overall_score():
    metrics = deepcopy(METRICS)
    metrics["dev"]["per_type"] = metrics["test"]["per_type"] = {}
    assert [row[0] for row in rows(card(metrics=metrics))][:6] == ["type", "---", "**all**"] * 2


def test_a_held_out_dev_is_named():
    assert "On dev (a held-out tenth of the training data)" in card(data={"train": "a.conll"})
    assert "On dev (`corpora/dev.conll`)" in card()


def test_training_is_described():
    reported = dict(row for row in rows(card()) if len(row) == 2)
    assert reported["training data"] == "`corpora/owls.conll`: 1,010 sentences, 13,579 tokens"
    assert reported["tags"] == "9 (bioes)"
    assert reported["words"] == "vectors of size 100, trained for 2 words"
    assert reported["characters"] == "CNN, 50 filters of width 3"
    assert reported["network"] == "1 layer of bidirectional `lstm`, 200 units per direction, CRF"
    assert reported["parameters"] == "456,789"
    assert reported["epochs"] == "30, best: 27"
    assert reported["time"] == "83 s, 10,234 tokens/s in training steps"
    assert reported["seed"] == "11"
    assert reported["device"] == "cpu, 2 threads"
    assert reported["versions"] == "rnner 0.1.0, torch 2.13.0, numpy 2.1, python 3.12.1"


@pytest.mark.parametrize(
    ("config", "reported"),
    [
        (
            {"encoder": {"cell": "gru", "layers": 2, "bidirectional": False}},
            "2 layers of unidirectional `gru`, 200 units, CRF",
        ),
        ({"encoder": {"cell": "none", "hidden": 64}}, "1 layer of 64 units without recurrence, CRF"),
        ({"head": "softmax"}, "per direction, softmax |"),
        ({"embeddings": {"characters": None}}, "| characters | not used |"),
        ({"embeddings": {"characters": "recurrent"}}, "| characters | bidirectional `lstm`, 50 units per"),
        ({"embeddings": {"words": {"vectors": "glove.txt"}}}, "2 words, taken from `glove.txt` for 0 |"),
        ({"training": {"optimizer": "sgd", "learning_rate": 0.1}}, "| optimiser | sgd, learning rate 0.1 |"),
    ],
)
def test_the_network_is_described(config, reported):
    assert reported in card(**config)


def test_the_commands_are_valid():
    text = card()
    assert [command[:2] for command in commands(text)] == [
        ["rnner", "predict"],
        ["rnner", "predict"],
        ["rnner", "evaluate"],
    ]
    assert all(command[-2:] == ["--model", "."] for command in commands(text))
    compile(python(text), "card", "exec")
    assert "rnner.load('.')" in python(text)


@pytest.fixture
def own_cell(monkeypatch) -> str:
    monkeypatch.setattr(cells, "_CELLS", dict(cells._CELLS))

    @cells.register_cell("owl_post")
    class OwlPost(cells.RNNCell):
        pass

    return "owl_post"


def test_custom_cells_need_their_code(own_cell):
    for config in (
        {"encoder": {"cell": own_cell}},
        {"embeddings": {"characters": {"encoder": "recurrent", "cell": own_cell}}},
        {"encoder": {"cell": "not_registered_here"}},
    ):
        text = card(**config)
        assert "rnner does not include" in text
        assert all(command[-2:] == ["--code", "my_cells.py"] for command in commands(text))
        assert "rnner.load('.', code='my_cells.py')" in python(text)
        compile(python(text), "card", "exec")


def test_two_custom_cells_are_named_together(own_cell):
    text = card(encoder={"cell": "ab"}, embeddings={"characters": {"encoder": "recurrent", "cell": own_cell}})
    assert (
        "does not include the cells `ab` and `owl_post` of this model. To load it, pass the Python file"
        in text
    )
    assert "that registers them" in text


@pytest.mark.parametrize("cell", ["rnn", "gru", "gru_reset_after", "lstm", "none"])
def test_built_in_cells_need_no_code(cell):
    text = card(encoder={"cell": cell}, embeddings={"characters": {"encoder": "cnn", "cell": "unused"}})
    assert "code" not in text.lower()


def test_labels_are_listed():
    text = card(labels=["creative-work", "PER"])
    assert "- `PER`\n- `creative-work`" in text


def test_binary_labels_are_explained():
    text = card(labels=["NAME"], scheme="binary", data={"train": "a.conll", "scheme": "binary"})
    assert "`--format binary` prints a 1 for each word that is part of a name" in text
    assert "`NAME`" in text
    assert "two adjacent names become one entity" in text
    assert "binary" not in card()


def test_the_licence_names_the_sources():
    assert "The licence of the weights depends on the licence of the training data." in card()
    assert "sample corpus is CC0" in card(data={"train": "sample:train"})
    vectors = card(embeddings={"words": {"vectors": "glove.txt"}})
    assert "the training data and the word vectors (`glove.txt`)" in vectors


def test_limits_name_the_training_data():
    text = card()
    limits = text[text.index("## Limits") : text.index("## Licence")]
    assert "from 1,010 sentences of `corpora/owls.conll`." in limits
    assert "Do not use the model for decisions about people" in limits


def test_names_are_escaped_for_markdown():
    text = card(labels=["A|B", "`x`"], data={"train": "my `best` | corpus.conll"})
    assert "``my `best` | corpus.conll``" in text
    assert "| training data | ``my `best` \\| corpus.conll``: 1,010 sentences" in text
    assert "- `A|B`\n- `` `x` ``" in text


def test_the_card_is_deterministic():
    assert card() == card()
    assert not re.search(r"\b20\d\d\b", card())
    assert card().endswith("\n")
    assert "None" not in card() + card(metrics=without("test"), data={"train": "a.conll"})


def test_the_card_shows_the_training_curve_and_describes_it():
    config = parse_config({"data": {"train": "owls.conll"}})
    vocabulary = Vocabulary.build(counted(SENTENCES), labels=LABELS, scheme="bioes", min_count=2)
    text = model_card(config, vocabulary, METRICS, LOG)
    assert re.search(r"\n\n!\[Training curve: F1 on dev is [^\]\n]*\]\(training\.svg\)\n\n", text)


def test_a_card_without_a_log_has_no_curve():
    assert "training.svg" not in card()
