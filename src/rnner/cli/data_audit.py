"""`rnner data audit`: the annotations that models disagree with which have not seen them."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rnner.cli.console import notice, out
from rnner.cli.data_split import Unit
from rnner.cli.data_stats import warn_of_file
from rnner.cli.options import Code, Columns, chosen_columns, start
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.config import Config
    from rnner.data.splits import Split
    from rnner.decoding.decoder import ScoredSpan
    from rnner.training.audit import Auditor, Doubt, Judged
    from rnner.workbench.partition import Indices, Partition

_AROUND = 12  # words shown on each side


class Format(str, Enum):
    """How doubts are written."""

    table = "table"
    json = "json"


def audit(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Annotated file of any format, or sample:train.")
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="FILE", help="Config of the models. [default: a small tagger]"
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the config. Repeatable."),
    ] = None,
    folds: Annotated[int, typer.Option("--folds", metavar="K", min=2, help="Models that are trained.")] = 5,
    by: Annotated[
        Unit | None,
        typer.Option(
            "--by",
            metavar="UNIT",
            help="What stays whole: document or sentence. [default: documents, if the file marks enough]",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Decides who is in which fold.")
    ] = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="K", min=1, help="Models that are trained at once.")
    ] = 1,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Doubts that are told.")] = 50,
    form: Annotated[Format, typer.Option("--format", metavar="FORM", help="table or json.")] = Format.table,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file, not to stdout."),
    ] = None,
    columns: Columns = None,
    code: Code = None,
) -> None:
    """Rank the annotations that are most likely mistakes, for a person to look at.

    The file is cut into folds, whole documents where it marks them; for each fold a model learns from the
    others and judges this one. Told is where it reads something else than what is annotated (missing and
    spurious entities, other labels, other borders), first where that is the most times as probable. Not all
    are mistakes: some are what the models cannot know.
    """
    from rnner.data.corpus import read_split, resolve
    from rnner.render.json_output import to_json
    from rnner.system.files import write_atomically
    from rnner.training.audit import ranked
    from rnner.workbench.partition import partition

    if output is not None and output.is_dir():
        raise UsageError(f"{output}: is a folder; --output takes a file")
    start(threads=1 if jobs > 1 else None, code=code)
    source = resolve(file)
    settings = _config(config, overrides or [], source, chosen_columns(columns))
    work = _Work(source, settings, config, tuple(code or ()), jobs)
    split = read_split(source, columns=work.columns, illegal="conlleval", scheme=settings.data.scheme)
    warn_of_file(split)
    by_document = None if by is None else by is Unit.document
    parts = partition(split, [1 / folds] * folds, seed=seed, by_document=by_document)
    _tell_folds(parts, split)
    judged = list(_judged(work, parts.parts))
    doubts = ranked([doubt for fold in judged for doubt in fold.doubts])
    told = list(_described(doubts[:top], split, source, work.columns))
    _tell_outcome(doubts, judged, min(top, len(doubts)))
    if form is Format.json:
        text = to_json({"doubts": len(doubts), "told": told}, indent=2)
    else:
        text = "\n\n".join(_shown(item) for item in told)
    if output is not None:
        write_atomically(output, text + "\n")
    elif text:
        out.print(Text(text))


# --- models ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    """All that a process needs to know to judge folds."""

    source: Path
    config: Config
    file: Path | None
    code: tuple[Path, ...]
    jobs: int

    @property
    def columns(self) -> dict[str, int] | None:
        """Where the source has what, if that is said."""
        given = self.config.data.columns
        return None if given is None else given.model_dump()

    def auditor(self) -> Auditor:
        """Reads what models are trained from."""
        from rnner.data.corpus import read_split
        from rnner.training.audit import Auditor
        from rnner.training.setup import read_sources

        folders = [] if self.file is None else [self.file.resolve().parent]
        scheme = self.config.data.scheme
        whole = read_split(self.source, columns=self.columns, illegal="conlleval", scheme=scheme)
        return Auditor(self.config, whole, read_sources(self.config, folders), folders)


def _config(
    file: Path | None, overrides: Sequence[str], source: Path, columns: dict[str, int] | None
) -> Config:
    """The config of the models; the file alone is their data."""
    import json

    from rnner.config import load_config, parse_config
    from rnner.nn.cells import cell_names
    from rnner.training.audit import RECIPE

    data = [f"data.train={json.dumps(str(source))}", "data.dev=null", "data.test=null"]
    data += [] if columns is None else [f"data.columns={json.dumps(columns)}"]
    sets = [*overrides, *data, "data.illegal_tags=conlleval", "training.patience=null"]
    if file is None:
        return parse_config(RECIPE, sets, cells=cell_names())
    return load_config(file, sets, cells=cell_names())


def _judged(work: _Work, folds: Sequence[Indices]) -> Iterator[Judged]:
    """What comes of each fold, told as it is done."""
    import multiprocessing

    with ExitStack() as stack:
        if work.jobs == 1:
            results: Iterator[Judged] = map(work.auditor().judge, folds)
        else:
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(context.Pool(min(work.jobs, len(folds)), _begin, (work,)))
            results = pool.imap_unordered(_judge, folds)
        for number, done in enumerate(results, 1):
            learnt, f1 = f"{done.learnt:,} sentences learnt", f"F1 {done.scores.f1:.3f} on the others"
            notice(f"{number}/{len(folds)}: {learnt}, {f1}, {done.seconds:,.0f} s")
            yield done


_AUDITOR: list[Auditor] = []  # of a process of its own


def _begin(work: _Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began this one
    start(threads=1, code=work.code)
    _AUDITOR.append(work.auditor())


def _judge(fold: Indices) -> Judged:
    return _AUDITOR[0].judge(fold)


# --- what is told ------------------------------------------------------------------------------------------


def _tell_folds(parts: Partition, split: Split) -> None:
    units = "documents" if parts.by_document else "different sentences"
    notice(f"{len(parts.parts)} folds of {parts.units:,} {units}, {len(split):,} sentences")


def _tell_outcome(doubts: Sequence[Doubt], judged: Sequence[Judged], told: int) -> None:
    kinds = Counter(doubt.kind for doubt in doubts)
    each = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
    notice(f"{len(doubts):,} doubts" + (f" ({each}); the first {told:,} are told" if doubts else ""))
    if unjudged := sum(fold.unjudged for fold in judged):
        notice(f"not judged: {unjudged:,} entities whose label stands in one fold alone")


def _described(
    doubts: Sequence[Doubt], split: Split, source: Path, columns: dict[str, int] | None
) -> Iterator[dict[str, Any]]:
    """The doubts in plain values, for JSON."""
    lines = _lines(source, columns)
    for rank, doubt in enumerate(doubts, 1):
        (words,), _ = split.sentences([doubt.sentence])
        first = doubt.annotated.start
        line = lines[doubt.sentence][first] if lines else int(split.lines[doubt.sentence])
        yield {
            "rank": rank,
            "path": str(source),
            "line": line,
            "kind": doubt.kind,
            "log_ratio": doubt.log_ratio,
            "annotated": _reading(doubt.annotated, words),
            "model": _reading(doubt.found, words),
            "sentence": doubt.sentence,
            "words": words,
        }


def _lines(source: Path, columns: dict[str, int] | None) -> list[list[int]]:
    """The line of each word of a column file; nothing for other formats, where records have lines."""
    from rnner.data.formats.columns import ConllReader
    from rnner.data.formats.detect import detect_format

    if columns is None and detect_format(source) != "columns":
        return []
    return [sentence.lines for sentence in ConllReader(source, columns=columns)]


def _reading(span: ScoredSpan, words: Sequence[str]) -> dict[str, Any]:
    return {
        "label": span.label or None,
        "start": span.start,
        "end": span.end,
        "text": " ".join(words[span.start : span.end]),
        "probability": span.score,
    }


def _shown(told: dict[str, Any]) -> str:
    """A doubt in three lines: where, the two readings, the sentence with the annotated words marked."""
    from rnner.system.terminal import plain

    annotated, model, words = told["annotated"], told["model"], told["words"]
    start, end = annotated["start"], annotated["end"]
    before, after = words[max(0, start - _AROUND) : start], words[end : end + _AROUND]
    marked = [*before, f"[{' '.join(words[start:end])}]", *after]
    cut = ("… " if start > _AROUND else "", " …" if len(words) - end > _AROUND else "")
    readings = f"annotated {_named(annotated)}, model {_named(model, annotated)}"
    return (
        plain(f"{told['path']}:{told['line']}: {told['kind']}: {readings}")
        + "\n"
        + plain(f"  {cut[0]}{' '.join(marked)}{cut[1]}")
    )


def _named(reading: dict[str, Any], beside: dict[str, Any] | None = None) -> str:
    """`PER 0.02`, and the words where they are others than those of the reading beside it."""
    other = beside is not None and (reading["start"], reading["end"]) != (beside["start"], beside["end"])
    words = f" {reading['text']!r}" if other else ""
    return f"{reading['label'] or 'nothing'}{words} {reading['probability']:.2f}"
