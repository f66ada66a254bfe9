"""Records with tokens: entities as spans of tokens (GLiNER, SpERT, DyGIE), and tokens that are objects."""

import json

import pytest

from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents, read_sentences
from rnner.errors import DataError

WORDS = ["Greta", "Holm", "sang", "in", "Bergen"]
GLINER = {"tokenized_text": WORDS, "ner": [[0, 1, "person"], [4, 4, "place"]]}
SPERT = {
    "tokens": WORDS,
    "entities": [{"start": 0, "end": 2, "type": "person"}, {"start": 4, "end": 5, "type": "place"}],
    "relations": [],
}


@pytest.mark.parametrize("record", [GLINER, SPERT], ids=["GLiNER", "SpERT"])
@pytest.mark.parametrize("write", [json.dumps, lambda record: json.dumps([record], indent=1)])
def test_spans_of_tokens(written, record: dict, write) -> None:
    source = written(write(record))
    assert detect_format(source.path) == "token-spans"
    (sentence,) = read_sentences(source, "token-spans")
    assert sentence.words == WORDS
    assert sentence.tags == ["B-person", "E-person", "O", "O", "S-place"]


def test_the_spans_of_dygie_count_the_tokens_of_the_document(written) -> None:
    record = {"doc_key": "a", "sentences": [WORDS, ["Bo", "left"]], "ner": [[[0, 1, "PER"]], [[5, 5, "PER"]]]}
    source = written(json.dumps(record))
    assert detect_format(source.path) == "token-spans"
    assert [it.tags for it in read_sentences(source, "token-spans")] == [
        ["B-PER", "E-PER", "O", "O", "O"],
        ["S-PER", "O"],
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ner": [[4, 5, "place"]]}, '1: the entity [4, 5, "place"] is outside the 5 tokens, or empty'),
        ({"ner": [[1, 0, "place"]]}, "or empty"),
        ({"ner": [[0, "1", "place"]]}, '"end of an entity" is not a whole number'),
        ({"ner": [3]}, "expected a list in 'ner', found 3"),
        ({"tokenized_text": "Greta"}, "expected a list in 'tokens'"),
        ({"ner": [[0, 1, "a"], [1, 1, "b"]]}, "spans that overlap others: 1"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(written, change: dict, message: str) -> None:
    source = written(json.dumps(GLINER | change))
    with pytest.raises(DataError) as caught:
        read_sentences(source, "token-spans")
    assert message in str(caught.value)


def test_tokens_that_are_objects_have_their_tags(written) -> None:
    """Stanza writes a list of sentences, CoreNLP an object; parts of a Stanza token have no tag."""
    tokens = [{"text": "Bo", "ner": "S-PER"}, {"id": [2, 3], "text": "du", "ner": "O"}, {"text": "de"}]
    stanza = written(json.dumps([tokens, [{"text": "Oslo", "ner": "S-LOC"}]]))
    assert detect_format(stanza.path) == "tokens"
    assert [(it.words, it.tags) for it in read_sentences(stanza, "tokens")] == [
        (["Bo", "du"], ["S-PER", "O"]),
        (["Oslo"], ["S-LOC"]),
    ]
    assert stanza.note_lines() == ["tokens without ner skipped (parts of other tokens): 1"]
    sentences = [{"index": 0, "tokens": [{"word": "Bo", "ner": "PERSON"}, {"word": "left", "ner": "O"}]}]
    corenlp = written(json.dumps({"docId": "a", "sentences": sentences}))
    assert detect_format(corenlp.path) == "tokens"
    assert read_documents(corenlp, "tokens")[0].spans[0].label == "PERSON"
