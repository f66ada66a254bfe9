"""`rnner data audit`: find likely annotation errors with models that were not trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rnner.cli import completion, options
from rnner.cli.console import notice, out
from rnner.cli.data_stats import warn_about_split
from rnner.cli.options import TableOrJson
from rnner.cli.output_files import check_output_file, write_output
from rnner.cli.progress_display import Activity
from rnner.errors import RnnerError
from rnner.model.user_code import place_in_code
from rnner.render.json_output import to_json
from rnner.system.terminal import printable

if TYPE_CHECKING:
    from rnner.config import Config, Override
    from rnner.data.splits import Split
    from rnner.decoding.spans import ScoredSpan
    from rnner.training.audit import Auditor, FoldResult, LikelyError
    from rnner.workbench.partition import Indices

_CONTEXT = 12  # words shown on each side


def audit(
    file: options.AnnotatedFile,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE|NAME",
            help="Config of the models. [default: a small tagger]",
            autocompletion=completion.configs,
            rich_help_panel=options.TRAINING,
        ),
    ] = None,
    overrides: options.Overrides = None,
    folds: Annotated[
        int,
        typer.Option(
            metavar="K",
            min=2,
            max=1000,
            help="Number of folds, and of models to train.",
            rich_help_panel=options.TRAINING,
        ),
    ] = 5,
    by: options.ByUnit = None,
    seed: options.Seed = 0,
    jobs: Annotated[
        int,
        typer.Option(
            metavar="K", min=1, help="Models to train in parallel.", rich_help_panel=options.COMPUTATION
        ),
    ] = 1,
    top: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Number of likely errors to show.", rich_help_panel=options.OUTPUT
        ),
    ] = 50,
    form: options.OutputFormat = TableOrJson.table,
    output: options.OutputFile = None,
    columns: options.TableColumns = None,
    code: options.Code = None,
) -> None:
    """Rank the annotations that are most likely wrong.

    The file is split into folds, by document where documents are marked. For each fold, a model is trained on
    the other folds and predicts this one. Entities where prediction and annotation differ (missing, spurious,
    another label, other boundaries) are ranked by how much more probable the prediction is. Check them by
    hand: some are mistakes of the model.

    Examples:
        rnner data audit sample:dev --top 10
        rnner data audit sample:dev --folds 3 --format json --output errors.json
    """
    from rnner.config import data_folders
    from rnner.data.corpus import resolve
    from rnner.training.audit import rank_errors
    from rnner.workbench.partition import partition

    check_output_file(output)
    options.set_up_torch(threads=1 if jobs > 1 else None, code=code)
    source = resolve(file)
    settings = _load_config(config, overrides or [], source, options.parse_table_columns(columns))
    with Activity(f"reading {source}"):
        split = _read_source(source, settings)
    warn_about_split(split)
    by_document = None if by is None else by is options.SplitUnit.document
    parts = partition(split, [1 / folds] * folds, seed=seed, by_document=by_document)
    units = "documents" if parts.by_document else "different sentences"
    notice(f"{parts.units:,} {units} ({len(split):,} sentences) in {len(parts.parts)} folds")
    read_auditor = partial(_read_auditor, source, settings, data_folders(config))
    with Activity("training the models") as activity:
        results = []
        for result in _judge_folds(read_auditor, parts.parts, jobs, code):
            results.append(result)
            activity.report(len(results), len(parts.parts))
    errors = rank_errors([error for result in results for error in result.errors])
    shown = list(_records(errors[:top], split, source, settings))
    _report(errors, results, len(shown))
    if form is TableOrJson.json:
        text = to_json({"doubts": len(errors), "shown": shown}, indent=2)
    else:
        text = "\n\n".join(map(_format_error, shown))
    if output is not None:
        write_output(output, text + "\n")
    elif text:
        out.print(Text(text))


# --- models ------------------------------------------------------------------------------------------------


def _load_config(
    config: str | None, overrides: Sequence[str], source: Path, columns: dict[str, int | str] | None
) -> Config:
    """Load the config of the models, with the audited file as its only data."""
    from rnner.config import load_config, parse_config
    from rnner.nn.cells import cell_names
    from rnner.training.audit import DEFAULT_CONFIG

    data: list[Override] = [("data.train", str(source)), ("data.dev", None), ("data.test", None)]
    data += [] if columns is None else [("data.columns", columns)]
    settings = [*overrides, *data, ("data.illegal_tags", "conlleval"), ("training.patience", None)]
    if config is None:
        return parse_config(DEFAULT_CONFIG, settings, cells=cell_names())
    return load_config(config, settings, cells=cell_names())


def _read_source(source: Path, config: Config) -> Split:
    from rnner.data.corpus import read_split

    return read_split(
        source,
        columns=_columns(config),
        illegal="conlleval",
        scheme=config.data.scheme,
        unknown=config.data.unknown,
        tokenizer=config.text.tokenizer,
    )


def _columns(config: Config) -> dict[str, int | str] | None:
    return None if config.data.columns is None else config.data.columns.model_dump(exclude_none=True)


def _judge_folds(
    read_auditor: Callable[[], Auditor], folds: Sequence[Indices], jobs: int, code: Sequence[Path] | None
) -> Iterator[FoldResult]:
    """Train on all folds but one and judge that one, in `jobs` processes; report each as it finishes."""
    for number, result in enumerate(_results(read_auditor, folds, jobs, code), 1):
        notice(
            f"{number}/{len(folds)}: trained on {result.training_sentences:,} sentences, "
            f"F1 {result.scores.f1:.3f} on this fold, {result.seconds:,.0f} s"
        )
        yield result


def _results(
    read_auditor: Callable[[], Auditor], folds: Sequence[Indices], jobs: int, code: Sequence[Path] | None
) -> Iterator[FoldResult]:
    if jobs == 1:
        yield from map(read_auditor().judge, folds)
    else:
        from rnner.system.workers import Workers

        with Workers(min(jobs, len(folds)), partial(_judge_of_worker, read_auditor, code)) as workers:
            yield from workers.map(folds)


def _read_auditor(source: Path, config: Config, folders: list[Path]) -> Auditor:
    from rnner.training.audit import Auditor
    from rnner.training.setup import read_training_data

    return Auditor(config, _read_source(source, config), read_training_data(config, folders), folders)


def _judge_of_worker(
    read_auditor: Callable[[], Auditor], code: Sequence[Path] | None
) -> Callable[[Indices], FoldResult]:
    """Return the function that a worker process applies to each fold."""
    options.set_up_torch(threads=1, code=code)
    auditor = read_auditor()

    def judge(fold: Indices) -> FoldResult:
        try:
            return auditor.judge(fold)
        except SystemExit as error:  # raised by the user's code
            raise RnnerError(f"{place_in_code(error) or '--code'}: SystemExit: {error}") from None

    return judge


# --- results -----------------------------------------------------------------------------------------------


def _report(errors: Sequence[LikelyError], results: Sequence[FoldResult], shown: int) -> None:
    kinds = Counter(error.kind for error in errors)
    counts = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
    notice(f"{len(errors):,} likely errors" + (f" ({counts}); showing the first {shown:,}" if errors else ""))
    if unknown := sum(result.unknown_labels for result in results):
        notice(f"not judged: {unknown:,} entities whose label occurs in only one fold")


def _records(
    errors: Sequence[LikelyError], split: Split, source: Path, config: Config
) -> Iterator[dict[str, Any]]:
    """Yield the errors as plain values, for JSON."""
    lines = _token_lines(source, _columns(config))
    for rank, error in enumerate(errors, 1):
        (words,), _ = split.sentences([error.sentence])
        first = error.annotated.start
        yield {
            "rank": rank,
            "path": str(source),
            "line": lines[error.sentence][first] if lines else int(split.lines[error.sentence]),
            "kind": error.kind,
            "log_ratio": error.log_ratio,
            "annotated": _reading(error.annotated, words),
            "model": _reading(error.predicted, words),
            "sentence": error.sentence,
            "words": words,
        }


def _token_lines(path: Path, columns: dict[str, int | str] | None) -> list[list[int]]:
    """Return the line numbers of each sentence's words in a column file; an empty list for other formats."""
    from rnner.data.formats.annotated import SourceFile
    from rnner.data.formats.columns import ConllReader
    from rnner.data.formats.detect import format_of

    source = SourceFile(path, columns)
    if format_of(source) != "conll":
        return []
    return [sentence.lines for sentence in ConllReader(path, columns=source.column_numbers)]


