"""The statistics of several files as one picture. Needs matplotlib."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from rnner.render.plotting import Axes, Figure, caption, picture
from rnner.render.statistics_table import short_names
from rnner.system.terminal import printable
from rnner.workbench.statistics import Statistics

_MAX_LABELS = 16  # more groups of bars would be unreadable; rarer labels share one group
_MAX_LENGTH = 5  # longer entities share one bar
_BAR_GROUP = 0.84  # thickness of a group of bars
_ONE = "A model finds rare types and long entities less often than frequent types and short ones."
_SEVERAL = (
    "Where the bars of the files differ, so do the texts or the guidelines, and a model trained on the first "
    "file will do worse on the others."
)

# One percentage per file for each named group of bars; None where there is nothing to show.
_Bars = dict[str, list[float | None]]
_Colours = Sequence[tuple[float, float, float, float]]  # one per file


def plot_statistics(files: Sequence[Statistics], form: str) -> bytes:
    """Return an image of types, lengths and shares, with one colour per file.

    Args:
        files: at least one.
        form: one of `rnner.render.plotting.PICTURES`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    return picture(lambda figure: _plot(figure, files), form)


def _plot(figure: Figure, files: Sequence[Statistics]) -> None:
    import matplotlib
    from matplotlib.patches import Patch

    names = [printable(name) for name in short_names([file.path for file in files])]
    types, shares = _types(files), _shares(files, names[0])
    colour_map = matplotlib.colormaps["tab10" if len(files) <= 10 else "tab20"]
    colours = [colour_map(i % colour_map.N) for i in range(len(files))]
    heights = [0.8 + max(len(types), len(shares)) * (0.1 + 0.11 * len(files)), 2.5 + 0.15 * len(files)]
    figure.set_size_inches(11, 0.9 + sum(heights))
    upper, lower = figure.subplots(2, 2, height_ratios=heights)
    _plot_bars(upper[0], types, colours, title="Entities by type", unit="% of the file's entities")
    _plot_bars(
        upper[1], shares, colours, title="Shares", unit="% of the file's tokens, sentences or entities"
    )
    _plot_sentence_lengths(lower[0], files, colours)
    _plot_entity_lengths(lower[1], files, colours)
    handles = [Patch(color=colour) for colour in colours]
    figure.legend(handles, names, loc="outside upper center", ncols=min(len(files), 5), frameon=False)
    caption(figure, _SEVERAL if len(files) > 1 else _ONE)


def _types(files: Sequence[Statistics]) -> _Bars:
    """Return the share of each label in each file, most frequent label first."""
    totals: Counter[str] = Counter()
    for file in files:
        totals.update(file.per_type)
    ranked = sorted(totals, key=lambda label: (-totals[label], label))
    kept = ranked if len(ranked) <= _MAX_LABELS else ranked[: _MAX_LABELS - 1]
    groups = {printable(label): [label] for label in kept}
    if rest := ranked[len(kept) :]:
        groups[f"{len(rest)} others"] = rest
    bars: _Bars = {}
    for name, labels in groups.items():
        counts = [sum(file.per_type.get(label, 0) for label in labels) for file in files]
        bars[name] = [100 * n / file.entities if n else None for n, file in zip(counts, files, strict=True)]
    return bars


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


def _plot_bars(axes: Axes, bars: _Bars, colours: _Colours, *, title: str, unit: str) -> None:
    """Draw the groups from top to bottom, each with one bar per file and its value."""
    thickness = _BAR_GROUP / len(colours)
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


def _plot_sentence_lengths(axes: Axes, files: Sequence[Statistics], colours: _Colours) -> None:
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
    axes.set(
        title="Sentence length",
        xlabel="tokens (line: median; box: middle half; whiskers: 1st to 99th percentile)",
    )


def _plot_entity_lengths(axes: Axes, files: Sequence[Statistics], colours: _Colours) -> None:
    thickness = _BAR_GROUP / len(files)
    lengths = np.arange(1, _MAX_LENGTH + 1)
    for i, (file, colour) in enumerate(zip(files, colours, strict=True)):
        counts = np.bincount(np.minimum(file.entity_lengths.values, _MAX_LENGTH), minlength=_MAX_LENGTH + 1)
        offset = (i - (len(files) - 1) / 2) * thickness
        axes.bar(lengths + offset, 100 * counts[1:] / max(1, file.entities), thickness, color=colour)
    axes.set_xticks(lengths, [*map(str, lengths[:-1]), f"{_MAX_LENGTH} or more"])
    axes.grid(visible=False, axis="x")
    axes.set(title="Entity length", xlabel="tokens per entity", ylabel="% of the file's entities")
