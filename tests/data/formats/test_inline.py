"""Text with a tag after each word: word/TAG."""

import pytest

from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_sentences

SLASHES = "Greta/B-PER Holm/I-PER sang/O 1/2/O ./O\nBergen/B-creative_work\n"


@pytest.mark.parametrize("separator", ["/", "_", "|"])
def test_one_sentence_per_line(written, separator: str) -> None:
    text = SLASHES.replace("1/2", "1:2").replace("/", separator).replace("1:2", f"1{separator}2")
    source = written(text)
    assert detect_format(source.path) == "inline"
    first, second = read_sentences(source, "inline")
    assert first.words == ["Greta", "Holm", "sang", f"1{separator}2", "."]
    assert first.tags == ["B-PER", "I-PER", "O", "O", "O"]
    assert (second.words, second.tags) == (["Bergen"], ["B-creative_work"])


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Greta/PER sang/O in/O Bergen/LOC\n", "inline"),  # plain labels
        ("我/O 爱/O 北/B-LOC 京/E-LOC\n", "inline"),
        ("The/DT dog/NN ran/VBD home/NN\n", "conll"),  # parts of speech
        ("Greta/B-PER O\nsang/O O\n", "conll"),
        ("snake_case B-X\nmy_name O\n", "conll"),
        ("1|Greta|B-PER\r2|Oslo|B-LOC", "conll"),  # a table of an old Mac
    ],
)
def test_only_text_in_which_nearly_all_words_have_tags_of_entities(written, text: str, form: str) -> None:
    assert detect_format(written(text).path) == form


def test_one_word_per_line_with_blank_lines_after_sentences(written) -> None:
    found = read_sentences(written("Greta/B-PER\nsang/O\n\nBergen/B-LOC\n"), "inline")
    assert [(it.words, it.lines) for it in found] == [(["Greta", "sang"], [1, 2]), (["Bergen"], [4])]


def test_a_word_without_a_tag_is_an_error(refusal) -> None:
    text = SLASHES * 10 + "Greta/B-PER sang so/O\n"
    assert refusal(text).startswith("21: 'sang' is not a word with its tag, such as Ada/B-PER")


@pytest.mark.parametrize("separator", ["/", "_", "|"])
def test_parts_of_speech_between_words_and_tags_are_dropped_and_noted(written, separator: str) -> None:
    text = "Greta|NP|B-PER sang|VB|O 1|2|CD|O songs|NN|O\nin|IN|O Bergen|NP|B-LOC .|.|O\n"
    source = written(text.replace("|", separator))
    assert detect_format(source.path) == "inline"
    first, second = read_sentences(source, "inline")
    assert first.words == ["Greta", "sang", f"1{separator}2", "songs"]
    assert second.words == ["in", "Bergen", "."]
    assert first.tags + second.tags == ["B-PER", "O", "O", "O", "O", "B-LOC", "O"]
    assert source.note_lines() == ["parts between a word and its tag (parts of speech) dropped: 7"]


def test_several_parts_are_dropped_and_a_mark_that_is_the_separator_is_kept(written) -> None:
    text = "Greta/Greta/NP/B-PER sang/sing/VB/O in/in/IN/O Bergen/Bergen/NP/B-LOC ///SYM/O\n"
    (sentence,) = read_sentences(written(text), "inline")
    assert sentence.words == ["Greta", "sang", "in", "Bergen", "/"]


def test_words_that_hold_the_separator_keep_it(written) -> None:
    (sentence,) = read_sentences(written("and/or/O 1/2/O km/h/O Greta/B-PER a/c/O\n"), "inline")
    assert sentence.words == ["and/or", "1/2", "km/h", "Greta", "a/c"]
