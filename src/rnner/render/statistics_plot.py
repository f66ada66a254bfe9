"""The figures of several files as a picture; needs matplotlib (the extra `plot`)."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnner.render.pictures import require_matplotlib
from rnner.render.statistics_table import short_names
from rnner.system.terminal import plain
from rnner.workbench.statistics import Statistics

if TYPE_CHECKING:  # an extra
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_LABELS = 16  # groups of bars that can be told apart; rarer labels are drawn as one
_LONGEST_ENTITY = 5  # this long or longer is one bar
_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "font.size": 9,
    "grid.alpha": 0.4,
    "svg.hashsalt": "rnner",  # the same figures give the same file
    "text.parse_math": False,  # a label may hold dollar signs
}

# Per cent, for each file, by the name of the group of bars; None where there is nothing to tell.
_Bars = dict[str, list[float | None]]
_Colours = Sequence[tuple[float, float, float, float]]  # for each file


def picture(files: Sequence[Statistics], form: str) -> bytes:
    """Types, lengths and shares of some files, a colour a file, as an image.

    Args:
        files: at least one.
        form: `png` or `svg`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib

    drawn = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        metadata = {"Date": None} if form == "svg" else None
        _figure(files).savefig(drawn, format=form, dpi=130, metadata=metadata)
    return drawn.getvalue()


def _figure(files: Sequence[Statistics]) -> Figure:
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    names = [plain(name) for name in short_names([file.path for file in files])]
    types, shares = _types(files), _shares(files, names[0])
    colour_map = matplotlib.colormaps["tab10" if len(files) <= 10 else "tab20"]
    colours = [colour_map(i % colour_map.N) for i in range(len(files))]
    heights = [0.8 + max(len(types), len(shares)) * (0.1 + 0.11 * len(files)), 2.5 + 0.15 * len(files)]
    figure = Figure(figsize=(11, 0.5 + sum(heights)), layout="constrained")
    upper, lower = figure.subplots(2, 2, height_ratios=heights)
    _draw_bars(upper[0], types, colours, title="Entities by type", unit="% of the entities of a file")
    _draw_bars(upper[1], shares, colours, title="Shares", unit="%")
    _draw_sentences(lower[0], files, colours)
    _draw_entities(lower[1], files, colours)
    handles = [Patch(color=colour) for colour in colours]
    figure.legend(handles, names, loc="outside upper center", ncols=min(len(files), 5), frameon=False)
    return figure


def _types(files: Sequence[Statistics]) -> _Bars:
    """The share of each label in a file's entities; labels with the most in all files first."""
    totals: Counter[str] = Counter()
    for file in files:
        totals.update(file.per_type)
    ranked = sorted(totals, key=lambda label: (-totals[label], label))
    kept = ranked if len(ranked) <= _MOST_LABELS else ranked[: _MOST_LABELS - 1]
    groups = {plain(label): [label] for label in kept}
    if rest := ranked[len(kept) :]:
        groups[f"{len(rest)} others"] = rest
    counts = {
        name: [sum(file.per_type.get(label, 0) for label in labels) for file in files]
        for name, labels in groups.items()
    }
    return {
        name: [100 * n / file.entities if n else None for n, file in zip(own, files, strict=True)]
        for name, own in counts.items()
    }


def _shares(files: Sequence[Statistics], first: str) -> _Bars:
    bars: _Bars = {
        "tokens in entities": [100 * file.token_density for file in files],
        "sentences with entities": [100 * file.sentence_density for file in files],
        "ambiguous entities": [100 * file.ambiguity.to_dict()["either"] for file in files],
    }
    unseen = [file.unseen for file in files]
    if any(unseen):
        bars[f"tokens not in {first}"] = [100 * new.tokens if new else None for new in unseen]
        bars[f"entities not in {first}"] = [100 * new.entities if new else None for new in unseen]
    coverages = [file.vectors for file in files if file.vectors is not None]
    if coverages:
        bars["tokens without a vector"] = [100 - 100 * coverage.share for coverage in coverages]
    return bars


def _draw_bars(axes: Axes, bars: _Bars, colours: _Colours, *, title: str, unit: str) -> None:
    """A group of bars below another, in each the files from top to bottom, every bar with its figure."""
    thickness = 0.84 / len(colours)
    for at, group in enumerate(bars.values()):
        for i, share in enumerate(group):
            if share is None:
                continue
            y = at + (i - (len(group) - 1) / 2) * thickness
            axes.barh(y, share, thickness, color=colours[i])
            axes.annotate(
                f"{share:.1f}", (share, y), (3, 0), textcoords="offset points", va="center", fontsize=7
            )
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.1)
    axes.set(title=title, xlabel=unit)


def _draw_sentences(axes: Axes, files: Sequence[Statistics], colours: _Colours) -> None:
    """A box for each file: half of its sentences are within it, nearly all between its whiskers."""
    boxes = axes.boxplot(
        [file.sentence_lengths.values for file in files],
        orientation="horizontal",
        widths=0.6,
        whis=(1, 99),
        showfliers=False,
        patch_artist=True,
        medianprops={"color": "black"},
    )
    for box, colour in zip(boxes["boxes"], colours, strict=True):
        box.set_facecolor(colour)
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set(title="Tokens in a sentence", xlabel="median; box: half of all; whiskers: 1st to 99th per cent")


def _draw_entities(axes: Axes, files: Sequence[Statistics], colours: _Colours) -> None:
    """How many of a file's entities are of one token, of two, and so on."""
    thickness = 0.84 / len(files)
    numbers = np.arange(1, _LONGEST_ENTITY + 1)
    for i, (file, colour) in enumerate(zip(files, colours, strict=True)):
        values = np.minimum(file.entity_lengths.values, _LONGEST_ENTITY)
        counts = np.bincount(values, minlength=_LONGEST_ENTITY + 1)[1:]
        offset = (i - (len(files) - 1) / 2) * thickness
        axes.bar(numbers + offset, 100 * counts / max(1, file.entities), thickness, color=colour)
    axes.set_xticks(numbers, [*map(str, numbers[:-1]), f"{_LONGEST_ENTITY} or more"])
    axes.grid(visible=False, axis="x")
    axes.set(title="Tokens in an entity", ylabel="% of the entities of a file")
