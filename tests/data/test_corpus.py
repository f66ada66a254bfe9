from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rnner.config import parse_config
from rnner.data.corpus import load_corpus, read_split, resolve
from rnner.errors import ConfigError, DataError
from rnner.tags import Span

IOB2 = "Ada B-PER\nLovelace I-PER\nmet O\nBo B-PER\n\nYork B-LOC\nslept O\n\nRain O\n"
IOB1 = "Ada I-PER\nLovelace I-PER\nmet O\nBo I-PER\nBob B-PER\n"
BIOES = "Ada B-PER\nLovelace E-PER\nmet O\nBo S-PER\n"
BINARY = "Ada 1\nLovelace 1\nmet 0\nBo 1\n"
NO_ENTITIES = (
    "dev has no entities, so its F1 is always 0; the best epoch is chosen by the loss on dev and on "
    "train sentences that have entities"
)
MIXED = "Rain O\n\nAda B-PER\nmet O\n\nBo B-PER\nof O\nYork I-LOC\n\nParis I-LOC\n"


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "train.conll") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def numbered(sentences: int, documents: int = 1) -> str:
    """Numbered sentences of one name each, in documents of equal size."""
    size = sentences // documents
    marks = ["-DOCSTART- O\n\n" if documents > 1 and i % size == 0 else "" for i in range(sentences)]
    return "".join(f"{mark}Bo B-PER\nran O\n{i} O\n\n" for i, mark in enumerate(marks))


@pytest.mark.parametrize(
    ("text", "scheme", "labels"),
    [
        (IOB2, "iob2", ["LOC", "PER"]),
        (IOB1, "iob1", ["PER"]),
        (BIOES, "bioes", ["PER"]),
        (BINARY, "binary", ["NAME"]),
        ("Rain O\n", "iob2", []),
    ],
)
def test_scheme_and_labels_are_detected(text: str, scheme: str, labels: list[str], write: Write) -> None:
    split = read_split(write(text))
    assert (split.scheme, split.labels, split.name) == (scheme, labels, "train.conll")
    assert split.illegal_tags is None


def test_a_file_without_a_sentence_is_refused(write: Write) -> None:
    for text in ("", "\n \n", "-DOCSTART- O\n\n"):
        path = write(text)
        with pytest.raises(DataError, match="no sentence") as caught:
            read_split(path)
        assert caught.value.path == path


def test_tags_that_follow_no_scheme_are_refused_with_their_line(write: Write) -> None:
    path = write(MIXED)
    with pytest.raises(DataError) as caught:
        read_split(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:8: I-LOC after O: in IOB2, an entity starts with B-LOC (2 places);")
    assert "; the tags are not IOB1 either: B-PER at the start of a sentence" in message
    assert message.endswith("set data.illegal_tags: conlleval to read them as conlleval does")


def test_the_line_is_right_after_a_comment_within_the_sentence(write: Write) -> None:
    path = write("Bo\tB-PER\n# unsure\nran\tO\n# very\nYork\tI-LOC\n")
    with pytest.raises(DataError, match=r"\(1 place\)") as caught:
        read_split(path)
    assert caught.value.line == 5


def test_illegal_tags_can_be_read_as_conlleval_does(write: Write) -> None:
    split = read_split(write(MIXED), illegal="conlleval")
    assert split.scheme == "conlleval"
    assert split.illegal_tags is not None
    assert (split.illegal_tags.times, split.illegal_tags.line) == (2, 8)
    assert list(split.all_spans()) == (
        [[], [Span(0, 1, "PER")], [Span(0, 1, "PER"), Span(2, 3, "LOC")], [Span(0, 1, "LOC")]]
    )
    assert split.sentences([2])[1] == [["B-PER", "O", "I-LOC"]]
    assert split.convert("bioes").sentences([2])[1] == [["S-PER", "O", "S-LOC"]]


def test_legal_tags_keep_their_scheme_with_illegal_conlleval(write: Write) -> None:
    assert read_split(write(IOB1), illegal="conlleval").scheme == "iob1"


def test_binary_tags_among_others_cannot_be_read_at_all(write: Write) -> None:
    path = write("Ada B-PER\nmet O\n\nBo B-PER\nran 1\n")
    with pytest.raises(DataError, match=r"'1' is not a valid tag; expected .*set data.columns") as caught:
        read_split(path, illegal="conlleval")
    assert caught.value.line == 5


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Ada PER\nByron PER\nmet 0\nBo PER\n", [Span(0, 2, "PER"), Span(3, 4, "PER")]),
        ("Ada B\nByron I\nmet O\nBo B\n", [Span(0, 2, "NAME"), Span(3, 4, "NAME")]),
        ("Ada B_PER\nByron I_PER\nmet o\nBo B-PER\n", [Span(0, 2, "PER"), Span(3, 4, "PER")]),
        ("Ada B-PER\nByron L-PER\nmet O\nBo U-PER\n", [Span(0, 2, "PER"), Span(3, 4, "PER")]),
        ("Ada PER-B\nByron PER-I\nmet O\nBo PER-B\n", [Span(0, 2, "PER"), Span(3, 4, "PER")]),
        (
            '{"tokens": ["Ada", "Byron", "met", "Bo"], "tags": ["PER", "PER", "O", "PER"]}\n',
            [Span(0, 2, "PER"), Span(3, 4, "PER")],
        ),
    ],
    ids=["plain", "bare", "underscore and lower case", "BILOU", "suffix", "JSONL"],
)
def test_other_spellings_of_tags_are_read_with_a_note(write: Write, text: str, spans: list[Span]) -> None:
    split = read_split(write(text), scheme="bioes")
    assert list(split.all_spans()) == [spans]
    assert split.notes