def _reading(span: ScoredSpan, words: Sequence[str]) -> dict[str, Any]:
    from rnner.text.spacing import join

    return {
        "label": span.label or None,
        "start": span.start,
        "end": span.end,
        "text": join(words[span.start : span.end]),
        "probability": span.score,
    }


def _format_error(record: dict[str, Any]) -> str:
    """Format an error as two lines: place and readings, then the annotation in brackets, in its context."""
    from rnner.text.spacing import join

    annotated, model, words = record["annotated"], record["model"], record["words"]
    start, end = annotated["start"], annotated["end"]
    before, after = words[max(0, start - _CONTEXT) : start], words[end : end + _CONTEXT]
    sentence = join([*before, f"[{join(words[start:end])}]", *after])
    left, right = "… " if start > _CONTEXT else "", " …" if len(words) - end > _CONTEXT else ""
    same_words = (start, end) == (model["start"], model["end"])
    model_words = "" if same_words else f" {model['text']!r}"
    readings = (
        f"annotated {annotated['label'] or 'no entity'} {annotated['probability']:.2f}, "
        f"model {model['label'] or 'no entity'}{model_words} {model['probability']:.2f}"
    )
    place = f"{record['path']}:{record['line']}: {record['kind']}: {readings}"
    return f"{printable(place)}\n{printable(f'  {left}{sentence}{right}')}"
