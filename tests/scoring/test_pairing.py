"""Predictions paired with gold, by tokens or by the characters of the same text."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnner.data.formats.annotated import SourceFile
from rnner.data.formats.detect import detect_format
from rnner.errors import DataError
from rnner.scoring.evaluation import predictions_reports
from rnner.scoring.metrics import score_entities
from rnner.scoring.pairing import pair
from rnner.scoring.passages import read_annotated_file
from rnner.tags import Span

GOLD = "Ada B-PER\nLovelace I-PER\nwrote O\nto O\nBell B-ORG\nLabs I-ORG\n. O\n\nIt O\nrained O\n"
TEXT = "Ada Lovelace wrote to Bell Labs. It rained"
SPANS = [(0, 12, "PER"), (22, 31, "ORG")]


def record(text, spans):
    entities = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    return json.dumps({"text": text, "spans": entities}) + "\n"


@pytest.fixture
def read(tmp_path):
    """`read("NAME", contents)` writes a file and reads it."""

    def call(name, contents):
        path = tmp_path / name
        path.write_text(contents, encoding="utf-8")
        return read_annotated_file(SourceFile(path), detect_format(path))

    return call


@pytest.fixture
def paired(read):
    """`paired(GOLD, PREDICTIONS, ...)` pairs the contents of files."""

    def call(gold, *predictions):
        files = [read(f"found{i}", contents) for i, contents in enumerate(predictions, 1)]
        return pair(read("gold", gold), files)

    return call


def scores_of(pairing, number=0):
    return score_entities(pairing.gold.annotation.spans, pairing.predicted[number].spans)


def test_files_with_the_same_words_are_paired_by_tokens(paired):
    pairing = paired(GOLD, GOLD.replace("Labs I-ORG", "Labs O"))
    assert pairing.by_tokens and pairing.gold.words[1] == ["It", "rained"]
    assert pairing.predicted[0].spans == [[Span(0, 2, "PER"), Span(4, 5, "ORG")], []]
    assert pairing.predicted[0].tags is not None and pairing.notes == []


@pytest.mark.parametrize(
    "other",
    [
        GOLD.replace(". O\n\n", ". O\n"),
        GOLD.replace("Labs I-ORG\n. O", "Labs. I-ORG"),
        GOLD.replace("wrote O\nto O", "wrote\u00a0to O"),
    ],
    ids=["sentences", "tokens", "white space"],
)
def test_files_with_other_words_are_paired_by_characters(paired, other):
    pairing = paired(GOLD, other)
    assert not pairing.by_tokens and pairing.notes == [
        "the files differ in words or sentences: entities are compared by characters"
    ]
    scores = scores_of(pairing)
    assert (scores.support, scores.predicted) == (2, 2)
    assert scores.correct == (1 if "Labs. I-ORG" in other else 2)


def test_text_and_tokens_are_paired_in_both_directions(paired):
    for gold, found in ((GOLD, record(TEXT, SPANS)), (record(TEXT, SPANS), GOLD)):
        pairing = paired(gold, found)
        assert not pairing.by_tokens and pairing.notes == []
        assert scores_of(pairing).correct == 2
    assert pairing.gold.words[0] == ["Ada", "Lovelace", "wrote", "to", "Bell", "Labs", "."]


def test_white_space_is_ignored(paired):
    moved = "Ada\n Lovelace  wrote to BellLabs.\tIt rained"
    pairing = paired(record(TEXT, SPANS), record(moved, [(0, 14, "PER"), (24, 32, "ORG")]))
    assert scores_of(pairing).correct == 2


def test_entities_may_overlap_and_cut_tokens(paired):
    nested = [(0, 3, "PER"), (0, 12, "PER"), (22, 31, "ORG"), (22, 26, "PER"), (1, 5, "LOC")]
    scores = scores_of(paired(record(TEXT, SPANS), record(TEXT, nested)))
    assert (scores.support, scores.predicted, scores.correct) == (2, 5, 2)


def test_an_entity_over_a_sentence_end_joins_the_sentences(paired):
    pairing = paired(record(TEXT, SPANS), record(TEXT, [(27, 35, "ORG")]))
    assert [" ".join(words) for words in pairing.gold.words] == [
        "Ada Lovelace wrote to Bell Labs . It rained"
    ]
    assert scores_of(pairing).predicted == 1


def test_documents_may_come_in_any_order(paired):
    first, second = record("Ada left.", [(0, 3, "PER")]), record("Oslo slept.", [(0, 4, "LOC")])
    pairing = paired(first + second, second + first)
    assert scores_of(pairing).correct == 2 and pairing.notes == []
    assert pairing.gold.documents.tolist() == [0, 1]


def test_documents_that_gold_lacks_are_counted(paired):
    first, second = record("Ada left.", [(0, 3, "PER")]), record("Oslo slept.", [(0, 4, "LOC")])
    pairing = paired(second, first + second)
    assert scores_of(pairing).predicted == 1
    assert [note.split(": ")[1] for note in pairing.notes] == [
        f"1 document not in {pairing.notes[0].split(' not in ')[1].split(',')[0]}, not scored"
    ]


def test_several_files_share_sentences_and_documents(paired):
    over_the_end = record(TEXT, [(27, 35, "ORG")])
    pairing = paired(GOLD, GOLD, over_the_end)
    assert [scores_of(pairing, i).correct for i in (0, 1)] == [2, 0]
    assert len(pairing.gold.words) == len(pairing.predicted[0].spans) == len(pairing.predicted[1].spans) == 1


def test_entities_of_white_space_are_reported(paired):
    pairing = paired(record(TEXT, SPANS), record(TEXT, [*SPANS, (3, 4, "PER")]))
    assert scores_of(pairing).predicted == 2
    assert pairing.notes[0].endswith("found1: entities that are only white space, left out: 1")


@pytest.mark.parametrize(
    ("gold", "found", "message"),
    [
        (GOLD, GOLD.replace("Bell", "Belle"), "found1:5: 'Belle', but {}/gold:5 has 'Bell'"),
        (GOLD, "Ada B-PER\nLovelace I-PER\n",
         "found1:2: the text ends here, but {}/gold:3 continues with 'wrote'"),
        ("Ada B-PER\n", GOLD, "found1:2: 'Lovelace' comes after the end of the text in {}/gold:1"),
        (GOLD, record(TEXT.replace("wrote", "Wrote"), []), "found1:1: 'Wrote', but {}/gold:3 has 'wrote'"),
    ],
)  # fmt: skip
def test_the_first_difference_is_named_with_both_lines(paired, tmp_path, gold, found, message):
    with pytest.raises(DataError) as error:
        paired(gold, found)
    assert message.format(tmp_path) in str(error.value)


def test_a_document_without_predictions_is_named(paired, tmp_path):
    first, second = record("Ada left.", []), record("Oslo slept for a long time today.", [])
    with pytest.raises(DataError) as error:
        paired(first + second, first)
    assert str(error.value) == (
        f"{tmp_path}/found1: no document has the text of {tmp_path}/gold:2 ('Oslo slept for a long time ...')"
    )


def test_the_difference_is_sought_in_the_nearest_document(paired, tmp_path):
    first, second = record("Ada left.", []), record("Oslo slept.", [])
    with pytest.raises(DataError, match=rf"found1:1: 'snored', but {tmp_path}/gold:2 has 'slept'"):
        paired(first + second, record("Oslo snored.", []) + first)


def test_a_file_without_words_is_refused(read):
    with pytest.raises(DataError, match="no words"):
        read("empty", record("  ", []))


def test_unreadable_tags_are_read_as_conlleval_does(paired):
    pairing = paired(GOLD, GOLD.replace("B-PER", "I-PER"))
    assert pairing.by_tokens and scores_of(pairing).correct == 2
    assert "conlleval" in pairing.notes[0]
    assert predictions_reports(pairing)[0].scores.strict is not None


characters = st.sampled_from("ab .\n\u3000é😀中")
words = st.text(characters, min_size=1, max_size=12).filter(str.strip)
texts = st.lists(words, min_size=1, max_size=4, unique_by=lambda text: "".join(text.split()))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), texts)
def test_entities_are_compared_by_document_characters_and_label(paired, data, texts):
    def spans(text):
        place = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 6), st.sampled_from(["PER", "LOC"]))
        drawn = data.draw(st.lists(place, max_size=4))
        found = [(start, min(len(text), start + length), label) for start, length, label in drawn]
        return [span for span in found if text[span[0] : span[1]].strip()]

    def keys(documents):
        """Return each entity by its document and the visible characters before and in it."""
        return {
            (i, len("".join(text[:start].split())), "".join(text[start:end].split()), label)
            for i, (text, row) in enumerate(documents)
            for start, end, label in row
        }

    gold, found = ([(text, spans(text)) for text in texts] for _ in "gf")
    order = data.draw(st.permutations(found))
    scores = scores_of(paired(*("".join(record(*it) for it in side) for side in (gold, order))))
    left, right = keys(gold), keys(found)
    assert (scores.support, scores.predicted, scores.correct) == (len(left), len(right), len(left & right))
