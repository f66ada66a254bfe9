"""The steps that linear_time.py measures: from a text to something that rnner computes. Not a script itself.

A step gets a text and a folder, prepares its input, and returns the function that is measured.
"""

from __future__ import annotations

import io
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_input import text_chunks
from rnner.cli.prediction_kind import guess_kind
from rnner.cli.prediction_records import RecordReader
from rnner.cli.prediction_stream import open_input
from rnner.cli.prediction_table import TableInput
from rnner.data.affixes import find_affix
from rnner.data.casing import casing_class
from rnner.data.formats.alignment import Aligner, to_tagged_sentences
from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile, TaggedSentence
from rnner.data.formats.columns import ConllReader
from rnner.data.formats.detect import detect_format
from rnner.data.formats.html_text import HtmlText
from rnner.data.formats.registry import FORMATS, TEXT_FORMATS, TOKEN_FORMATS, read_documents
from rnner.data.subwords import compose
from rnner.data.tag_spellings import spelling_of
from rnner.data.word_features import CharacterTable
from rnner.errors import RnnerError
from rnner.render.entities import binary_view, entities_text
from rnner.render.html import html_page
from rnner.render.json_output import to_json
from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.spacing import join, spacing, spacing_in
from rnner.text.tokenizer import Token, find_tokenizer, tokenize
from rnner.text.unspaced import characters, meet, segmented_words
from rnner.workbench.check.check import check
from rnner.workbench.check.lenient_reader import read_file
from rnner.workbench.check.repair import repair

Step = Callable[[str, Path], Callable[[], object]]
STEPS: dict[str, Step] = {}
"""The steps, by name."""


def _step(function: Step) -> Step:
    STEPS[function.__name__.strip("_").replace("_", " ")] = function
    return function


def _attempt(function: Callable[[], object]) -> None:
    """Call a function; an error that users can see is a result."""
    try:
        function()
    except RnnerError as error:
        str(error)


def _exhaust(items: Iterable[Any]) -> None:
    """Consume an iterator, up to an error that users can see."""
    _attempt(lambda: deque(items, maxlen=0))


def _words(text: str) -> list[str]:
    return [token.text for token in tokenize(text)]


def _entities(tokens: list[Token]) -> list[Entity]:
    return [Entity("PER", it.start, it.end, it.text, 0.9) for it in tokens[::3]]


# --- raw text ----------------------------------------------------------------------------------------------


@_step
def _tokenizer(text: str, folder: Path) -> Callable[[], object]:
    return lambda: tokenize(text)


@_step
def _character_tokenizer(text: str, folder: Path) -> Callable[[], object]:
    return lambda: find_tokenizer("characters")(text)


@_step
def _sentences(text: str, folder: Path) -> Callable[[], object]:
    tokens = tokenize(text)
    return lambda: split_sentences(text, tokens)


@_step
def _spacing(text: str, folder: Path) -> Callable[[], object]:
    words = _words(text)
    return lambda: (spacing(words), join(words), spacing_in(text, words))


@_step
def _spacing_of_one_word(text: str, folder: Path) -> Callable[[], object]:
    return lambda: (spacing([text, text]), meet(text, text), spacing_in(text, [text]))


@_step
def _unspaced(text: str, folder: Path) -> Callable[[], object]:
    counts = Counter(_words(text)) | Counter([text])
    return lambda: (list(characters(text)), segmented_words(counts))


# --- words and tags ----------------------------------------------------------------------------------------


@_step
def _features(text: str, folder: Path) -> Callable[[], object]:
    table = CharacterTable({"a": 2})
    forms = [text, text.replace(" ", ""), *dict.fromkeys(_words(text))]
    return lambda: [(casing_class(it), table.encode(it), compose(it, {"a": 1}, {"<a": 2}, 0)) for it in forms]


@_step
def _affixes(text: str, folder: Path) -> Callable[[], object]:
    words = {*_words(text), *(text[i:] for i in range(8))}
    return lambda: find_affix(words)


@_step
def _tag_spellings(text: str, folder: Path) -> Callable[[], object]:
    cells = Counter(_words(text)) + Counter({text: 1, f"B-{text}": 1, f"{text}-B": 1, "O": 3})
    return lambda: spelling_of(cells)


# --- output ------------------------------------------------------------------------------------------------


@_step
def _html_output(text: str, folder: Path) -> Callable[[], object]:
    entities = _entities(tokenize(text))
    return lambda: list(html_page([(text, entities)], ["PER"], title=text))


@_step
def _terminal_output(text: str, folder: Path) -> Callable[[], object]:
    entities = _entities(tokenize(text))[:1000]  # rich takes milliseconds for each
    return lambda: list(entities_text(text, entities, None, width=80))


@_step
def _binary_output(text: str, folder: Path) -> Callable[[], object]:
    words = _words(text)
    return lambda: binary_view(words, [0] * len(words), width=80)


# --- files -------------------------------------------------------------------------------------------------


def _file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path


