"""The model card: the `README.md` of a model folder, generated from the run, without dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rnner.config import Config
from rnner.data.vocabulary import Vocabulary
from rnner.errors import counted
from rnner.nn.cells import cell_names, get_cell
from rnner.tags import BINARY_LABEL

_EXAMPLE = "Harry Potter and Hermione Granger invented a new spell."


def model_card(config: Config, vocabulary: Vocabulary, metrics: dict[str, Any]) -> str:
    """Return the card of a finished run in Markdown: usage, labels, scores, training and limits.

    Args:
        config: the resolved config of the run.
        vocabulary: the vocabulary of the model.
        metrics: the content of `metrics.json`; `test` may be absent.
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
    labels = "names" if vocabulary.scheme == "binary" else _listed(vocabulary.labels)
    return (
        "# A named-entity tagger\n\n"
        f"A small recurrent network that finds {labels} in text: {_network(config)}. "
        f"Trained with rnner on {_code(config.data.train)}."
    )


# --- use ---------------------------------------------------------------------------------------------------


def _usage(config: Config) -> str:
    custom = _custom_cells(config)
    option, argument, note = "", "", ""
    if custom:
        option, argument = " --code my_cells.py", ", code='my_cells.py'"
        note = (
            f"Its cell {_listed(custom)} is not part of rnner. To load the model, pass the Python file that "
            "registers the cell, here called `my_cells.py`. Code in a model folder is never executed.\n\n"
        )
    return (
        "## Usage\n\n"
        f"{note}In this folder (elsewhere, replace the dot with its path):\n\n"
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
        "`start` and `end` are character offsets (half-open); `score` is the model's probability."
    )


def _custom_cells(config: Config) -> list[str]:
    """Return the cells of the model that are not part of rnner."""
    characters = config.embeddings.characters
    used = {config.encoder.cell}
    if characters is not None and characters.encoder == "recurrent":
        used.add(characters.cell)
    known = {name for name in cell_names() if get_cell(name).__module__.startswith("rnner.nn.")}
    return sorted(used - known)


# --- labels and scores -------------------------------------------------------------------------------------


def _labels(vocabulary: Vocabulary) -> str:
    if vocabulary.scheme == "binary":
        return (
            "## Labels\n\n"
            "Names of any kind. `--format binary` prints a 1 for each word that is part of a name and a 0 "
            f"for the others. Consecutive words with a 1 are one entity with the label `{BINARY_LABEL}`, so "
            "two adjacent names become one entity."
        )
    found = "\n".join(f"- {_code(label)}" for label in vocabulary.labels)
    return f"## Labels\n\n{found or '(none: the training data has no entities)'}"


def _scores(config: Config, metrics: dict[str, Any]) -> str:
    dev = "a held-out tenth of the training data" if config.data.dev is None else _code(config.data.dev)
    parts = [
        "## Scores",
        "In percent, over whole entities as in conlleval: boundaries and label must both be right.",
        f"On dev ({dev}), which also selected the best epoch, so these scores are slightly too high:",
        _score_table(metrics["dev"]),
    ]
    if "test" in metrics:
        parts += [
            f"On test ({_code(config.data.test or 'test')}), evaluated once:",
            _score_table(metrics["test"]),
        ]
    else:
        parts.append("There was no test file, so there is no score on data that training did not use.")
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


# --- training ----------------------------------------------------------------------------------------------


def _training(config: Config, vocabulary: Vocabulary, metrics: dict[str, Any]) -> str:
    train, versions = metrics["train"], metrics["versions"]
    rows = [
        (
            "training data",
            f"{_code(config.data.train)}: {train['sentences']:,} sentences, {train['tokens']:,} tokens",
        ),
        ("tags", f"{len(vocabulary.tags)} ({metrics['scheme']})"),
        ("words", _words(config, vocabulary)),
        ("characters", _characters(config)),
        ("network", _network(config)),
        ("parameters", f"{train['parameters']:,}"),
        ("epochs", f"{train['epochs']}, best: {train['best_epoch']}"),
        ("optimiser", f"{config.training.optimizer}, learning rate {config.training.learning_rate:g}"),
        ("time", f"{train['seconds']:,.0f} s, {train['tokens_per_second']:,.0f} tokens/s in training steps"),
        ("seed", str(metrics["seed"])),
        ("device", f"{metrics['device']}, {counted(metrics['threads'], 'thread')}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return (
        "## Training\n\n"
        f"{_table(('', ''), rows)}\n\n"
        "All settings are in `config.yaml`, all epochs in `log.jsonl` and all metrics in `metrics.json`."
    )


def _network(config: Config) -> str:
    encoder, head = config.encoder, "CRF" if config.head == "crf" else config.head
    layers = counted(encoder.layers, "layer")
    if encoder.cell == "none":
        return f"{layers} of {encoder.hidden} units without recurrence, {head}"
    units = f"{encoder.hidden} units" + (" per direction" if encoder.bidirectional else "")
    kind = "bidirectional" if encoder.bidirectional else "unidirectional"
    return f"{layers} of {kind} {_code(encoder.cell)}, {units}, {head}"


def _words(config: Config, vocabulary: Vocabulary) -> str:
    words = config.embeddings.words
    text = f"vectors of size {words.size}, trained for {len(vocabulary.words) - 2:,} words"
    if words.vectors is None:
        return text
    return f"{text}, taken from {_code(words.vectors)} for {len(vocabulary.vector_words):,}"


def _characters(config: Config) -> str:
    characters = config.embeddings.characters
    if characters is None:
        return "not used"
    if characters.encoder == "cnn":
        return f"CNN, {characters.hidden} filters of width {characters.width}"
    return f"bidirectional {_code(characters.cell)}, {characters.hidden} units per direction"


# --- limits ------------------------------------------------------------------------------------------------


def _limits(config: Config, metrics: dict[str, Any]) -> str:
    data = f"{metrics['train']['sentences']:,} sentences of {_code(config.data.train)}"
    return (
        "## Limits\n\n"
        f"- The model learned what a name is from {data}. On text that differs in language, topic, period, "
        "spelling or case, it finds fewer names and makes more mistakes than the scores suggest.\n"
        "- It repeats errors and omissions of its training data, and often misses kinds of names that are "
        "rare there.\n"
        "- Probabilities are the model's own estimates. Do not use the model for decisions about people "
        "without human review, or as the only step to anonymise text."
    )


def _licence(config: Config) -> str:
    sample = " (rnner's sample corpus is CC0)" if config.data.train.startswith("sample:") else ""
    vectors = config.embeddings.words.vectors
    sources = f"the training data{sample}" + (f" and the word vectors ({_code(vectors)})" if vectors else "")
    return (
        "## Licence\n\n"
        f"The licence of the weights depends on the licence of {sources}. Check it, and state it here before "
        "you share this folder. rnner itself is under the MIT licence."
    )


# --- Markdown ----------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; in tables of more than two columns, all but the first are right-aligned."""
    align = ["---", *("---:" if len(head) > 2 else "---" for _ in head[1:])]
    lines = [head, align, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    """Format any text as code; a run of backticks needs a longer fence."""
    fence = "`"
    while fence in text:
        fence += "`"
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _listed(names: Sequence[str]) -> str:
    quoted = [_code(name) for name in names]
    return " and ".join(part for part in (", ".join(quoted[:-1]), *quoted[-1:]) if part)
