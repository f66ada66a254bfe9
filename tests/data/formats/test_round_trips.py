"""Conversion from any format to any other that can hold the same keeps everything."""

from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rnner.data.corpus import read_split
from rnner.data.formats.alignment import Aligner, to_tagged_sentences
from rnner.data.formats.annotated import AnnotatedText, CharSpan, SourceFile, TaggedSentence
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import FORMATS, TEXT_FORMATS, TOKEN_FORMATS, read_documents
from rnner.data.token_table import NO_DOCUMENT
from rnner.tags import SCHEMES, Span, from_spans, to_spans
from rnner.workbench.convert import convert

TOKEN_FILES = [name for name, form in TOKEN_FORMATS.items() if form.write]
PAIRS = [pair for pair in product(TOKEN_FILES, TOKEN_FILES) if pair[0] == pair[1] or "tokens" in pair]
TEXT_FILES = [
    name for name, form in TEXT_FORMATS.items() if form.writable and name != "webanno"
]  # which holds one document, with words
LABELS = ["PER", "ORG", "creative-work", "Ämter", "O"]
# Words that mean something in a format: comments, marks, tags, blanks, JSON escapes, two UTF-16 units.
ODD = ["#", "# newdoc", "#x", "-", "1", "2", "1-2", "O", "B-PER", "_", "a b", " a", '{"', "[", "|", "=", "😀"]
ODD += ["\ufeff", "\ufeffa", "\u2028", "\xa0", "\x85", "\r", "e\u0301", "a\rb", "-DOCSTART", "\x1c"]
WORDS = st.sampled_from(ODD) | st.text(
    st.characters(exclude_characters="\t\n\0", exclude_categories=("Cs",)), min_size=1, max_size=4
)
PLAIN = WORDS.filter(lambda word: not word.isspace())
UNSPACED = WORDS.filter(lambda word: " " not in word)


