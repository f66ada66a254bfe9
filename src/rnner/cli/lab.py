"""`rnner lab`: experiments that show what recurrence does.

Each command is named after the module of its experiment in `rnner.lab`. Its function declares the options
that only this experiment has, and returns arguments for the module's `measure`; its docstring is the help.
`_command` adds the options that all experiments share, and runs the experiment.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnner.cli.console import Terminal, notice, out, warn
from rnner.cli.options import Code, Overwrite, Seed, resolve_model, set_up_torch
from rnner.cli.output_files import check_output_file, write_output
from rnner.errors import UsageError

if TYPE_CHECKING:
    from rnner.decoding.tagger_decoder import TaggerDecoder


class Shape(StrEnum):
    """Shape of a network's input and output."""

    one_to_one = "one-to-one"
    one_to_many = "one-to-many"
    many_to_one = "many-to-one"
    many_to_many = "many-to-many"
    encoder_decoder = "encoder-decoder"


Cells = Annotated[
    list[str] | None,
    typer.Option(
        "--cell", metavar="NAME", help="Cell. Repeatable. [default: rnn, gru, lstm, and those of --code]"
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="DIR", help="Tagger. [default: trained on verb agreement]"),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="DIR",
        help="Tagger. Repeatable. [default: train forward-only and bidirectional ones]",
    ),
]
Sentence = Annotated[str, typer.Argument(metavar="[TEXT]", help="Sentence.")]
Sentences = Annotated[list[str] | None, typer.Argument(metavar="[TEXT ...]", help="Sentences.")]
Shapes = Annotated[
    list[Shape] | None,
    typer.Argument(metavar="[SHAPE ...]", help=f"{', '.join(Shape)}. [default: all]"),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="DIR", help="Also write results (JSON) and pictures (PNG)."),
]
Quick = Annotated[bool, typer.Option("--quick", help="Train less: seconds instead of minutes.")]
Threads = Annotated[
    int,
    typer.Option(
        "--threads", metavar="N", min=1, max=1024, help="CPU threads; 1 is fastest for small networks."
    ),
]


def feedforward() -> dict[str, Any]:
    """Compare a feedforward network with an RNN.

    A feedforward network has separate weights for each position. Both learn to find names in the sample
    corpus from one-hot words. Shows the number of weights, the longest sentence that each can read, and the
    scores at positions that did not occur in training.
    """
    return {}


def gradients(model: Model = None, cell: Cells = None, code: Code = None) -> dict[str, Any]:
    """Follow the gradient of the last step back through time.

    Shows its norm at earlier steps for several scales of the recurrent weights W_aa: where it vanishes, where
    it explodes, and what clipping does for training. Also shows the share of each step in dL/dW_aa. Measures
    untrained and trained cells: those of --model, or networks trained as in `rnner lab memory`.
    """
    cells = _recurrent_cells(cell)
    decoder = _load(model) if model else None
    if decoder and not any(hasattr(module, "W_aa") for module in decoder.tagger.encoder.modules()):
        raise UsageError(f"--model {model}: has no recurrence; this experiment needs a recurrent tagger")
    return {"cells": cells, "decoder": decoder}


def memory(cell: Cells = None, code: Code = None) -> dict[str, Any]:
    """Train cells to make verbs agree with distant subjects.

    "The cats which ... were full": shows how often the verb is right, by the number of words between subject
    and verb.
    """
    return {"cells": _recurrent_cells(cell)}


def gates(
    text: Sentence = "The cats which already ate were full", model: Model = None, code: Code = None
) -> dict[str, Any]:
    """Show what the gates do over a sentence.

    The gates are Γ_u and Γ_r in a GRU, and Γ_u, Γ_f and Γ_o in an LSTM. Shows which units open at which word,
    and how much of each word the memory still holds at the end, for each direction in which the model reads.
    """
    return {"words": _words(text), "decoder": _load(model) if model else None}