def test_two_spellings_of_a_tag_become_one(write: Write) -> None:
    split = read_split(write("Ada B_PER\nmet 0\nBo B-PER\nthere O\n"))
    assert split.tags.strings == ["B-PER", "O"]
    assert split.tags.numbers.tolist() == [0, 1, 0, 1]


def test_a_tag_that_contradicts_the_rest_is_reported_with_its_line(write: Write) -> None:
    with pytest.raises(DataError, match="'BPER' is not a valid tag; expected O, B-LABEL") as caught:
        read_split(write("Ada B-PER\nmet O\n\nBo BPER\nthere O\n"))
    assert (caught.value.line, "header" in str(caught.value)) == (4, False)
    with pytest.raises(DataError, match="if this row is a header, remove it") as caught:
        read_split(write("Palavro Etikedo\nAda B-PER\nmet O\n"))
    assert caught.value.line == 1


def test_training_is_warned_of_an_affix_and_of_several_columns_of_tags(write: Write) -> None:
    words = [f"en:{word}" for word in ["Ada", "met", "Bo", "Cy", "saw", "Di", "in", "Oslo", "and", "Rome"]]
    text = "".join(f"{word} B-PER {'B-LOC' if i == 1 else 'O'}\n\n" for i, word in enumerate(words))
    warnings = "\n".join(load_corpus(train=write(text)).warnings)
    assert "columns 1 (10 entities) and 2 (1 entity) hold tags; column 1 (counted from 0) is read" in warnings
    assert "have a prefix with a colon: 'en:Ada' instead of 'Ada'" in warnings
    assert "rnner data check FILE --fix OUT" in warnings


def test_no_dev_can_be_held_out_of_a_file_without_blank_lines(write: Write) -> None:
    text = "Ada B-PER\nmet O\nBo B-PER\n. O\n" * 60
    with pytest.raises(DataError, match="one sentence of 240 tokens: the file has no blank lines"):
        load_corpus(train=write(text))


def test_a_corpus_of_files_in_different_schemes_comes_in_one(write: Write) -> None:
    corpus = load_corpus(
        train=write(IOB2), dev=write(IOB1, "dev.conll"), test=write(BIOES, "test.conll"), scheme="bioes"
    )
    assert [split.scheme for split in (corpus.train, corpus.dev, corpus.test) if split] == ["bioes"] * 3
    assert [split.name for split in (corpus.train, corpus.dev, corpus.test) if split] == [
        "train",
        "dev",
        "test",
    ]
    assert corpus.train.sentences([0, 1])[1] == [["B-PER", "E-PER", "O", "S-PER"], ["S-LOC", "O"]]
    assert corpus.dev.sentences()[1] == [["B-PER", "E-PER", "O", "S-PER", "S-PER"]]
    assert (corpus.held_out, corpus.unseen_labels, corpus.notes) == (False, {}, [])