@_step
def _format_detection(text: str, folder: Path) -> Callable[[], object]:
    path = _file(folder, "text", text)

    def run() -> None:
        with open_input(path) as stream:
            guess_kind(stream)
        _attempt(lambda: detect_format(path))

    return run


@_step
def _text_input(text: str, folder: Path) -> Callable[[], object]:
    path = _file(folder, "text", text * 4)  # longer than one document

    def run() -> None:
        with open_input(path) as stream:
            _exhaust(text_chunks(stream))

    return run


@_step
def _json_input(text: str, folder: Path) -> Callable[[], object]:
    records = [to_json({"text": text}), *(to_json({"tokens": [word]}) for word in _words(text)[:2000])]
    reader = RecordReader("a.json", Failures("skip"))
    return lambda: (
        _exhaust(reader.lines(records, 1)),
        _exhaust(reader.values(["[", ",\n".join(records), "]"])),
        _exhaust(reader.values([text])),
    )


@_step
def _csv_input(text: str, folder: Path) -> Callable[[], object]:
    cell = text.replace('"', '""')
    path = _file(folder, "a.csv", f'id,text\n1,"{cell}"\n2,{text}\n3,"{text}\n')

    def run() -> None:
        with open_input(path) as stream:
            _exhaust(TableInput(stream, Failures("skip")))

    return run


@_step
def _column_input(text: str, folder: Path) -> Callable[[], object]:
    return lambda: _exhaust(
        ConllReader(io.StringIO(text, newline="\n"), tagged=False, on_error=lambda error: None)
    )


@_step
def _every_reader(text: str, folder: Path) -> Callable[[], object]:
    path = _file(folder, "text", text)
    return lambda: [_exhaust(form.read(SourceFile(path))) for form in FORMATS.values() if form.write]


@_step
def _html_input(text: str, folder: Path) -> Callable[[], object]:
    return lambda: HtmlText(f"<p>{text}")


@_step
def _token_formats(text: str, folder: Path) -> Callable[[], object]:
    words = _words(text)
    tags = [("B-PER", "I-PER", "O")[i % 3] for i in range(len(words))]
    sentences = [TaggedSentence(words, tags, range(1, len(words) + 1))] if words else []
    one_word = "".join(text.split()) or "a"
    sentences.append(TaggedSentence([one_word, "b"], ["B-PER", "O"], [1, 2]))

    def run() -> None:
        for name, form in TOKEN_FORMATS.items():
            if form.write is not None:
                out = io.StringIO()
                _attempt(partial(form.write, sentences, out, SourceFile(folder)))
                _exhaust(form.read(SourceFile(_file(folder, name, out.getvalue()))))

    return run


@_step
def _text_formats(text: str, folder: Path) -> Callable[[], object]:
    spans = [CharSpan(it.start, it.end, "PER") for it in tokenize(text)[:3000:3]]
    documents = [AnnotatedText(text, spans, 1)]

    def run() -> None:
        for name, form in TEXT_FORMATS.items():
            if form.write is not None:
                out = io.StringIO()
                _attempt(partial(form.write, documents, out, SourceFile(folder)))
                source = SourceFile(_file(folder, name, out.getvalue()))
                _attempt(partial(read_documents, source, name))

    return run


@_step
def _alignment(text: str, folder: Path) -> Callable[[], object]:
    tokens = tokenize(text)
    spans = [CharSpan(it.start, it.end, "PER") for it in tokens[::3]]
    whole = AnnotatedText(text, [CharSpan(0, len(text), "DOC"), *spans], 1)
    cut = AnnotatedText(text, [CharSpan(it.start, len(text) - 1, "PER") for it in tokens[:1000]], 1)

    def run() -> None:
        for document in (AnnotatedText(text, spans, 1), whole, cut):
            aligner = Aligner(folder)
            _exhaust(to_tagged_sentences([document], aligner, "bioes"))

    return run


# --- rnner data check --------------------------------------------------------------------------------------


def _rows(words: Iterable[str], tag: str) -> str:
    return "".join(f"{word}\t{tag}\n" for word in words)


@_step
def _check(text: str, folder: Path) -> Callable[[], object]:
    words = _words(text)
    name = "Ada\tB-PER\nLovelace\tI-PER\n\n"
    path = _file(folder, "a.conll", name + _rows(words, "O") + "\n" + _rows(words[:50_000], "I-PER"))
    return lambda: check([read_file(path), read_file(path)])


@_step
def _check_of_one_word(text: str, folder: Path) -> Callable[[], object]:
    word = "".join(text.split()) or "a"
    path = _file(folder, "a.conll", _rows(["Ada", word, f"{word}x"], "B-PER") + f"\nx\tB-{word}\n")
    return lambda: check([read_file(path), read_file(path)])


@_step
def _repair(text: str, folder: Path) -> Callable[[], object]:
    words = _words(text)
    path = _file(folder, "a.conll", _rows(["Ada", *words[:5000], "".join(text.split()) or "a"], "I-PER"))
    return lambda: repair([read_file(path)])
