"""The log of decisions: nothing is lost or doubled, whoever writes and wherever a crash cuts the file."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.active_learning.decision_log import Decision, DecisionLog, StaleDecisionError
from rnner.data.corpus import read_split
from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.decisions import ACCEPT, ANSWERS, SKIP, UNDO
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents
from rnner.errors import DataError
from rnner.system.file_lock import locked

ADA, ZUSE, RAIN = "Ada Lovelace wrote to Babbage.", "Konrad Zuse 😀 baute die Z3.", "It rained."
ENTITIES = {ADA: [CharSpan(0, 12, "PER")], ZUSE: [CharSpan(0, 11, "PER"), CharSpan(24, 26, "MISC")], RAIN: []}


def accepted(text: str, **fields: object) -> Decision:
    return Decision(text, ACCEPT, ENTITIES[text], **fields)  # type: ignore[arg-type]


def annotated(path: Path) -> list[tuple[str, list[CharSpan]]]:
    """Return what `rnner train` reads in the file."""
    return [(document.text, document.spans) for document in read_documents(SourceFile(path), "decisions")]


@pytest.fixture
def log(tmp_path: Path) -> DecisionLog:
    return DecisionLog(tmp_path / "decisions.jsonl")


def test_the_last_decision_about_a_text_counts(log: DecisionLog) -> None:
    log.add(Decision(ADA, ACCEPT, [CharSpan(0, 3, "LOC")]))
    log.add(accepted(ZUSE))
    log.add(Decision(RAIN, SKIP))
    log.add(accepted(ADA))
    log.add(Decision(ZUSE, UNDO))
    assert [(own.text, own.answer) for own in log.decisions()] == [(RAIN, SKIP), (ADA, ACCEPT)]
    assert detect_format(log.path) == "decisions"
    assert annotated(log.path) == [(ADA, ENTITIES[ADA])]
    assert len(log) == 5 and len(log.path.read_text(encoding="utf-8").splitlines()) == 5


def test_training_reads_the_file_and_reports_what_it_leaves_out(log: DecisionLog) -> None:
    for decision in (
        accepted(ADA),
        accepted(ZUSE),
        Decision(RAIN, SKIP),
        accepted(RAIN),
        Decision(ADA, UNDO),
    ):
        log.add(decision)
    split = read_split(log.path)
    assert (len(split), split.labels) == (2, ["MISC", "PER"])
    assert split.notes == (
        "decisions replaced by later ones: 2",
        "texts left out whose decision was undone: 1",
    )


def test_a_new_process_finds_all_that_was_recorded(log: DecisionLog) -> None:
    log.add(accepted(ADA, keys={"id": 7, "answer": "no"}, request="tab1-1"))
    log.add(Decision(RAIN, SKIP, tokens=["It", "rained", "."]))
    again = DecisionLog(log.path)
    assert again.decisions() == log.decisions()
    (first, second) = again.decisions()
    assert (first.keys, first.request, first.number) == ({"id": 7}, "tab1-1", 1)
    assert (second.tokens, second.number) == (["It", "rained", "."], 2)


def test_words_of_the_input_are_the_words_of_the_corpus(log: DecisionLog) -> None:
    log.add(Decision("Ada wrote .", ACCEPT, [CharSpan(0, 3, "PER")], tokens=["Ada", "wrote", "."]))
    log.add(Decision("U.S. troops", ACCEPT, [CharSpan(0, 2, "LOC")], tokens=["U.", "S.", "troops"]))
    assert read_split(log.path).sentences()[0] == [["Ada", "wrote", "."], ["U.", "S.", "troops"]]


def test_two_tabs_on_one_text_the_second_learns_of_the_first(log: DecisionLog) -> None:
    other = DecisionLog(log.path)
    first = log.add(accepted(ADA), seen=0)
    with pytest.raises(StaleDecisionError, match="decided elsewhere in the meantime \\(accept\\)") as caught:
        other.add(Decision(ADA, SKIP), seen=0)
    assert caught.value.last == first
    assert other.add(Decision(ADA, SKIP), seen=first.number).number == 2
    other.add(accepted(RAIN), seen=0)  # another text
    log.refresh()
    assert log.decisions() == other.decisions()


def test_a_request_that_is_repeated_is_recorded_once(log: DecisionLog) -> None:
    first = log.add(accepted(ADA, request="a"))
    log.add(accepted(RAIN, request="b"))
    assert DecisionLog(log.path).add(accepted(ADA, request="a"), seen=0) == first
    assert len(DecisionLog(log.path)) == 2


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (Decision(RAIN, "reject"), "unknown answer 'reject'; expected one of: accept, skip, undo"),
        (Decision(RAIN, entities=[CharSpan(3, 11, "PER")]), "not within the text, which has 10 characters"),
        (Decision(RAIN, entities=[CharSpan(3, 3, "PER")]), "entity 3-3: not within"),
        (Decision(RAIN, entities=[CharSpan(0, 2, "P\n")]), "not valid: a label must"),
        (Decision(RAIN, entities=[CharSpan(0, 2, "")]), "not valid: a label must"),
        (
            Decision(RAIN, entities=[CharSpan(3, 9, "A"), CharSpan(0, 4, "B")]),
            r"\(0, 4\) and \(3, 9\) overlap",
        ),
        (Decision("\ud800"), "lone surrogate"),
    ],
)
def test_what_training_could_not_read_is_refused(log: DecisionLog, decision: Decision, message: str) -> None:
    with pytest.raises(DataError, match=message):
        log.add(decision)
    assert not log.path.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "Ada", "entities": []}\n', "1: expected the keys answer and decision"),
        (b"Ada B-PER\n", "1: not valid JSON"),
        (b"\xff\n", "1: this line is not UTF-8"),
    ],
)
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        DecisionLog(path)
    assert path.read_bytes() == content


def test_a_full_disk_leaves_the_log_as_it_was(log: DecisionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.add(accepted(ADA))
    before = log.path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(os, "fsync", full)
        log.add(accepted(ZUSE))
    assert log.path.read_bytes() == before
    assert log.add(accepted(RAIN)).number == 2
    assert [text for text, _ in annotated(log.path)] == [ADA, RAIN]


def test_a_file_that_was_removed_or_replaced_is_read_again(log: DecisionLog) -> None:
    log.add(accepted(ADA))
    log.add(accepted(ZUSE))
    log.path.unlink()
    assert log.add(accepted(RAIN)).number == 1
    other = DecisionLog(log.path.with_name("other.jsonl"))
    for text in (ZUSE, ADA):
        other.add(accepted(text))
    other.path.replace(log.path)
    log.refresh()
    assert [own.text for own in log.decisions()] == [ZUSE, ADA]


# --- crashes -----------------------------------------------------------------------------------------------

decisions = st.builds(
    lambda text, answer: Decision(text, answer, ENTITIES[text] if answer == ACCEPT else []),
    st.sampled_from(list(ENTITIES)),
    st.sampled_from(ANSWERS),
)


def state(made: Sequence[Decision]) -> list[tuple[str, str]]:
    """Return the last answer about each text, in order, by the definition."""
    last = {own.text: number for number, own in enumerate(made)}
    return [(made[i].text, made[i].answer) for i in sorted(last.values()) if made[i].answer != UNDO]


@settings(max_examples=60)
@given(st.lists(decisions, min_size=1, max_size=6), st.data())
def test_a_crash_at_any_byte_leaves_the_decisions_up_to_there(
    made: list[Decision], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        whole = DecisionLog(Path(folder) / "whole.jsonl")
        for decision in made:
            whole.add(decision)
        content = whole.path.read_bytes()
        ends = [i for i, byte in enumerate(content) if byte == ord("\n")]
        cut = data.draw(st.integers(0, len(content)) | st.sampled_from(ends))
        kept = made[: sum(cut >= end for end in ends)]  # a line without its line break is complete
        torn = content[:cut].rpartition(b"\n")[2] if cut not in ends else b""

        path = Path(folder) / "cut.jsonl"
        path.write_bytes(content[:cut])
        if kept:  # training can read the file as the crash left it
            expected = [(text, ENTITIES[text]) for text, answer in state(kept) if answer == ACCEPT]
            assert annotated(path) == expected
        log = DecisionLog(path)
        assert [(own.text, own.answer) for own in log.decisions()] == state(kept)
        assert log.unfinished.read_bytes() == torn + b"\n" if torn else not log.unfinished.exists()
        later = data.draw(decisions)
        assert log.add(later).number == len(kept) + 1
        assert [(own.text, own.answer) for own in DecisionLog(path).decisions()] == state([*kept, later])
        assert path.read_bytes().endswith(b"\n")


def test_a_damaged_line_before_the_last_is_an_error(log: DecisionLog) -> None:
    log.add(accepted(ADA))
    log.add(accepted(ZUSE))
    log.path.write_bytes(log.path.read_bytes()[40:])
    for read in (DecisionLog, annotated):
        with pytest.raises(DataError, match=r"decisions\.jsonl:1: not valid JSON"):
            read(log.path)


# --- several writers ---------------------------------------------------------------------------------------


def write_many(path: Path, writer: int, count: int) -> None:
    log = DecisionLog(path)
    for i in range(count):
        log.add(Decision(f"text {writer} {i}", SKIP, request=f"{writer}-{i}"), seen=0)


def test_threads_and_processes_share_a_file(tmp_path: Path) -> None:
    path, count = tmp_path / "decisions.jsonl", 10
    shared = DecisionLog(path)
    threads = [
        threading.Thread(
            target=lambda i=i: [shared.add(Decision(f"tab {i} {j}", SKIP)) for j in range(count)]
        )
        for i in range(3)
    ]
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=write_many, args=(path, i, count)) for i in range(2)]
    for worker in [*processes, *threads]:
        worker.start()
    for worker in [*processes, *threads]:
        worker.join()
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["decision"]["number"] for record in records] == list(range(1, 5 * count + 1))
    assert len({record["text"] for record in records}) == 5 * count
    shared.refresh()
    assert len(shared.decisions()) == 5 * count


def test_a_file_that_stays_locked_is_an_error(log: DecisionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.add(accepted(ADA))
    from rnner.active_learning import decision_log
    from rnner.errors import UsageError

    monkeypatch.setattr(decision_log, "locked", lambda *place: locked(*place, seconds=0.02))
    refused = pytest.raises(UsageError, match="another process has locked this file")
    with log.path.open("rb") as file, locked(file.fileno(), "held"), refused:
        log.add(accepted(RAIN))
    assert log.add(accepted(RAIN)).number == 2
