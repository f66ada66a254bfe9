"""What the commands of the lab share: options, and where the results go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli.console import Terminal, notice, out, warn
from rnner.cli.options import chosen_model, start
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from rnner.decoding.tagger_decoder import TaggerDecoder

FIGURES = "figures.json"

Cells = Annotated[
    list[str] | None,
    typer.Option(
        "--cell", metavar="NAME", help="A cell. Repeatable. [default: rnn, gru, lstm, and those of --code]"
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FOLDER", help="Also write figures (JSON) and pictures (PNG)."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the figures in the folder.")]
Quick = Annotated[bool, typer.Option("--quick", help="Train less: seconds instead of minutes.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Decides all that is drawn.")]
Threads = Annotated[
    int,
    typer.Option("--threads", metavar="N", min=1, help="CPU threads; one is best for small networks."),
]


def check_output(output: Path | None, overwrite: bool) -> None:
    """Raise UsageError, before anything is computed, if results must not be written there."""
    if output is None:
        return
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output}: is a file; --output takes a folder")
    if (output / FIGURES).exists() and not overwrite:
        raise UsageError(f"{output / FIGURES}: is there already; --overwrite replaces it")


def chosen_cells(cells: Sequence[str] | None, code: Sequence[Path] | None, threads: int) -> list[str]:
    """Run the user's code; the cells that are named, or the usual ones and the user's."""
    from rnner.nn.cells import cell_names, get_cell

    before = set(cell_names())
    start(threads=threads, code=code)
    wanted = list(cells or ["rnn", "gru", "lstm", *sorted(set(cell_names()) - before)])
    try:
        idle = [name for name in wanted if not get_cell(name).recurrent]
    except ValueError as error:
        raise UsageError(f"--cell: {error}") from None
    if idle:
        raise UsageError(f"--cell {idle[0]}: has no recurrence, and that is what is looked at here")
    return wanted


def loaded(model: str) -> TaggerDecoder:
    """The model of that name, with all that it is made of."""
    from rnner.decoding.tagger_decoder import load_decoder
    from rnner.export.runtime import is_onnx_file

    path = chosen_model(model)
    if is_onnx_file(path):
        raise UsageError(f"{path}: has no cells to look into; take the folder of `rnner train`")
    return load_decoder(path)


def words_of(text: str) -> list[str]:
    """The words of a sentence; UsageError if there are none."""
    from rnner.text.tokenizer import tokenize

    words = [token.text for token in tokenize(text)]
    if not words:
        raise UsageError("TEXT: there is no word in it")
    return words


def tell(line: str) -> None:
    """Say on stderr how far an experiment is."""
    notice(line)


def bar(share: float, width: int) -> str:
    """A share in [0, 1] as a bar, filled up to `width` characters."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).ljust(width)[:width]


def shades(shares: Sequence[float], width: int) -> str:
    """Shares in [0, 1] as shades, a character for the mean of neighbours, at most so many."""
    borders = [round(n * len(shares) / width) for n in range(width + 1)]
    groups = [shares[a:b] for a, b in pairwise(borders) if a < b]
    return "".join(" ░▒▓█"[min(4, int(5 * sum(group) / len(group)))] for group in groups)


def finish(
    figures: dict[str, Any],
    shown: RenderableType,
    draw: Callable[[Any, dict[str, Any]], None],
    size: tuple[float, float],
    output: Path | None,
) -> None:
    """Show the result on stdout, and write it into the folder if there is one."""
    from rnner.render.json_output import to_json
    from rnner.render.pictures import pictures, require_matplotlib
    from rnner.system.files import write_atomically

    (out if out.is_terminal else Terminal(width=100)).print(shown)
    if output is None:
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        write_atomically(output / FIGURES, to_json(figures, indent=2) + "\n")
        notice(f"wrote {output / FIGURES}")
        require_matplotlib()
        for name, drawn in pictures(lambda figure: draw(figure, figures), size).items():
            write_atomically(output / name, drawn)
            notice(f"wrote {output / name}")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    except UsageError as error:
        warn(str(error))