@st.composite
def sentences(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> tuple[list[str], list[Span]]:
    found, spans = [], []
    for count, label in draw(
        st.lists(st.tuples(st.integers(1, 3), st.none() | st.sampled_from(LABELS)), max_size=4)
    ):
        if label is not None:
            spans.append(Span(len(found), len(found) + count, label))
        found += [draw(words) for _ in range(count)]
    return (found, spans) if found else ([draw(words)], [])


@st.composite
def corpora(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> list[TaggedSentence]:
    """Draw sentences outside documents, then documents."""
    sizes = [
        (NO_DOCUMENT, draw(st.integers(0, 2))),
        *enumerate(draw(st.lists(st.integers(1, 2), max_size=2))),
    ]
    drawn = [(document, *draw(sentences(words))) for document, size in sizes for _ in range(size)]
    drawn = drawn or [(NO_DOCUMENT, *draw(sentences(words)))]
    return [
        TaggedSentence(found, from_spans(spans, len(found), "iob2"), [1], mark)
        for mark, found, spans in drawn
    ]


@st.composite
def texts(draw: st.DrawFn) -> list[AnnotatedText]:
    """Draw texts with spans, which may overlap."""
    characters = st.characters(exclude_categories=("Cs",)) | st.sampled_from("ab 😀\r\n")
    found = []
    for line, text in enumerate(draw(st.lists(st.text(characters, min_size=1), min_size=1, max_size=3)), 1):
        ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
        pairs = draw(st.lists(ends.filter(lambda pair: pair[0] < pair[1]), max_size=3))
        found.append(
            AnnotatedText(text, [CharSpan(*pair, draw(st.sampled_from(LABELS))) for pair in pairs], line)
        )
    return found


def kept(sentences: list[TaggedSentence], scheme: str = "iob2") -> list[tuple[list[str], list[Span], int]]:
    return [(it.words, to_spans(it.tags, scheme), it.document) for it in sentences]


def tagged(path: Path) -> list[TaggedSentence]:
    source = SourceFile(path)
    return list(to_tagged_sentences(read_documents(source, detect_format(path)), Aligner(path), "iob2"))


def wrote(path: Path, form: str, content: list[TaggedSentence] | list[AnnotatedText]) -> SourceFile:
    if save := FORMATS[form].save:
        save(content, path, SourceFile(path))  # type: ignore[arg-type]
        return SourceFile(path)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        FORMATS[form].write(content, file, SourceFile(path))  # type: ignore[arg-type]
    return SourceFile(path)


@pytest.mark.parametrize(("first", "second"), PAIRS)
@settings(max_examples=10, deadline=None)
@given(data=st.data(), scheme=st.sampled_from(["iob1", "iob2", "bioes"]))
def test_between_token_formats(first: str, second: str, data: st.DataObject, scheme: str) -> None:
    corpus = data.draw(corpora(UNSPACED if "inline" in (first, second) else WORDS))
    with TemporaryDirectory() as folder:
        source = wrote(Path(folder, "a"), first, corpus)
        out = Path(folder, "b")
        assert detect_format(source.path) == first
        convert(source, out, form=first, to=second, scheme=scheme)
        assert detect_format(out) == second
        assert kept(tagged(out)) == kept(corpus)


@pytest.mark.parametrize("name", ["saved", "saved.parquet"])
@settings(max_examples=5, deadline=None)
@given(corpus=corpora(), scheme=st.sampled_from(["iob1", "iob2", "bioes"]))
def test_through_data_sets(name: str, corpus: list[TaggedSentence], scheme: str) -> None:
    with TemporaryDirectory() as folder:
        source, out = wrote(Path(folder, "a"), "tokens", corpus), Path(folder, name)
        convert(source, out, form="tokens", to="dataset", scheme=scheme)
        assert kept(tagged(out)) == kept(corpus)


def can_be_held(corpus: list[AnnotatedText], forms: set[str]) -> bool:
    """Return whether all formats can hold the texts: brat no NUL, spaCy no entities that overlap."""
    texts = "".join(document.text for document in corpus)
    if "brat" in forms and ("\0" in texts or any(it.text.startswith("\ufeff") for it in corpus)):
        return False
    spans = [sorted(set(it.spans)) for it in corpus] if "spacy" in forms else []
    return all(before.end <= after.start for row in spans for before, after in pairwise(row))


def content(documents: list[AnnotatedText], forms: set[str]) -> list[tuple[str, list[CharSpan]]]:
    """Return the texts and their spans; spaCy sorts them."""
    return [(it.text, sorted(set(it.spans)) if "spacy" in forms else it.spans) for it in documents]


@pytest.mark.parametrize(("first", "second"), list(product(TEXT_FILES, TEXT_FILES)))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(corpus=texts())
def test_between_text_formats(first: str, second: str, corpus: list[AnnotatedText]) -> None:
    forms = {first, second}
    assume(can_be_held(corpus, forms))
    with TemporaryDirectory() as folder:
        source, out = wrote(Path(folder, "a"), first, corpus), Path(folder, "b")
        convert(source, out, form=first, to=second)
        back = read_documents(SourceFile(out), second)
        assert detect_format(source.path) == first and detect_format(out) == second
        assert content(back, forms) == content(corpus, forms)


@pytest.mark.parametrize("first", TOKEN_FILES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_tokens_through_prodigy(first: str, data: st.DataObject) -> None:
    """Prodigy does not keep the sentences, but the words and entities of each document."""
    words_of = PLAIN.filter(lambda word: " " not in word) if first == "inline" else PLAIN
    corpus = data.draw(corpora(words_of))
    with TemporaryDirectory() as folder:
        source = wrote(Path(folder, "a"), first, corpus)
        before = read_documents(source, first)
        convert(source, Path(folder, "b"), form=first, to="prodigy")
        after = read_documents(SourceFile(Path(folder, "b")), "prodigy")
        assert [(it.text, it.spans, words(it)) for it in after] == [
            (it.text, it.spans, words(it)) for it in before
        ]
        names = [span.label for it in corpus for span in to_spans(it.tags, "iob2")]
        assert [span.label for it in tagged(Path(folder, "b")) for span in to_spans(it.tags, "iob2")] == names


def words(document: AnnotatedText) -> list[tuple[int, int]]:
    return [(token.start, token.end) for sentence in document.sentences or [] for token in sentence]


@settings(max_examples=30, deadline=None)
@given(corpus=corpora(PLAIN))
def test_webanno_keeps_sentences_and_entities_and_joins_documents(corpus: list[TaggedSentence]) -> None:
    with TemporaryDirectory() as folder:
        source, out = wrote(Path(folder, "a"), "tokens", corpus), Path(folder, "b")
        convert(source, out, form="tokens", to="webanno")
        assert detect_format(out) == "webanno"
        back = tagged(out)
    assert [it[:2] for it in kept(back)] == [it[:2] for it in kept(corpus)]
    assert {it.document for it in back} == {0}


@settings(max_examples=30, deadline=None)
@given(corpus=texts())
def test_webanno_keeps_entities_that_overlap_or_cut_words(corpus: list[AnnotatedText]) -> None:
    held = [
        replace(it, spans=[span for span in it.spans if it.text[span.start : span.end].strip()])
        for it in corpus
        if "\0" not in it.text
    ]
    with TemporaryDirectory() as folder:
        back = read_documents(wrote(Path(folder, "a"), "webanno", held), "webanno")
    assert names(back) == names(held)


def names(documents: list[AnnotatedText]) -> list[tuple[str, str]]:
    """Return the text of each entity, without white space, and its label."""
    found = [("".join(it.text[a:b].split()), label) for it in documents for a, b, label in it.spans]
    return sorted(found)


@settings(max_examples=10, deadline=None)
@given(corpus=texts())
def test_text_to_conllu_keeps_words_entities_and_spaces(corpus: list[AnnotatedText]) -> None:
    aligner = Aligner(Path("a"), "expand", "longest")
    sentences = list(to_tagged_sentences(corpus, aligner, "bioes"))
    sentences = [it for it in sentences if "\0" not in "".join(it.words)]
    with TemporaryDirectory() as folder:
        back = tagged(wrote(Path(folder, "a"), "conllu", sentences).path) if sentences else []
    assert [it[:2] for it in kept(back)] == [it[:2] for it in kept(sentences, "bioes")]
    assert [it.spaces[:-1] for it in back] == [it.spaces[:-1] for it in sentences]  # type: ignore[index]


@pytest.mark.parametrize("form", [*TOKEN_FILES, "prodigy"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_converted_file_trains_like_its_source(tmp_path: Path, form: str, scheme: str) -> None:
    path = tmp_path / "a.conll"
    path.write_text(
        "-DOCSTART- O\n\nAda I-PER\nmet O\nBo I-PER\nLi I-PER\n\n-DOCSTART- O\n\nOslo I-LOC\n. O\n"
    )
    options = {} if form in TEXT_FORMATS else {"scheme": scheme}
    convert(SourceFile(path), tmp_path / "b", form="conll", to=form, **options)  # type: ignore[arg-type]
    split, other = read_split(path), read_split(tmp_path / "b")
    assert other.sentences()[0] == split.sentences()[0]
    spans = [[span[:2] for span in spans] for spans in split.all_spans()]
    assert [[span[:2] for span in spans] for spans in other.all_spans()] == spans
    assert other.documents.tolist() == split.documents.tolist() == [0, 1]
