r"""WebAnno TSV 3 (inception-project.github.io, user guide, "WebAnno TSV 3.3 File format").

    #FORMAT=WebAnno TSV 3.3
    #T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value

    #Text=Ada Lovelace wrote
    1-1	0-3	Ada	_	PER[1]
    1-2	4-12	Lovelace	_	PER[1]
    1-3	13-18	wrote	_	_

A file of WebAnno or INCEpTION is one document. Each feature of a layer has a column. `|` separates stacked
values, and a number in brackets joins the rows of an entity. `_` means no entity, `*` one without a value.
A row such as `1-2.1` is a part of a word. Offsets count UTF-16 code units. Entities are read from the layer
of named entities, or else from the span layer with the most entities.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TextIO

from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile
from rnner.data.formats.column_layout import is_blank, show_row
from rnner.data.formats.head import Head
from rnner.data.formats.offsets import CHARACTERS, UTF16, positions
from rnner.data.formats.table_columns import chosen_columns, note_choice
from rnner.data.lines import read_lines
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token, tokenize

_FORMAT, _TEXT = "#FORMAT=WebAnno TSV", "#Text="
_NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_SPAN, _CHAIN, _RELATION = "#T_SP=", "#T_CH=", "#T_RL="
_LABEL_FEATURES = ("value", "label", "type", "tag", "category", "class", "ner", "entity")
_ROW = re.compile(r"\d+-\d+((?:\.\d+)*)\t(\d{1,12})-(\d{1,12})\t", re.ASCII)
_STACKED = re.compile(r"(?:\\.|[^\\|])+")
_NUMBERED = re.compile(r"(.*)\[([0-9]+)\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_NAMED_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "b": "\b"}
_VALUE_RESERVED = re.compile(r"->|[\\\[\]|_;*\t\n]")
_TEXT_RESERVED = re.compile(r"[\\\t\n\r\f\x08]")
_ENTITY_LAYER = re.compile(r"(?:Named)?Entit|NER|(?i:^ner?$|^(?:named_?)?entit)")
# Layers of WebAnno that hold no entities.
_OTHER_LAYERS = (
    "POS",
    "Lemma",
    "Stem",
    "MorphologicalFeatures",
    "SurfaceForm",
    "Chunk",
    "SofaChangeAnnotation",
)
_MOST_PADDING = 1000  # characters between sentences


class _Column(NamedTuple):
    """A column of annotations: the layer (last part of its name), its feature, whether it holds spans."""

    layer: str
    feature: str
    is_span: bool

    @property
    def name(self) -> str:
        return f"{self.layer}.{self.feature}" if self.feature else self.layer


class _Unit(NamedTuple):
    """A word or part of a word: its line, its place in the document, and its cells of annotations."""

    line: int
    start: int
    end: int
    cells: list[str]


class _Row(NamedTuple):
    """A row of the file: its line, whether it is a word (or a part), offsets, text and other cells."""

    line: int
    is_word: bool
    begin: int
    end: int
    text: str
    cells: list[str]


def detect(head: Head) -> bool:
    """Return whether a file begins with the name of the format."""
    return head.text.startswith(_FORMAT)


def read(source: SourceFile) -> Iterator[AnnotatedText]:
    """Yield the document of a file.

    Raises DataError with the line for another version of the format, a row with too few columns, and offsets
    that do not fit the text; also if no layer holds entities.
    """
    lines = enumerate(read_lines(source.path), 1)
    columns: list[_Column] = []
    document = _Document(source)
    texts: list[str] = []
    rows: list[_Row] = []
    for number, line in lines:
        if number == 1 and not line.startswith(f"{_FORMAT} 3"):
            raise source.error(
                f"expected {_FORMAT} 3.x, found {show_row(line)}; export it as WebAnno TSV 3", number
            )
        if match := _ROW.match(line):
            if not texts:
                raise source.error(f"no line {_TEXT} before this row: {show_row(line)}", number)
            rows.append(_parse_row(source, line, number, match, len(columns)))
        elif not is_blank(line) and line[0] != "#":
            raise source.error(
                f"expected a row such as 1-1, 0-3, Ada (with tabs), found {show_row(line)}", number
            )
        elif line.startswith(_TEXT):
            if rows:
                document.add(texts, rows)
                texts, rows = [], []
            texts.append(line.removeprefix(_TEXT))
        else:
            columns += _parse_layer(line)
    document.add(texts, rows)
    if document.sentences:
        yield document.annotated(columns)


def write(documents: Iterable[AnnotatedText], out: TextIO, source: SourceFile) -> None:
    """Write one document. Several are joined, with a note, because a WebAnno TSV file holds only one.

    Raises DataError, with the line in the source, for a span that contains no word.
    """
    out.write(f"#FORMAT=WebAnno TSV 3.3\n{_SPAN}{_NAMED_ENTITY}|value\n\n")
    count, number, entities, offset = 0, 0, 0, 0
    for document in documents:
        count += 1
        units = [offset + before for before in positions(document.text, UTF16)]
        sentences = document.sentences
        if sentences is None:
            sentences = split_sentences(document.text, tokenize(document.text))
        sentences = [sentence for sentence in sentences if sentence]
        parts = _parts(source, document, [token for sentence in sentences for token in sentence], entities)
        for sentence in sentences:
            number += 1
            text = document.text[sentence[0].start : sentence[-1].end]
            out.write(f"\n{_TEXT}{_TEXT_RESERVED.sub(_escape, text)}\n")
            for i, token in enumerate(sentence, 1):
                for suffix, (start, end, labels) in enumerate(parts[token.start]):
                    name = f"{number}-{i}.{suffix}" if suffix else f"{number}-{i}"
                    word = _TEXT_RESERVED.sub(_escape, document.text[start:end])
                    values = "|".join(labels) or "_"
                    out.write("\t".join([name, f"{units[start]}-{units[end]}", word, values]) + "\t\n")
        entities += len(document.spans)
        offset = units[-1] + 1
    if count > 1:
        source.notes["documents joined, because a WebAnno TSV file holds only one"] += count


# --- reading -----------------------------------------------------------------------------------------------


def _parse_layer(line: str) -> list[_Column]:
    """Return the columns that a line of the header declares."""
    prefix, (layer, *features) = line[: len(_SPAN)], line[len(_SPAN) :].split("|")
    layer = layer.rpartition(".")[2]
    if prefix == _CHAIN:
        features = ["referenceType", "referenceRelation"]
    if prefix not in (_SPAN, _CHAIN, _RELATION):
        return []
    return [_Column(layer, feature, prefix == _SPAN) for feature in features or [""]]


def _parse_row(source: SourceFile, line: str, number: int, match: re.Match[str], width: int) -> _Row:
    text, *cells = line[match.end() :].split("\t")
    if len(cells) < width:
        raise source.error(
            f"{len(cells)} columns after the word, but the header declares {width}: {show_row(line)}", number
        )
    return _Row(number, not match[1], int(match[2]), int(match[3]), _unescape(text), cells)


class _Document:
    """The text, words and units of a file, sentence by sentence."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.texts: list[str] = []  # sentences and the space between them
        self.length = 0  # of all of them
        self.end = 0  # of the last sentence, in the units of the file
        self.sentences: list[list[Token]] = []
        self.units: list[_Unit] = []

    def add(self, texts: Sequence[str], rows: Sequence[_Row]) -> None:
        """Add a sentence: its `#Text=` lines and its rows."""
        if not rows:
            return
        text = "\n".join(map(_unescape, texts))
        spans, size = self._place(text, rows)
        if self.texts and (gap := rows[0].begin - self.end):
            self._append("\n".rjust(min(gap, _MOST_PADDING)))
        base = self.length
        self._append(text)
        self.end = rows[0].begin + size
        words: list[Token] = []
        for row, (start, end) in zip(rows, spans, strict=True):
            if row.is_word and row.text:
                words.append(Token(row.text, base + start, base + end))
                if len(words) > 1 and words[-1].start < words[-2].end:
                    message = f"the word {show_row(row.text)} begins before the previous one ends"
                    raise self.source.error(message, row.line)
            self.units.append(_Unit(row.line, base + start, base + end, row.cells))
        self.sentences.append(words)

    def _append(self, text: str) -> None:
        self.texts.append(text)
        self.length += len(text)

    def _place(self, text: str, rows: Sequence[_Row]) -> tuple[list[tuple[int, int]], int]:
        """Return the start and end of each row in the text of its sentence, and the size of that text."""
        begin = rows[0].begin
        misplaced: list[_Row] = []
        for unit in (UTF16, CHARACTERS):
            before = positions(text, unit)
            position = {offset: i for i, offset in enumerate(before)}
            spans = [(position.get(row.begin - begin, -1), position.get(row.end - begin, -1)) for row in rows]
            wrong = [
                row
                for row, (start, end) in zip(rows, spans, strict=True)
                if not 0 <= start <= end or text[start:end] != row.text
            ]
            if not wrong:
                if unit != UTF16:
                    self.source.notes[f"sentences read with offsets in {unit}"] += 1
                return spans, before[-1]
            misplaced += wrong
        row = misplaced[0]
        place = f"at {row.begin}-{row.end} in its sentence {show_row(text)}"
        raise self.source.error(f"the word {show_row(row.text)} is not {place}", row.line)

    def annotated(self, columns: Sequence[_Column]) -> AnnotatedText:
        """Return the document with the entities of the chosen column."""
        names = ["", "", "", *(column.name for column in columns)]  # the cells of a row
        chosen = chosen_columns(self.source, names).get("tag", 0) - 3
        labels = [chosen] if chosen >= 0 else _label_columns(columns)
        if not labels:
            raise self.source.error(
                f"no layer of entities (#T_SP=); the columns are {', '.join(names[3:]) or 'none'}; to "
                "choose one, set data.columns or --columns tag=LAYER.FEATURE"
            )
        found = {i: self._entities(i) for i in labels}
        best = max(found, key=lambda i: (bool(_ENTITY_LAYER.search(columns[i].layer)), len(found[i])))
        entities = {i: (columns[i].name, len(spans)) for i, spans in found.items()}
        read = entities.pop(best)
        note_choice(self.source, "entities read from", read, entities.values(), "tag=LAYER.FEATURE")
        if unnamed := sum(not span.label for span in found[best]):
            layer = columns[best].layer
            self.source.notes[f"entities without a value, labelled with the layer name {layer}"] += unnamed
            found[best] = [span._replace(label=span.label or layer) for span in found[best]]
        text = "".join(self.texts)
        self.source.note_outside(text, chain.from_iterable(self.sentences))
        return AnnotatedText(text, found[best], self.units[0].line, self.sentences)

    def _entities(self, index: int) -> list[CharSpan]:
        """Return the entities of a column, in file order; an entity without a value has an empty label."""
        spans: list[CharSpan] = []
        numbered: dict[str, int] = {}  # index in `spans`
        for unit in self.units:
            for item in _STACKED.findall(unit.cells[index]):
                match = _NUMBERED.fullmatch(item)
                value, number = (match[1], match[2]) if match else (item, "")
                if value == "_":
                    continue
                if unit.start == unit.end:
                    self.source.notes["empty annotations skipped"] += 1
                    continue
                if number in numbered:
                    span = spans[numbered[number]]
                    first, last = min(span.start, unit.start), max(span.end, unit.end)
                    spans[numbered[number]] = CharSpan(first, last, span.label)
                    continue
                if number:
                    numbered[number] = len(spans)
                spans.append(CharSpan(unit.start, unit.end, "" if value == "*" else _unescape(value)))
        return spans


