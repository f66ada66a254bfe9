"""Commands with a hostile text in one place each, for fuzz_terminal.py. Not a script itself."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

from rnner.cli import main

PIECES = [
    "\x1b[31;5;41m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\x1b[2A\x1b[2K",
    "\r",
    "\nerror:forged\n",
    "\x08\x08",
    "\x7f",
]
PIECES += ["\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\u061c", "\x0b", "\x1c", "\t", "\udc9b"]
PIECES += ["\\", "[red]", "e\u0301", "👩\u200d👧", "\"'", "%s{0}", "\rerror:forged"]
CORPUS = [
    ("Ada", "B-PER"),
    ("Lovelace", "I-PER"),
    ("lives", "O"),
    ("in", "O"),
    ("London", "B-LOC"),
    (".", "O"),
]
CONFIG = """\
data: {train: TRAIN, dev: TRAIN}
embeddings: {words: {size: 8, min_count: 1}, characters: null}
encoder: {hidden: 8}
training: {epochs: 1}
"""
PREDICTIONS = ("text", "table", "html", "json", "jsonl", "csv", "tsv", "conll", "binary")


class Case(NamedTuple):
    """A command to run in a folder.

    Attributes:
        name: the command and the place of the hostile text.
        lossless: what stdout must contain unchanged if it is a pipe; its controls are not checked then.
        debug: whether to show tracebacks, which have lines of their own, as have warnings of libraries.
    """

    name: str
    folder: Path
    arguments: list[str]
    lossless: str = ""
    debug: bool = False

    @property
    def command(self) -> str:
        """The words of the command: `data check`."""
        return self.name.partition(":")[0]


def prepare(folder: Path) -> Path:
    """Train a small model, and return its folder. This also imports what the commands need."""
    folder.mkdir(parents=True)
    train = _columns(folder / "train.conll", CORPUS)
    config = folder / "small.yaml"
    config.write_text(CONFIG.replace("TRAIN", json.dumps(str(train))), encoding="utf-8")
    arguments = [
        "train",
        "--config",
        str(config),
        "--output",
        str(folder / "run"),
        "--quiet",
        "--device",
        "cpu",
    ]
    with redirect_stdout(io.StringIO()):
        if main.run(arguments) or main.run(["data", "check", str(train)]):
            raise SystemExit("the small model cannot be trained")
    return folder / "run"


def cases(folder: Path, text: str, model: Path) -> Iterator[Case]:
    """Yield all commands with a hostile text, each with its input files."""
    folder.mkdir(parents=True)
    for name, arguments, *more in (
        *_names(folder, text, model),
        *_words(folder, text.replace("\udc9b", "\x9b"), model),
        *_labels(folder, text.replace("\udc9b", "\x9b"), model),
        *_options(folder, text, model),
        *_configs(folder, text.replace("\udc9b", "\x9b")),
        *_models(folder, text.replace("\udc9b", "\x9b"), model),
        *_code(folder, text.replace("\udc9b", "\x9b"), model),
    ):
        yield Case(name, folder, [str(part) for part in arguments], *more)
        if not more and "code" in name:
            yield Case(f"{name}, with a traceback", folder, [str(part) for part in arguments], "", True)


def _columns(path: Path, rows: list[tuple[str, str]]) -> Path:
    text = "".join(f"{word}\t{tag}\n" for word, tag in rows) + "\n"
    path.write_bytes(text.encode(errors="surrogateescape") * 8)
    return path


def _names(folder: Path, text: str, model: Path) -> Iterator[tuple]:
    """Names of files and folders: some do not exist, some do."""
    missing, good = f"{text}.conll", _columns(folder / "good.conll", CORPUS)
    for command in ("check", "stats", "audit"):
        yield f"data {command}: missing file", ["data", command, missing]
    yield "data convert: missing file", ["data", "convert", missing, "--output", "out", "--format", "conll"]
    yield "data split: missing file", ["data", "split", missing, "--output", "parts"]
    yield "evaluate: missing file", ["evaluate", missing, "--model", model]
    yield "evaluate: missing predictions", ["evaluate", good, "--predictions", missing]
    yield "predict: missing file", ["predict", "--model", model, "--file", missing]
    for command in (["predict", "Ada"], ["evaluate", good], ["info"], ["lab", "gates"]):
        yield f"{' '.join(command[:1])}: missing model", [*command, "--model", f"./{text}"]
    yield "export: missing model", ["export", "--model", f"./{text}"]
    yield "train: missing config", ["train", "--config", text]
    yield "train: missing base", ["train", "--config", "c.yaml", "--init-from", f"./{text}"]
    yield "config show: missing config", ["config", "show", "--config", text]
    yield "config init: missing file", ["config", "init", missing]
    file = _columns(folder / f"a{text}.conll", CORPUS)
    bad = _columns(folder / f"b{text}.conll", [*CORPUS, ("x", "PERS?")])
    for command in ("check", "stats", "audit"):
        yield f"data {command}: file name", ["data", command, file]
        yield f"data {command}: name of a bad file", ["data", command, bad]
    yield "data check: json", ["data", "check", bad, "--format", "json"]
    yield "data check: copy", ["data", "check", bad, "--fix", folder / f"fixed{text}", "--overwrite"]
    yield (
        "data convert: file names",
        ["data", "convert", file, "--output", folder / f"c{text}.jsonl", "--format", "tokens"],
    )
    yield "data convert: existing file", ["data", "convert", good, "--output", file, "--format", "conll"]
    yield "data split: file names", ["data", "split", file, "--output", folder / f"parts{text}"]
    yield "evaluate: file names", ["evaluate", file, "--predictions", file, "--columns", "0,1"]
    yield "evaluate: two predictions", ["evaluate", file, "--predictions", good, "--predictions", file]
    yield "evaluate: json", ["evaluate", file, "--predictions", good, "--format", "json"]
    yield "config init: file name", ["config", "init", file]
    yield (
        "config init: output",
        ["config", "init", file, "--output", folder / f"{text}.yaml", "--overwrite"],
    )
    yield "predict: file name", ["predict", "--model", model, "--file", file, "--format", "html"], "<title>"
    yield "predict: output", ["predict", "--model", model, "Ada", "--output", folder / f"{text}.jsonl"]
    other = folder / f"model{text}"
    shutil.copytree(model, other, dirs_exist_ok=True)
    yield "predict: name of the model", ["predict", "Ada", "--model", other]
    yield "info: name of the model", ["info", "--model", other]
    yield "export: name of the model", ["export", "--model", other, "--overwrite"]
    yield "evaluate: name of the model", ["evaluate", good, "--model", other, "--model", model]
    (folder / "c.yaml").write_text(CONFIG.replace("TRAIN", "good.conll"), encoding="utf-8")
    yield "train: output", ["train", "--config", "c.yaml", "--output", folder / f"run{text}", "--overwrite"]


def _words(folder: Path, text: str, model: Path) -> Iterator[tuple]:
    """Words and texts, in column files and in records."""
    word = "".join(character for character in text if character not in "\t\n ")
    rows = [("Ada", "B-PER"), (word, "I-PER"), ("x", "O"), (word, "B-LOC")]
    file = _columns(folder / "words.conll", rows)
    other = _columns(folder / "others.conll", [("Ada", "O"), (word, "I-LOC"), ("x", "B-PER"), (word, "O")])
    for command in ("check", "stats", "audit"):
        yield f"data {command}: words", ["data", command, file]
    yield "data check: words in two files", ["data", "check", file, other]
    for form in ("table", "conlleval", "json"):
        yield f"evaluate: words, {form}", ["evaluate", file, "--predictions", other, "--format", form]
    yield "evaluate: matches", ["evaluate", file, "--predictions", other, "--matches"]
    yield "evaluate: words of a model", ["evaluate", file, "--model", model, "--matches"]
    record = {"text": f"Ada {text} Lovelace", text: text, "entities": [{"start": 0, "end": 6, "label": "X"}]}
    records = folder / "records.jsonl"
    records.write_text(json.dumps(record) + "\n", encoding="utf-8")
    yield "data convert: records", ["data", "convert", records, "--output", "o.conll", "--overwrite"]
    yield (
        "data convert: expand",
        [
            "data",
            "convert",
            records,
            "--output",
            "e",
            "--format",
            "tokens",
            "--align",
            "expand",
            "--overwrite",
        ],
    )
    broken = folder / "broken.jsonl"
    broken.write_text(json.dumps({text: text}) + "\n", encoding="utf-8")
    for form in PREDICTIONS:
        base = ["predict", "--model", model, "--format", form]
        lossless = {"conll": ["Ada\tB-PER"], "html": ["<title>"]}.get(
            form, []
        )  # a page keeps direction marks
        yield f"predict: text, {form}", [*base, f"Ada {text}"], *lossless
        yield (
            f"predict: words, {form}",
            [*base, "--file", file],
            *([f"\n{word}\t"] if form == "conll" else lossless),
        )
        yield f"predict: records, {form}", [*base, "--file", records, "--input", "jsonl"], *lossless
        yield f"predict: broken record, {form}", [*base, "--file", broken, "--input", "jsonl"]
    yield (
        "predict: readings",
        ["predict", "--model", model, "--format", "text", "--nbest", "2", text],
    )
    yield "lab gates: words", ["lab", "gates", f"Ada {text}", "--model", model, "--quick"]
    yield "lab bidirectional: words", ["lab", "bidirectional", f"Ada {text}", "--model", model, "--quick"]


def _labels(folder: Path, text: str, model: Path) -> Iterator[tuple]:
    """Labels and tags."""
    label = "".join(character for character in text if character not in "\t\n ")
    for kind, tag in (("label", f"B-{label}"), ("tag", label)):
        file = _columns(folder / f"{kind}.conll", [("Ada", tag), ("x", "O")])
        for command in ("check", "stats", "audit"):
            yield f"data {command}: {kind}", ["data", command, file]
        yield (
            f"data convert: {kind}",
            ["data", "convert", file, "--output", "l.jsonl", "--format", "tokens", "--overwrite"],
        )
        yield f"evaluate: {kind}", ["evaluate", file, "--model", model]
        yield f"evaluate: {kind} of predictions", ["evaluate", file, "--predictions", file]
        yield f"config init: {kind}", ["config", "init", file]
        yield f"train: {kind}", ["train", "--config", "c.yaml", "--dry-run", "--set", f"data.train={file}"]
    record = {"text": "Ada x", "label": [[0, 3, text]]}
    (folder / "label.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    yield (
        "data convert: label of a span",
        ["data", "convert", folder / "label.jsonl", "--output", "o", "--format", "conll"],
    )
    yield "data stats: label of a span", ["data", "stats", folder / "label.jsonl"]


def _options(folder: Path, text: str, model: Path) -> Iterator[tuple]:
    """Values of options, and options and commands that do not exist."""
    good = folder / "good.conll"
    yield "(no such command): name", [text]
    yield "data (no such command): name", ["data", text]
    for command in (
        ["predict", "Ada"],
        ["evaluate", good],
        ["data", "check", good],
        ["export", "--model", model],
        ["info"],
    ):
        yield f"{command[0]}: unknown option", [*command, f"--{text}"]
    for option in (
        "--format",
        "--input",
        "--backend",
        "--device",
        "--threshold",
        "--nbest",
        "--on-error",
        "--columns",
    ):
        yield f"predict: {option}", ["predict", "Ada", "--model", model, option, text]
    for option in ("--map", "--columns", "--format", "--train"):
        yield f"evaluate: {option}", ["evaluate", good, "--predictions", good, option, text]
    yield "evaluate: new label", ["evaluate", good, "--predictions", good, "--map", f"PER={text}"]
    yield "evaluate: old label", ["evaluate", good, "--predictions", good, "--map", f"{text}=PER"]
    for option in ("--input", "--format", "--names", "--columns", "--scheme"):
        start = ["data", "convert", good, "o.conll", "--overwrite"]
        yield (
            f"data convert: {option}",
            [*start, *([] if option == "--format" else ["--format", "conll"]), option, text],
        )
    yield "data split: --shares", ["data", "split", good, "--shares", text]
    yield "data stats: --vectors", ["data", "stats", good, "--vectors", text]
    yield "data stats: --plot", ["data", "stats", good, "--plot", text]
    yield "lab memory: --cell", ["lab", "memory", "--cell", text]
    yield "lab shapes: shape", ["lab", "shapes", text]
    yield "config schema: argument", ["config", "schema", text]


def _configs(folder: Path, text: str) -> Iterator[tuple]:
    """Keys and values of configs, which YAML can escape."""
    quoted = json.dumps(text)
    for kind, line in (
        ("key", f"encoder: {{{quoted}: 1}}"),
        ("section", f"{quoted}: 1"),
        ("value", f"encoder: {{cell: {quoted}}}"),
        ("number", f"training: {{epochs: {quoted}}}"),
        ("variable", f"encoder: {{cell: {json.dumps('${NO_SUCH_VARIABLE}' + text)}}}"),
        ("raw text", f"encoder: {{cell: {text}"),
        ("path", f"data: {{train: {quoted}, dev: null}}"),
    ):
        path = folder / f"config-{kind}.yaml"
        start = "" if kind == "path" else "data: {train: good.conll}\n"
        path.write_bytes((start + line + "\n").encode(errors="surrogateescape"))
        for form in ("yaml", "json"):
            yield f"config show: {kind}, {form}", ["config", "show", "--config", path, "--format", form]
        yield f"train: {kind}", ["train", "--config", path, "--dry-run"]
    for setting in (f"{text}=1", f"encoder.{text}=1", f"encoder.cell={quoted}", f"encoder.cell={text}", text):
        yield "config show: --set", ["config", "show", "--config", "c.yaml", "--set", setting]
        yield "config init: --set", ["config", "init", "good.conll", "--set", setting]


def _models(folder: Path, text: str, model: Path) -> Iterator[tuple]:
    """Files of a model folder."""
    vocabulary = json.loads((model / "vocabulary.json").read_text(encoding="utf-8"))
    label = {"labels": ["LOC", text], "tags": ["O", "B-LOC", "I-LOC", f"B-{text}", f"I-{text}"]}
    word = [*vocabulary["words"][:2], text, *vocabulary["words"][3:]]
    for kind, changes in (
        ("label", label),
        ("scheme", {"scheme": text}),
        ("word", {"words": word}),
        ("none", {text: 1}),
    ):
        own = folder / f"own-{kind}"
        shutil.copytree(model, own)
        changed = {text: text} if kind == "none" else {**vocabulary, **changes}
        (own / "vocabulary.json").write_text(json.dumps(changed), encoding="utf-8")
        for command in (["info"], ["predict", f"Ada {text}"], ["evaluate", "good.conll"]):
            yield f"{command[0]}: {kind} of the vocabulary", [*command, "--model", own]
    own = folder / "own-config"
    shutil.copytree(model, own)
    (own / "config.yaml").write_text(
        f"data: {{train: {json.dumps(text)}}}\n{json.dumps(text)}: 1\n", encoding="utf-8"
    )
    (own / "metrics.json").write_text(json.dumps({text: text}), encoding="utf-8")
    (own / "README.md").write_text(text.replace("\x9b", ""), encoding="utf-8")
    for command in (["info"], ["predict", "Ada"], ["evaluate", "good.conll"]):
        yield f"{command[0]}: config of the model", [*command, "--model", own]
    yield "train: metrics of a run", ["train", "--config", "c.yaml", "--output", own, "--resume"]


def _code(folder: Path, text: str, model: Path) -> Iterator[tuple]:
    """What the code of a user raises and warns about."""
    for kind, line in (
        ("raises", "raise ValueError(TEXT)"),
        ("exits", "raise SystemExit(TEXT)"),
        ("own exception", "raise type('Own', (BaseException,), {})(TEXT)"),
        ("warns", "import warnings; warnings.warn(TEXT)"),
        ("logs", "import logging; logging.warning(TEXT)"),
        ("syntax", f"x = '{text}"),
    ):
        path = folder / f"code-{kind}.py"
        path.write_text(f"TEXT = {text!r}\n{line}\n", encoding="utf-8")
        own_lines = ["", True] if kind in ("warns", "logs") else []
        yield f"predict: code {kind}", ["predict", "Ada", "--model", model, "--code", path], *own_lines
        yield f"info: code {kind}", ["info", "--code", path], *own_lines
    yield "predict: missing code", ["predict", "Ada", "--model", model, "--code", text]
