"""What `rnner evaluate` scores: models, files of predictions, and models on raw text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rnner.cli import options
from rnner.cli.console import notice, warn
from rnner.errors import DataError, UsageError
from rnner.tags import LABEL_RULE, is_label

if TYPE_CHECKING:
    from rnner.decoding.decoder import Decoder
    from rnner.decoding.ensemble import Ensemble
    from rnner.scoring.annotation import LabelMap
    from rnner.scoring.evaluation import Comparison, EvaluationReport
    from rnner.scoring.passages import AnnotatedFile
    from rnner.scoring.raw_text import RawTextReport


class Columns(NamedTuple):
    """Columns of the gold tags and of the predicted tags; None if they are detected."""

    gold: dict[str, int | str] | None
    predicted: dict[str, int | str] | None


def parse_columns(text: str | None, files: Sequence[str]) -> Columns:
    """Parse `--columns TOKEN,TAG[,PREDICTED]`.

    Raises:
        UsageError: the columns are not valid, or there is a third one but no `--predictions`.
    """
    parts = text.split(",") if text is not None else []
    if len(parts) != 3:
        return Columns(options.parse_table_columns(text), None)
    if not files:
        raise UsageError(f"--columns {text}: the third column is for --predictions; give that option too")
    token, gold, predicted = parts
    return Columns(*(options.parse_table_columns(f"{token},{tag}") for tag in (gold, predicted)))


def parse_map(texts: Sequence[str]) -> LabelMap:
    """Parse `--map OLD=NEW,...`.

    Raises:
        UsageError: a part has no old label or no `=`, or a label gets two new ones.
    """
    labels: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        old, separator, new = (piece.strip() for piece in part.partition("="))
        if not old or not separator:
            raise UsageError(
                f"--map {part}: expected OLD=NEW, such as PERSON=PER, or MISC= to ignore a label"
            )
        if new and not is_label(new):
            raise UsageError(f"--map {part}: the label {new!r} is not valid: {LABEL_RULE}")
        if labels.setdefault(old, new) != new:
            raise UsageError(f"--map: {old} is renamed to {labels[old]} and to {new}; rename it once")
    return labels


def score_predictions(
    data: str, files: Sequence[str], columns: Columns, labels: LabelMap, train: str | None
) -> EvaluationReport | Comparison:
    """Score files of predictions, without a model."""
    from rnner.data.corpus import resolve
    from rnner.data.formats.detect import detect_format
    from rnner.scoring.evaluation import Comparison, predictions_reports
    from rnner.scoring.pairing import pair

    path, paths = resolve(data), [resolve(file) for file in files]
    in_one_file = columns.gold is None and any(_is_same_file(path, other) for other in paths)
    if in_one_file:
        if detect_format(path) != "conll":
            raise UsageError(
                f"--predictions {data}: only a column file can hold both gold and predicted tags"
            )
        notice(f"{path}: gold tags from the next-to-last column, predicted tags from the last column")
    gold = _read(path, columns.gold, {"tag": -2} if in_one_file else None)
    found = [_read(other, columns.predicted, {"tag": -1}) for other in paths]
    for other in paths if columns.predicted is None and not in_one_file else ():
        _warn_of_other_column(other)
    training = _read_training(train, columns.gold)
    _warn_of_unused(labels, *(file.labels for file in (gold, *found, training) if file))
    known = training.known_forms(labels) if training else None
    reports = predictions_reports(pair(gold, found), labels=labels, known=known)
    return reports[0] if len(reports) == 1 else Comparison(list(zip(files, reports, strict=True)), None)


def _read(
    path: Path, chosen: dict[str, int | str] | None, default: dict[str, int | str] | None
) -> AnnotatedFile:
    """Read an annotated file. If no columns are chosen, a column file is read with the default ones."""
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.detect import format_of
    from rnner.scoring.passages import read_annotated_file

    source = SourceFile(path, chosen)
    form = format_of(source)
    if form == "conll" and not chosen:
        source = SourceFile(path, default)
    return read_annotated_file(source, form)


def _warn_of_other_column(path: Path) -> None:
    """Warn if predictions are read from the last column but another column also holds tags."""
    from rnner.data.formats.column_layout import LAYOUT_SAMPLE, detect_layout
    from rnner.data.formats.detect import detect_format
    from rnner.data.lines import first_lines, read_lines

    if not path.is_file() or detect_format(path) != "conll":
        return
    with suppress(DataError):  # the file has no column of tags
        layout = detect_layout(first_lines(read_lines(path), LAYOUT_SAMPLE))
        if layout.tag not in (None, layout.width - 1):
            also = f"column {layout.tag} (counted from 0) also holds tags"
            choice = "to choose, give --columns TOKEN,TAG,PREDICTED"
            warn(f"{path}: predicted tags are read from the last column; {also}; {choice}")


def _is_same_file(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


def _read_training(train: str | None, columns: dict[str, int | str] | None) -> AnnotatedFile | None:
    from rnner.data.corpus import resolve

    return None if train is None else _read(resolve(train), None, columns)


def _warn_of_unused(labels: LabelMap, *known: Collection[str]) -> None:
    """Warn about labels of `--map` that occur nowhere."""
    from rnner.scoring.annotation import unused_labels

    for message in unused_labels(labels, set().union(*known)):
        warn(message)


def load_models(names: Sequence[str], **settings: Any) -> list[tuple[str, Decoder]]:
    """Return each model's name and decoder; those of the bundled model if no name is given."""
    paths = [options.resolve_model(name) for name in names] or [options.resolve_model(None)]
    return list(zip(names or ["en"], options.load_decoders(paths, **settings), strict=True))