def _label_columns(columns: Sequence[_Column]) -> list[int]:
    """Return a column of each layer that may hold entities: the feature that is most likely the label."""
    layers: dict[str, list[int]] = {}
    for i, column in enumerate(columns):
        if column.is_span and column.layer not in _OTHER_LAYERS:
            layers.setdefault(column.layer, []).append(i)

    def rank(i: int) -> int:
        feature = columns[i].feature.lower()
        return _LABEL_FEATURES.index(feature) if feature in _LABEL_FEATURES else len(_LABEL_FEATURES)

    return [min(indices, key=rank) for indices in layers.values()]


# --- writing -----------------------------------------------------------------------------------------------


def _parts(
    source: SourceFile, document: AnnotatedText, tokens: Sequence[Token], before: int
) -> dict[int, list[tuple[int, int, list[str]]]]:
    """Return the rows of each word, by its first character: the word, then the parts of it that are entities.

    A row has a start, an end and the labels of its entities, which are numbered from `before` + 1.
    """
    starts, ends = [token.start for token in tokens], [token.end for token in tokens]
    labels: dict[int, dict[tuple[int, int], list[str]]] = {
        token.start: {(token.start, token.end): []} for token in tokens
    }
    for number, span in enumerate(document.spans, before + 1):
        first, last = bisect_right(ends, span.start), bisect_left(starts, span.end)
        if first >= last:
            raise source.error(
                f"the span {span.start}-{span.end} {span.label} contains no word", document.line
            )
        for token in tokens[first:last]:
            place = max(span.start, token.start), min(span.end, token.end)
            label = f"{_VALUE_RESERVED.sub(_escape, span.label)}[{number}]"
            labels[token.start].setdefault(place, []).append(label)
    return {start: [(*place, found) for place, found in rows.items()] for start, rows in labels.items()}


def _escape(match: re.Match[str]) -> str:
    names = {character: letter for letter, character in _NAMED_ESCAPES.items()}
    return "\\" + names.get(match[0], match[0])


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(_unescaped, text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins \ud83d and \ude00


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _NAMED_ESCAPES.get(code, code)
