"""The log of a run: what is written is read back, and damage is reported with its line."""

import json

import pytest

from logged_epochs import LOG, epoch
from rnner.errors import ModelError
from rnner.model.epoch_log import best_epoch, log_text, read_log

LINE = LOG[0].to_json()


def written(tmp_path, text):
    (tmp_path / "log.jsonl").write_text(text, encoding="utf-8")
    return tmp_path / "log.jsonl"


def changed(**values):
    return json.dumps(json.loads(LINE) | values)


def test_a_log_is_read_back(tmp_path):
    assert read_log(written(tmp_path, log_text(LOG))) == LOG


def test_an_empty_log_has_no_epochs(tmp_path):
    assert read_log(written(tmp_path, "")) == []


def test_unknown_keys_are_ignored(tmp_path):
    assert read_log(written(tmp_path, changed(note="from a later version"))) == LOG[:1]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"epoch": 2, "loss"', "Expecting"),
        ("", "Expecting value"),
        ("[1, 2]", "expected a JSON object"),
        ('{"epoch": 2}', "expected a JSON object with the key 'dev'"),
        (changed(epoch=2, loss="low"), 'loss is "low"'),
        (changed(epoch=2, clipped=None), "clipped is null"),
        (changed(epoch=True), "epoch is true"),
        (changed(epoch=2, dev={"f1": 0.5}), "precision is null"),
        (changed(epoch=0), "epoch is 0"),
        (LINE, "epoch 1 comes after epoch 1"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_line_is_reported_with_its_number(tmp_path, line, reason):
    path = written(tmp_path, f"{LINE}\n{line}\n{LINE}\n")
    with pytest.raises(ModelError, match=r"log\.jsonl:2: is not an epoch of a training log") as error:
        read_log(path)
    assert reason in str(error.value)


def test_bytes_that_are_not_text_are_reported(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(LINE.encode() + b"\n\xff\xfe\n")
    with pytest.raises(ModelError, match=r"log\.jsonl:2: .*codec"):
        read_log(tmp_path / "log.jsonl")


def test_the_best_epoch_is_the_last_one_that_was_the_best_so_far():
    assert best_epoch(LOG).epoch == 2
    assert best_epoch([epoch(4, f1=0.3), epoch(5, f1=0.4), epoch(6, f1=0.1)]).epoch == 5
