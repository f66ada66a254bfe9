"""The model card: the `README.md` of a model folder, filled from the run that made it, without dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rnner.config import Config
from rnner.data.vocabulary import Vocabulary
from rnner.nn.cells import cell_names, get_cell
from rnner.tags import BINARY_LABEL

_EXAMPLE = "Harry Potter and Hermione Granger invented a new spell."


def model_card(config: Config, vocabulary: Vocabulary, metrics: dict[str, Any]) -> str:
    """Describe a finished run in Markdown: how to use the model, what it finds, how well, and its limits.

    Args:
        config: as resolved for the run.
        vocabulary: of the model.
        metrics: as `metrics.json` has them; scores are fractions, `test` may be absent.
    """
    sections = (
        _title(config, vocabulary),
        _usage(config),
        _labels(vocabulary),
        _scores(config, metrics),
        _training(config, vocabulary, metrics),
        _limits(config, metrics),
        _licence(config),
    )
    return "\n\n".join(sections) + "\n"


def _title(config: Config, vocabulary: Vocabulary) -> str:
    what = "names" if vocabulary.scheme == "binary" else _listed(vocabulary.labels)
    return (
        "# A named-entity tagger\n\n"
        f"A small recurrent network that finds {what} in text: {_network(config)}. "
        f"Trained with rnner on {_code(config.data.train)}."
    )


# --- use ---------------------------------------------------------------------------------------------------


def _usage(config: Config) -> str:
    custom = _custom_cells(config)
    option, argument, needs = "", "", ""
    if custom:
        option, argument = " --code my_cells.py", ", code='my_cells.py'"
        needs = (
            f"Its cell {_listed(custom)} is not part of rnner: loading the model takes the Python file that "
            "registers it, here called `my_cells.py`. Code is never run from a model folder.\n\n"
        )
    return (
        "## Use\n\n"
        f"{needs}In this folder (from elsewhere, write its path for the dot):\n\n"
        "```sh\n"
        f'rnner predict "{_EXAMPLE}" --model .{option}\n'
        f"rnner predict --file notes.txt --format json --model .{option}\n"
        f"rnner evaluate labelled.conll --model .{option}\n"
        "```\n\n"
        "```python\n"
        "import rnner\n\n"
        f"pipeline = rnner.load('.'{argument})\n"
        f"for entity in pipeline(['{_EXAMPLE}'])[0]:\n"
        "    print(entity.label, entity.start, entity.end, entity.text, entity.score)\n"
        "```\n\n"
        "`start` and `end` count characters of the text, half-open; `score` is the model's probability."
    )


def _custom_cells(config: Config) -> list[str]:
    """The cells of a model that do not come with rnner."""
    return [name for name in _cells(config) if name not in cell_names() or not _is_ours(name)]


def _is_ours(name: str) -> bool:
    return get_cell(name).__module__.startswith("rnner.nn.")


def _cells(config: Config) -> list[str]:
    characters = config.embeddings.characters
    used = [config.encoder.cell]
    if characters is not None and characters.encoder == "recurrent":
        used.append(characters.cell)
    return sorted(set(used))


# --- what it finds, and how well ---------------------------------------------------------------------------


def _labels(vocabulary: Vocabulary) -> str:
    if vocabulary.scheme == "binary":
        return (
            "## What it finds\n\n"
            "Names, of whatever kind. Each word gets a 1 if it is part of a name and a 0 if not "
            "(`--format binary` prints them); words in a row with a 1 are one entity, with the label "
            f"`{BINARY_LABEL}`. So two names that stand side by side come out as one."
        )
    found = "\n".join(f"- {_code(label)}" for label in vocabulary.labels)
    return f"## What it finds\n\n{found or '(nothing: its training data held no entity)'}"


def _scores(config: Config, metrics: dict[str, Any]) -> str:
    dev = "a tenth of the training data, held out" if config.data.dev is None else _code(config.data.dev)
    parts = [
        "## Scores",
        "In percent, over whole entities, as conlleval counts: right only if boundaries and label are.",
        f"On dev ({dev}), which also chose the best epoch, so that its scores are a little too good:",
        _score_table(metrics["dev"]),
    ]
    if "test" in metrics:
        parts += [
            f"On test ({_code(config.data.test or 'test')}), scored once:",
            _score_table(metrics["test"]),
        ]
    else:
        parts.append("There was no test file: a score on data that had no say in training is missing.")
    return "\n\n".join(parts)


def _score_table(scores: dict[str, Any]) -> str:
    rows = [(_code(label), own) for label, own in scores["per_type"].items()]
    rows.append(("**all**", scores))
    return _table(
        ("type", "precision", "recall", "F1", "entities"),
        (
            (name, *(f"{100 * own[key]:.2f}" for key in ("precision", "recall", "f1")), f"{own['support']:,}")
            for name, own in rows
        ),
    )


# --- how it was made ---------------------------------------------------------------------------------------


def _training(config: Config, vocabulary: Vocabulary, metrics: dict[str, Any]) -> str:
    train, versions = metrics["train"], metrics["versions"]
    rows = [
        (
            "training data",
            f"{_code(config.data.train)}: {train['sentences']:,} sentences, {train['tokens']:,} tokens",
        ),
        ("tags", f"{metrics['scheme']}, {len(vocabulary.tags)} of them"),
        ("words", _words(config, vocabulary)),
        ("characters", _characters(config)),
        ("network", _network(config)),
        ("parameters", f"{train['parameters']:,}"),
        ("epochs", f"{train['epochs']}, the best was number {train['best_epoch']}"),
        ("optimiser", f"{config.training.optimizer}, learning rate {config.training.learning_rate:g}"),
        ("time", f"{train['seconds']:,.0f} s, {train['tokens_per_second']:,.0f} tokens/s in training steps"),
        ("seed", str(metrics["seed"])),
        ("computed on", f"{metrics['device']}, {_number(metrics['threads'], 'thread')}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return (
        "## How it was trained\n\n"
        f"{_table(('', ''), rows)}\n\n"
        "Every setting is in `config.yaml`, every epoch in `log.jsonl`, every figure in `metrics.json`."
    )


def _network(config: Config) -> str:
    encoder, head = config.encoder, {"crf": "CRF", "softmax": "softmax"}[config.head]
    if encoder.cell == "none":
        return f"no recurrence, {_number(encoder.layers, 'layer')} of {encoder.hidden} units, {head}"
    reads = "reading both ways" if encoder.bidirectional else "reading forward"
    units = f"{encoder.hidden} units" + (" a direction" if encoder.bidirectional else "")
    return f"{_number(encoder.layers, 'layer')} of {_code(encoder.cell)} {reads}, {units}, {head}"


def _words(config: Config, vocabulary: Vocabulary) -> str:
    words = config.embeddings.words
    told = f"vectors of {words.size}, trained for {len(vocabulary.words) - 2:,} words"
    if words.vectors is None:
        return told
    return f"{told}, taken from {_code(words.vectors)} for {len(vocabulary.vector_words):,}"


def _characters(config: Config) -> str:
    characters = config.embeddings.characters
    if characters is None:
        return "not seen"
    if characters.encoder == "cnn":
        return f"CNN, {characters.hidden} filters of width {characters.width}"
    return f"{_code(characters.cell)} reading both ways, {characters.hidden} units a direction"


# --- limits ------------------------------------------------------------------------------------------------


def _limits(config: Config, metrics: dict[str, Any]) -> str:
    seen = f"{metrics['train']['sentences']:,} sentences of {_code(config.data.train)}"
    return (
        "## Limits\n\n"
        f"- What a name is, it knows from {seen} alone. In sentences of another kind (language, subject, "
        "time, spelling, upper case throughout) it finds fewer names and more wrong ones than the scores "
        "say.\n"
        "- It repeats what its data got wrong or left out; names of a sort that is rare there are found less "
        "often.\n"
        "- A probability is the model's own estimate, not a promise. The model is not for decisions about "
        "people without somebody who reads what was found, nor enough alone to make a text anonymous."
    )


def _licence(config: Config) -> str:
    sample = " (rnner's sample corpus is CC0)" if config.data.train.startswith("sample:") else ""
    vectors = config.embeddings.words.vectors
    sources = f"the training data{sample}" + (f" and the word vectors ({_code(vectors)})" if vectors else "")
    return (
        "## Licence\n\n"
        f"The licence of the weights follows that of what they are made from: {sources}. Look it up, and "
        "name it here before handing this folder on. rnner itself is under the MIT licence."
    )


# --- Markdown ----------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are figures if there are more than two."""
    align = ["---", *("---:" if len(head) > 2 else "---" for _ in head[1:])]
    lines = [head, align, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    """Text as code, whatever it holds (a run of backticks is fenced by a longer one)."""
    fence = "`"
    while fence in text:
        fence += "`"
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _listed(names: Sequence[str]) -> str:
    quoted = [_code(name) for name in names]
    return " and ".join(part for part in (", ".join(quoted[:-1]), *quoted[-1:]) if part)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