def test_binary_labels_come_from_any_corpus(write: Write) -> None:
    corpus = load_corpus(train=write(IOB1), dev=write(BINARY, "dev.conll"), scheme="binary")
    assert corpus.train.sentences()[1] == [["1", "1", "0", "1", "1"]]
    assert corpus.train.labels == ["NAME"]
    assert corpus.dev.sentences()[1] == [["1", "1", "0", "1"]]


def test_labels_that_train_lacks_are_counted_and_reported(write: Write) -> None:
    corpus = load_corpus(
        train=write(BIOES),
        dev=write("Paris B-FAC\nin O\nYork B-LOC\n\nLouvre B-FAC\n", "dev.conll"),
        test=write(IOB1, "test.conll"),
        scheme="iob2",
    )
    assert corpus.unseen_labels == {"dev": {"FAC": 2, "LOC": 1}}
    assert corpus.warnings == [
        "dev has labels that train lacks; their entities count as missed: FAC (2), LOC (1)"
    ]
    assert len(next(corpus.dev.all_spans())) == 2


def test_illegal_tags_of_each_file_are_reported_in_the_warnings(write: Write) -> None:
    train, dev = write(IOB2), write(MIXED, "dev.conll")
    corpus = load_corpus(train=train, dev=dev, illegal="conlleval")
    (note,) = corpus.warnings
    assert note.startswith(f"{dev}:8: I-LOC after O")
    assert note.endswith("; the tags are read as conlleval reads them")
    with pytest.raises(DataError, match=r"dev\.conll:8"):
        load_corpus(train=train, dev=dev)


def test_a_tenth_of_train_is_held_out_by_seed(write: Write) -> None:
    path = write(numbered(95))

    def numbers(seed: int) -> tuple[list[str], list[str]]:
        corpus = load_corpus(train=path, seed=seed)
        assert corpus.held_out
        kept, held = ([words[2] for words in split.sentences()[0]] for split in (corpus.train, corpus.dev))
        return kept, held

    kept, held = numbers(1)
    assert len(held) == 10
    assert sorted(kept + held, key=int) == [str(i) for i in range(95)]
    assert kept == sorted(kept, key=int)
    assert numbers(1) == (kept, held)
    assert numbers(2) != (kept, held)
    corpus = load_corpus(train=path, seed=1)
    assert (corpus.train.name, corpus.dev.name) == ("train", "dev")
    assert corpus.notes == [f"no dev file: 10 of the 95 sentences of {path} are held out as dev (seed 1)"]


def test_whole_documents_are_held_out_if_there_are_twenty(write: Write) -> None:
    corpus = load_corpus(train=write(numbered(200, documents=40)), seed=3)
    kept, held = set(corpus.train.documents.tolist()), set(corpus.dev.documents.tolist())
    assert (len(kept), len(held), kept & held) == (36, 4, set())
    assert (len(corpus.train), len(corpus.dev)) == (180, 20)
    assert corpus.notes[0].endswith("held out as dev (seed 3, whole documents)")


def test_with_few_documents_sentences_are_held_out(write: Write) -> None:
    corpus = load_corpus(train=write(numbered(190, documents=19)))
    assert len(corpus.dev) == 19
    assert len(set(corpus.dev.documents.tolist())) > 2


@pytest.mark.parametrize("seed", range(8))
def test_one_giant_document_leaves_something_on_both_sides(seed: int, write: Write) -> None:
    giant = "-DOCSTART- O\n\n" + numbered(500)
    corpus = load_corpus(train=write(numbered(20, documents=20) + giant), seed=seed)
    assert len(corpus.train) + len(corpus.dev) == 520
    assert min(len(corpus.train), len(corpus.dev)) >= 1
    assert len(corpus.train) >= 500 or len(corpus.dev) >= 500


