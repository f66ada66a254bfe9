"""`rnner serve`: a model behind HTTP, with a page."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from rnner.cli import completion, options
from rnner.cli.console import notice, warn
from rnner.cli.prediction_options import Backend
from rnner.decoding.windows import WINDOW
from rnner.errors import UsageError

_TOKEN = "RNNER_TOKEN"
_PACKAGES = ("fastapi", "uvicorn", "prometheus_client")
_SHORTEST_TOKEN = 16  # characters


def serve(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help=f"{options.MODEL} [default: en, bundled]",
            rich_help_panel=options.MODEL_PANEL,
            autocompletion=completion.models,
        ),
    ] = None,
    backend: Annotated[
        Backend,
        typer.Option(
            metavar="NAME",
            help="torch, onnx, or auto: onnx for .onnx files, otherwise torch.",
            rich_help_panel=options.MODEL_PANEL,
        ),
    ] = Backend.auto,
    code: options.Code = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen on; 0.0.0.0 is every address of this machine.",
            rich_help_panel=options.SERVER,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=65_535, help="Port; 0 is any free port.", rich_help_panel=options.SERVER
        ),
    ] = 8000,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Name under which a proxy forwards requests. Repeatable. [default: only localhost if --host "
            "is this machine, otherwise any]",
            rich_help_panel=options.SERVER,
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Require the token in this file. [default: that in the environment variable {_TOKEN}, if "
            "set]",
            rich_help_panel=options.SERVER,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="HTML report of `rnner evaluate`, to link from the page.",
            rich_help_panel=options.SERVER,
        ),
    ] = None,
    allow_reload: Annotated[
        bool,
        typer.Option(
            "--allow-reload",
            help="POST /reload loads the model again; needs a token. SIGHUP always does.",
            rich_help_panel=options.SERVER,
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Log each request to stderr: address, status and time, never the text.",
            rich_help_panel=options.SERVER,
        ),
    ] = False,
    max_body: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Bytes of a request's body.", rich_help_panel=options.LIMITS),
    ] = 1_000_000,
    max_text: Annotated[
        int, typer.Option(metavar="N", min=1, help="Characters of a text.", rich_help_panel=options.LIMITS)
    ] = 100_000,
    max_texts: Annotated[
        int, typer.Option(metavar="N", min=1, help="Texts of a request.", rich_help_panel=options.LIMITS)
    ] = 1_000,
    max_nbest: Annotated[
        int, typer.Option(metavar="N", min=0, help="Readings per sentence.", rich_help_panel=options.LIMITS)
    ] = 20,
    max_queue: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Requests that wait for the model.", rich_help_panel=options.LIMITS
        ),
    ] = 128,
    max_connections: Annotated[
        int, typer.Option(metavar="N", min=1, help="Open connections.", rich_help_panel=options.LIMITS)
    ] = 256,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.1,
            max=3600,
            help="Time to receive a request, to answer it, and to send the answer; each.",
            rich_help_panel=options.LIMITS,
        ),
    ] = 30.0,
    batch: options.Batch = 256,
    window: options.Window = WINDOW,
    device: options.Device = "cpu",
    threads: options.Threads = None,
) -> None:
    """Serve a model over HTTP, with a page to try it.

    POST /predict takes {"text": ...} or {"texts": [...]} and answers with the JSON that `rnner predict
    --format json` writes. Waiting requests are predicted together. The page is at /, the reference of the API
    at /docs.

    Only programs on this machine can connect, unless --host says otherwise. SIGTERM finishes the running
    requests and stops; SIGHUP loads the model again.

    Needs the extra serve: pip install "rnner[serve]".

    Examples:
        rnner serve
        rnner serve --model runs/my --port 9000 --threads 1
        rnner serve --host 0.0.0.0 --token-file token
    """
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise UsageError(f'rnner serve needs {" and ".join(missing)}: pip install "rnner[serve]"')
    token, content = _read_token(token_file), _read_report(report)
    if allow_reload and token is None:
        raise UsageError(f"--allow-reload needs a token: give --token-file FILE, or set {_TOKEN}")
    from rnner.cli.options import load_decoders
    from rnner.export.runtime import choose_backend
    from rnner.model.names import find_model
    from rnner.pipeline import Pipeline
    from rnner.serve.access import LOOPBACK, Access, host_name, is_loopback
    from rnner.serve.app import Service
    from rnner.serve.limits import Limits
    from rnner.serve.model import LoadedModel
    from rnner.serve.server import address_of, open_socket, run_service

    def load() -> LoadedModel:
        path = choose_backend(find_model(model), backend.value)
        (decoder,) = load_decoders(
            [path], device=device, threads=threads, code=code, sentences=batch, window=window
        )
        return LoadedModel(_shown_name(model, path), path, Pipeline(decoder))

    hosts = {host_name(name) for name in allowed_host or ()}
    if hosts or is_loopback(host):
        hosts |= {*LOOPBACK, host_name(host)}
    limits = Limits(max_body, max_text, max_texts, max_nbest, max_queue, timeout, max_connections)
    with open_socket(host, port) as listener:
        _log_to_console(verbose=verbose)
        access = Access(token, frozenset(hosts))
        service = Service(load, limits, access, reloads=allow_reload, report=content)
        if token is None and not is_loopback(host):
            warn(f"anyone who reaches {host} can use this service; give --token-file FILE to require a token")
        described = service.slot.description
        labels = ", ".join(described["labels"])
        line = f"serving {described['name']} ({labels}) at {address_of(listener)}; stop with Ctrl-C"
        run_service(service, listener, lambda _stop: notice(line))


def _shown_name(model: str | None, path: Path) -> str:
    """Return the name of a model for clients: without the folders above it."""
    if model is None:
        return "en"
    return path.name if os.path.exists(model) else model


def _read_report(path: Path | None) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise UsageError(f"--report {path}: {error.strerror}") from None


def _read_token(path: Path | None) -> str | None:
    """Return the token that requests must have, or None.

    Raises:
        UsageError: the file cannot be read, or the token is too short or has other characters than ASCII.
    """
    source = f"--token-file {path}" if path is not None else _TOKEN
    try:
        token = os.environ.get(_TOKEN) if path is None else path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(f"{source}: {reason}") from None
    if token is None:
        return None
    if not (token.isascii() and token.isprintable() and " " not in token and len(token) >= _SHORTEST_TOKEN):
        raise UsageError(
            f"{source}: a token has {_SHORTEST_TOKEN} or more characters, letters, digits and signs without "
            'spaces; python -c "import secrets; print(secrets.token_urlsafe())" writes one'
        )
    return token


class _ConsoleHandler(logging.Handler):
    """Prints what the service logs, with control characters escaped."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        show = warn if record.levelno > logging.WARNING else notice
        show(record.getMessage())


def _log_to_console(*, verbose: bool) -> None:
    """Print the events of the service and, if `verbose`, each request."""
    logger = logging.getLogger("rnner.serve")
    logger.handlers, logger.propagate = [_ConsoleHandler()], False
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
