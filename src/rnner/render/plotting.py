"""Shared parts of all pictures: style, files, captions, bars, light and dark versions. Needs matplotlib."""

from __future__ import annotations

import importlib.util
import io
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnner.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure
else:
    Axes = Figure = Any

DPI = 130
COLOURS = ("#2f83d6", "#d9730d", "#2a9d5c", "#c2529b", "#8466d8", "#808080")  # readable on white and black
STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "font.size": 9,
    "text.parse_math": False,  # words and labels may contain dollar signs; log axes need a formatter
}
FILE_STYLE: Any = {
    **STYLE,
    "axes.titleweight": "bold",
    "grid.alpha": 0.4,
    "svg.hashsalt": "rnner",  # equal figures give equal files
}
PICTURES = ("png", "svg", "pdf")
_METADATA: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
_CAPTION_CHARACTERS = 15  # per inch
_BACKGROUND_AND_INK = {"picture.png": ("#ffffff", "#222222"), "picture-dark.png": ("#16181d", "#dddddd")}
_INKED = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color", "grid.color")


def require_matplotlib() -> None:
    """Raise UsageError if matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("pictures need matplotlib; install it with: pip install matplotlib")


def picture(plot: Callable[[Figure], None], form: str) -> bytes:
    """Return an image of the figure that `plot` draws, in one of the formats `PICTURES`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib.figure import Figure

    image = io.BytesIO()
    with matplotlib.rc_context(FILE_STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # characters missing from the font are drawn as boxes
        figure = Figure(layout="constrained")
        plot(figure)
        figure.savefig(image, format=form, dpi=DPI, metadata=_METADATA.get(form))
    return image.getvalue()


def caption(figure: Figure, sentence: str) -> None:
    """Write below the panels what there is to see. Set the size of the figure first."""
    width = int(figure.get_size_inches()[0] * _CAPTION_CHARACTERS)
    figure.supxlabel(textwrap.fill(sentence, width), x=0.01, ha="left", fontsize=9)


def light_and_dark_pngs(plot: Callable[[Figure], None]) -> dict[str, bytes]:
    """Return two PNG files, by name, of the figure that `plot` draws: for light and for dark pages."""
    import matplotlib
    from cycler import cycler
    from matplotlib.figure import Figure

    pngs = {}
    for name, (background, ink) in _BACKGROUND_AND_INK.items():
        own: Any = dict.fromkeys(_INKED, ink) | {
            "axes.facecolor": background,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.titlesize": 10,
            "grid.alpha": 0.15,
            "legend.frameon": False,
        }
        with matplotlib.rc_context(STYLE | own):
            figure = Figure(layout="constrained", facecolor=background)
            plot(figure)
            figure.savefig(file := io.BytesIO(), format="png", dpi=DPI)
        pngs[name] = file.getvalue()
    return pngs


def grouped_bars(axes: Axes, groups: Mapping[str, Sequence[float]], ticks: Sequence[str]) -> None:
    """Draw one bar per group at each tick, with its value above it, and a legend above the axes."""
    width = 0.84 / len(groups)
    for n, (name, values) in enumerate(groups.items()):
        positions = [at + (n + 0.5) * width - 0.42 for at in range(len(values))]
        axes.bar_label(axes.bar(positions, values, width * 0.95, label=name), fmt="%.2f", fontsize=7)
    axes.set_xticks(range(len(ticks)), ticks)
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.12)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(groups), borderaxespad=0)
