"""The model card: the `README.md` of a model folder, generated from the run, without dates.

Its template is `resources/card.md`; this module fills in the `$placeholders`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from string import Template
from typing import Any

from rnner.config import Config
from rnner.config.corpus_files import Files, file_list, names_of
from rnner.data.vocabulary import Vocabulary
from rnner.errors import counted
from rnner.model.curve import describe_curve
from rnner.model.epoch_log import LoggedEpoch
from rnner.model.file_names import CURVE
from rnner.nn.cells import cell_names, get_cell
from rnner.tags import BINARY_LABEL

_EXAMPLE = "Harry Potter and Hermione Granger invented a new spell."
_BINARY = (
    "Names of any kind. `--format binary` prints a 1 for each word that is part of a name and a 0 for the "
    f"others. Consecutive words with a 1 are one entity with the label `{BINARY_LABEL}`, so two adjacent "
    "names become one entity."
)
_CUSTOM_CELL = (
    "rnner does not include {} of this model. To load it, pass the Python file that registers {}, here "
    "called `my_cells.py`. Code in a model folder is never executed.\n\n"
)


def model_card(
    config: Config, vocabulary: Vocabulary, metrics: dict[str, Any], log: Sequence[LoggedEpoch] = ()
) -> str:
    """Return the card of a finished run in Markdown: usage, labels, scores, training and limits.

    Args:
        config: the resolved config of the run.
        vocabulary: the vocabulary of the model.
        metrics: the content of `metrics.json`; `test` may be absent.
        log: the epochs that `training.svg` shows; empty if there is no such file.
    """
    data, vectors, custom = config.data, config.embeddings.words.vectors, _custom_cells(config)
    labels = "\n".join(f"- {_code(label)}" for label in vocabulary.labels)
    binary = vocabulary.scheme == "binary"
    test_scores = "There was no test file, so there is no score on data that training did not use."
    if "test" in metrics:
        test = _files(data.test) or "`test`"
        test_scores = f"On test ({test}), evaluated once:\n\n{_score_table(metrics['test'])}"
    sources = " (rnner's sample corpus is CC0)" if names_of(data.train).startswith("sample:") else ""
    return Template(files("rnner").joinpath("resources/card.md").read_text(encoding="utf-8")).substitute(
        names="names" if binary else _listed(vocabulary.labels),
        network=_network(config),
        train=_files(data.train),
        note=_note_on_cells(custom) if custom else "",
        option=" --code my_cells.py" if custom else "",
        argument=", code='my_cells.py'" if custom else "",
        example=_EXAMPLE,
        labels=_BINARY if binary else labels or "(none: the training data has no entities)",
        dev="a held-out tenth of the training data" if data.dev is None else _files(data.dev),
        dev_scores=_score_table(metrics["dev"]),
        test_scores=test_scores,
        training=_training_table(config, vocabulary, metrics),
        curve=f"![Training curve: {describe_curve(log)}]({CURVE})\n\n" if log else "",
        sentences=f"{metrics['train']['sentences']:,}",
        sources=sources + (f" and the word vectors ({_code(vectors)})" if vectors else ""),
    )


def _files(given: Files | None, *, details: bool = False) -> str:
    """Return the names of files, with `details` also what is annotated in each and how often it is seen."""
    named = []
    for file in file_list(given):
        labels = "" if file.labels is None else f"only {_listed(file.labels)} annotated"
        weight = "" if file.weight == 1 else f"{file.weight:g} times per epoch"
        more = ", ".join(filter(None, [labels, weight])) if details else ""
        named.append(_code(file.path) + (f" ({more})" if more else ""))
    return ", ".join(named)


def _custom_cells(config: Config) -> list[str]:
    """Return the cells of the model that are not part of rnner."""
    characters = config.embeddings.characters
    used = {config.encoder.cell}
    if characters is not None and characters.encoder == "recurrent":
        used.add(characters.cell)
    known = {name for name in cell_names() if get_cell(name).__module__.startswith("rnner.nn.")}
    return sorted(used - known)


def _note_on_cells(names: Sequence[str]) -> str:
    cells, them = ("cells", "them") if len(names) > 1 else ("cell", "it")
    return _CUSTOM_CELL.format(f"the {cells} {_listed(names)}", them)


def _score_table(scores: dict[str, Any]) -> str:
    rows = [(_code(label), own) for label, own in scores["per_type"].items()]
    rows.append(("**all**", scores))
    rows += [(_code(name), own) for name, own in scores.get("files", {}).items()]
    return _table(
        ("type", "precision", "recall", "F1", "entities"),
        (
            (name, *(f"{100 * own[key]:.2f}" for key in ("precision", "recall", "f1")), f"{own['support']:,}")
            for name, own in rows
        ),
    )


def _training_table(config: Config, vocabulary: Vocabulary, metrics: dict[str, Any]) -> str:
    train, versions = metrics["train"], metrics["versions"]
    rows = [
        (
            "training data",
            f"{_files(config.data.train, details=True)}: {train['sentences']:,} sentences, "
            f"{train['tokens']:,} tokens",
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
    return _table(("", ""), rows)


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