def test_two_sentences_are_enough_to_hold_one_out_but_one_is_not(write: Write) -> None:
    corpus = load_corpus(train=write(numbered(2)))
    assert (len(corpus.train), len(corpus.dev)) == (1, 1)
    with pytest.raises(DataError, match=r"a single sentence.*set data.dev"):
        load_corpus(train=write(numbered(1)))


def test_train_must_hold_an_entity(write: Write) -> None:
    with pytest.raises(DataError, match="no entities: all tags are O"):
        load_corpus(train=write("Rain O\n\nSnow O\n"))


@pytest.mark.parametrize("seed", range(6))
def test_the_only_entity_stays_in_train_with_a_warning(seed: int, write: Write) -> None:
    corpus = load_corpus(train=write("Bo B-PER\n\nRain O\n"), seed=seed)
    assert (corpus.train.labels, corpus.dev.labels) == (["PER"], [])
    assert corpus.warnings == [NO_ENTITIES]


def test_a_dev_file_without_entities_is_a_warning(write: Write) -> None:
    train, empty = write(IOB2), write("Rain O\n", "dev.conll")
    assert load_corpus(train=train, dev=empty).warnings == [NO_ENTITIES]
    assert load_corpus(train=train, dev=train).warnings == []


def test_columns_hold_for_all_files(write: Write) -> None:
    corpus = load_corpus(
        train=write("Bo NNP B-NP B-PER\n"),
        dev=write("Al NNP B-NP B-PER\n", "dev.conll"),
        columns={"token": 0, "tag": 2},
    )
    assert (corpus.train.labels, corpus.dev.labels) == (["NP"], ["NP"])


def test_relative_paths_are_looked_up_here_then_beside_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    write(IOB2, "config/train.conll")
    write(IOB2, "here/dev.conll")
    write(IOB2, "config/dev.conll")
    monkeypatch.chdir(tmp_path / "here")
    folders = [tmp_path / "config"]
    assert resolve("train.conll", folders) == tmp_path / "config" / "train.conll"
    assert resolve("dev.conll", folders).resolve() == tmp_path / "here" / "dev.conll"
    assert resolve(tmp_path / "config" / "dev.conll") == tmp_path / "config" / "dev.conll"
    with pytest.raises(DataError) as caught:
        resolve("den.conll", folders)
    assert "den.conll: file not found; did you mean dev.conll?" in str(caught.value)
    assert str(tmp_path / "config" / "den.conll") in str(caught.value)


def test_sample_names_resolve_to_files_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    path = write(IOB2, "resources/sample/train.conll")
    monkeypatch.setattr("rnner.data.corpus.resources.files", lambda package: tmp_path)
    assert resolve("sample:train") == path
    assert len(load_corpus(train="sample:train").train) == 2
    with pytest.raises(DataError, match="sample corpus is missing"):
        resolve("sample:dev")
    with pytest.raises(
        ConfigError, match="sample:traim: unknown sample corpus; use sample:train, sample:dev"
    ):
        resolve("sample:traim")


def test_lines_and_lengths_are_those_of_the_file(write: Write) -> None:
    split = read_split(write(IOB2))
    np.testing.assert_array_equal(split.lengths, [4, 2, 1])
    np.testing.assert_array_equal(split.lines, [1, 6, 9])


def test_columns_of_a_table_are_chosen_by_name(write: Write) -> None:
    path = write("sent_id,token,outer,ner_a,ner_b\n1,Oslo,x,B-LOC,O\n1,rain,x,B-X,O\n2,Bo,x,B-X,B-PER\n")
    assert read_split(path).labels == ["LOC", "X"]
    split = read_split(path, columns={"tag": "ner_b"})
    assert split.labels == ["PER"] and split.sentences()[0] == [["Oslo", "rain"], ["Bo"]]
    assert read_split(path, columns={"token": 1, "tag": -1}).labels == ["PER"]
    with pytest.raises(
        DataError, match="there is no column Tag; the columns are sent_id, token, outer, ner_a, "
    ):
        read_split(path, columns={"tag": "Tag"})


def test_a_config_names_the_columns_of_a_table() -> None:
    config = parse_config({"data": {"train": "a.csv"}}, ["data.columns={tag: Tag}"])
    assert config.data.columns is not None
    assert config.data.columns.model_dump(exclude_none=True) == {"tag": "Tag"}