def score_models(
    data: str,
    decoders: Sequence[tuple[str, Decoder]],
    columns: dict[str, int | str] | None,
    labels: LabelMap,
    train: str | None,
    *,
    unknown: str,
    probabilities: bool,
) -> EvaluationReport | Comparison:
    """Score one model, or compare several and their ensemble."""
    from rnner.data.corpus import read_split, resolve
    from rnner.scoring.evaluation import Comparison, evaluation_report

    tokenizer = decoders[0][1].vocabulary.tokenizer
    how: Any = {"columns": columns, "illegal": "conlleval", "unknown": unknown, "tokenizer": tokenizer}
    split = read_split(resolve(data), **how)
    training = _read_training(train, columns)
    known_labels = [decoder.vocabulary.labels for _, decoder in decoders]
    _warn_of_unused(labels, split.labels, training.labels if training else (), *known_labels)
    known = training.known_forms(labels) if training else None
    score = partial(evaluation_report, labels=labels, known=known, probabilities=probabilities)
    if len(decoders) == 1:
        return score(decoders[0][1], split)
    ensemble = _ensemble(decoders, labels)
    reports = [(name, score(decoder, split)) for name, decoder in decoders]
    return Comparison(reports, None if ensemble is None else score(ensemble, split))


def _ensemble(decoders: Sequence[tuple[str, Decoder]], labels: LabelMap) -> Ensemble | None:
    """Return the ensemble of the models; None, with a warning, if they cannot be averaged.

    Raises:
        UsageError: the models differ in their labels, and no map says which labels are the same.
    """
    from rnner.decoding.ensemble import Ensemble, require_same_labels
    from rnner.decoding.tagger_decoder import TaggerDecoder

    vocabularies = {name: decoder.vocabulary for name, decoder in decoders}
    if not labels:
        require_same_labels(vocabularies)
    taggers = [decoder for _, decoder in decoders if isinstance(decoder, TaggerDecoder)]
    if len(taggers) < len(decoders):
        warn("no ensemble: .onnx files cannot be averaged; give the model folders instead")
    elif len({frozenset(vocabulary.labels) for vocabulary in vocabularies.values()}) > 1:
        warn("no ensemble: only models that were trained with the same labels can be averaged")
    elif len({vocabulary.scheme for vocabulary in vocabularies.values()}) > 1:
        schemes = ", ".join(f"{name}: {vocabulary.scheme}" for name, vocabulary in vocabularies.items())
        warn(f"no ensemble: only models with the same tagging scheme can be averaged ({schemes})")
    else:
        return Ensemble(taggers)
    return None


def score_raw_text(data: str, decoder: Decoder, columns: dict[str, int | str] | None) -> RawTextReport:
    """Score a model on raw text, and on the tokens of the file."""
    from rnner.data.corpus import resolve
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.detect import format_of
    from rnner.pipeline import Pipeline
    from rnner.scoring.raw_text import evaluate_raw_text

    source = SourceFile(resolve(data), columns)
    return evaluate_raw_text(Pipeline(decoder), source, format_of(source))
