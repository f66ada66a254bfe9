"""Pictures of figures, one for light pages and one for dark; they need matplotlib (the extra `plot`)."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnner.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure
else:
    Axes = Figure = Any

COLOURS = ("#2f83d6", "#d9730d", "#2a9d5c", "#c2529b", "#8466d8", "#808080")  # stand out on both grounds
_GROUNDS = {"picture.png": ("#ffffff", "#222222"), "picture-dark.png": ("#16181d", "#dddddd")}
_INKED = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color", "grid.color")
_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "text.parse_math": False,  # a word may hold dollar signs; so a logarithmic axis needs a formatter
}


def pictures(draw: Callable[[Figure], None], size: tuple[float, float]) -> dict[str, bytes]:
    """What `draw` puts into a figure of so many inches, as PNG files by their names."""
    import matplotlib
    from cycler import cycler
    from matplotlib.figure import Figure

    drawn = {}
    for name, (ground, ink) in _GROUNDS.items():
        colours: Any = {**dict.fromkeys(_INKED, ink), "axes.prop_cycle": cycler(color=COLOURS)}
        with matplotlib.rc_context({**_SETTINGS, **colours, "axes.facecolor": ground}):
            figure = Figure(figsize=size, layout="constrained", facecolor=ground)
            draw(figure)
            figure.savefig(file := io.BytesIO(), format="png", dpi=130)
        drawn[name] = file.getvalue()
    return drawn


def bars(axes: Axes, groups: Mapping[str, Sequence[float]], ticks: Sequence[str]) -> None:
    """Bars side by side over each tick, one a group, each with its figure; a legend above."""
    width = 0.84 / len(groups)
    for n, (name, values) in enumerate(groups.items()):
        places = [at + (n + 0.5) * width - 0.42 for at in range(len(values))]
        axes.bar_label(axes.bar(places, values, width * 0.95, label=name), fmt="%.2f", fontsize=7)
    axes.set_xticks(range(len(ticks)), ticks)
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.12)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(groups), borderaxespad=0)


def require_matplotlib() -> None:
    """Raises UsageError if matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("a picture needs matplotlib, rnner's extra `plot`; type pip install matplotlib")