def bidirectional(texts: Sentences = None, models: Models = None, code: Code = None) -> dict[str, Any]:
    """Show what reading in both directions adds, word by word.

    Shows the probability that each word belongs to a name, for models that read forward only or in both
    directions. Without --model, several of each kind are trained on the sample corpus, and means are shown.
    """
    if not texts:
        texts = ["He said, Teddy Roosevelt was a great president", "He said, Teddy bears are on sale"]
    sentences = [_words(text) for text in texts]
    return {"sentences": sentences, "models": {name: _load(name) for name in models or []}}


def shapes(names: Shapes = None) -> dict[str, Any]:
    """Compare networks of five shapes with baselines.

    The tasks: decide whether a word is a name, invent a name for a label, find the genre of a sentence, find
    the names in a sentence, and convert a number in words to digits.
    """
    return {"shapes": [name.value for name in names or Shape]}


def _command(experiment: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """Return the command of an experiment, with its own options and the shared ones."""

    def command(
        output: Output = None,
        overwrite: Overwrite = False,
        quick: Quick = False,
        seed: Seed = 0,
        threads: Threads = 1,
        **own: Any,
    ) -> None:
        if output is not None:
            if output.exists() and not output.is_dir():
                raise UsageError(f"{output}: is a file; --output takes a folder")
            check_output_file(output / "figures.json", overwrite)
        pictures = output is not None and _can_draw()
        set_up_torch(threads=threads, code=own.get("code"))
        module = import_module(f"rnner.lab.{experiment.__name__}")
        results = module.measure(**experiment(**own), seed=seed, quick=quick, log=notice)
        (out if out.is_terminal else Terminal(width=100)).print(module.table(results))
        if output is not None:
            _write(output, results, module.plot if pictures else None)

    *shared, _ = signature(command, eval_str=True).parameters.values()
    parameters = [*signature(experiment, eval_str=True).parameters.values(), *shared]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # Typer reads it
    command.__name__, command.__doc__ = experiment.__name__, experiment.__doc__
    return command


def _can_draw() -> bool:
    """Return whether matplotlib is installed. Warn, before any training, if it is not."""
    from rnner.render.plotting import require_matplotlib

    try:
        require_matplotlib()
    except UsageError as error:
        warn(str(error))
        return False
    return True


def _write(folder: Path, results: dict[str, Any], plot: Callable[[Any, dict[str, Any]], None] | None) -> None:
    """Write results and, if `plot` is given, pictures."""
    from rnner.render.json_output import to_json
    from rnner.render.plotting import light_and_dark_pngs

    def write(name: str, content: str | bytes) -> None:
        write_output(folder / name, content)
        notice(f"wrote {folder / name}")

    write("figures.json", to_json(results, indent=2) + "\n")
    if plot is None:
        return
    for name, png in light_and_dark_pngs(lambda figure: plot(figure, results)).items():
        write(name, png)


def _recurrent_cells(names: list[str] | None) -> list[str]:
    """Return the names of recurrent cells: those given, or the usual ones and those of --code."""
    from rnner.nn.cells import cell_names, get_cell

    if not names:
        own = (name for name in cell_names() if not get_cell(name).__module__.startswith("rnner."))
        names = ["rnn", "gru", "lstm", *sorted(own)]
    try:
        fixed = [name for name in names if not get_cell(name).recurrent]
    except ValueError as error:
        raise UsageError(f"--cell: {error}") from None
    if fixed:
        raise UsageError(f"--cell {fixed[0]}: has no recurrence; this experiment needs a recurrent cell")
    return names


def _load(model: str) -> TaggerDecoder:
    from rnner.decoding.tagger_decoder import load_decoder
    from rnner.export.runtime import is_onnx_file

    path = resolve_model(model)
    if is_onnx_file(path):
        raise UsageError(f"{path}: .onnx files do not expose their cells; use the model folder")
    return load_decoder(path)


def _words(text: str) -> list[str]:
    from rnner.text.tokenizer import tokenize

    words = [token.text for token in tokenize(text)]
    if not words:
        raise UsageError("TEXT contains no words; pass a sentence")
    return words


app = typer.Typer(
    name="lab",
    help="Run experiments that show what recurrence does.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for experiment in (feedforward, gradients, memory, gates, bidirectional, shapes):
    app.command(experiment.__name__)(_command(experiment))
