"""Tokenizers of your own: words of a segmenter, found again in the text, from training to prediction."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnner
from rnner.cli.main import run
from rnner.data.corpus import load_corpus, read_split
from rnner.errors import UsageError
from rnner.model.user_code import load_code
from rnner.text import tokenizer
from rnner.text.tokenizer import Token, find_tokenizer, register_tokenizer, tokenize

# A segmenter that knows a few words, and takes every other character as a word.
CODE = """
import re

from rnner.text.tokenizer import register_tokenizer


@register_tokenizer("dictionary")
def split(text):
    return re.findall("王小明|李芳|北京|上海|大学|银行|昨天|参观|离开|到达|.", text)
"""
PEOPLE, PLACES = ["王小明", "李芳"], ["北京", "上海"]
SENTENCES = [
    [(person, "PER"), (when, "O"), (verb, "O"), (place, "LOC"), ("大学", "O"), ("。", "O")]
    for person in PEOPLE
    for when in ("昨天", "也")
    for verb in ("参观", "离开", "到达", "在")
    for place in PLACES
]
SMALL = "embeddings.words.size=16 embeddings.words.min_count=1 embeddings.characters=null encoder.hidden=16 "
SMALL += "dropout.input=0 dropout.output=0 dropout.words=0 training.epochs=6 training.batch_sentences=4 "
SMALL += "training.learning_rate=0.02 training.average=null"


def split_by(segmenter, text):
    tokenizer._SEGMENTERS.pop("own", None)
    register_tokenizer("own")(segmenter)
    return [tuple(token) for token in find_tokenizer("own")(text)]


@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        (["北京", "大学"], [("北京", 0, 2), ("大学", 3, 5)]),
        (["北京", " ", "大学", ""], [("北京", 0, 2), ("大学", 3, 5)]),  # white space is ignored
        ([(0, 2), (2, 3), (3, 5)], [("北京", 0, 2), ("大学", 3, 5)]),
        (["北京 ", "学"], [("北京", 0, 2), ("学", 4, 5)]),  # 大 is in no word
        (["北京 大学"], [("北京 大学", 0, 5)]),
        (iter([Token("大学", 3, 5)]), [("大学", 3, 5)]),
        ([], []),
    ],
)
def test_words_may_be_strings_or_positions(words, tokens):
    assert split_by(lambda text: words, "北京 大学") == tokens


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["大学", "北京"], "'北京'"),
        (["上海"], "'上海'"),
        ([(0, 2), (1, 3)], r"\(1, 3\)"),
        ([(3, 9)], r"\(3, 9\)"),
        ([(2, 1)], r"\(2, 1\)"),
        ([(-2, 2)], r"\(-2, 2\)"),
        ([None], "None"),
        ([("a", "b")], r"\('a', 'b'\)"),
        ([3], "3"),
    ],
)
def test_words_that_are_not_in_the_text_are_refused(words, shown):
    with pytest.raises(UsageError, match=f"tokenizer 'own' returned {shown}, which is not in the text after"):
        split_by(lambda text: words, "北京 大学")


@given(st.text("ab 東\n", max_size=12))
def test_a_segmenter_that_returns_the_tokens_of_rnner_changes_nothing(text):
    assert split_by(tokenize, text) == tokenize(text)
    assert split_by(lambda text: [token.text for token in tokenize(text)], text) == tokenize(text)


def test_a_name_belongs_to_one_tokenizer():
    assert find_tokenizer("rnner") is tokenize
    with pytest.raises(ValueError, match="already defined"):
        register_tokenizer("rnner")(str.split)
    register_tokenizer("own")(str.split)
    with pytest.raises(ValueError, match="already defined"):
        register_tokenizer("own")(str.splitlines)
    with pytest.raises(ValueError, match="needs a name"):
        register_tokenizer(str.split)
    with pytest.raises(
        UsageError, match=r"'owm' \(did you mean own\?\); available: rnner, characters, own; .*--code FILE"
    ):
        find_tokenizer("owm")


def write_corpus(folder):
    tags = {"O": "O", "PER": "B-PER", "LOC": "B-LOC"}
    rows = ["".join(f"{word}\t{tags[label]}\n" for word, label in sentence) for sentence in SENTENCES]
    (folder / "words.conll").write_text("\n".join(rows), encoding="utf-8")
    (folder / "mine.py").write_text(CODE, encoding="utf-8")
    return folder


def train(folder, data, model, *options):
    settings = [f"data.train={folder / data}", f"data.dev={folder / data}", *SMALL.split()]
    settings = [part for key in settings for part in ("--set", key)]
    (folder / "c.yaml").write_text("data: {}\n")
    command = ["train", "-c", folder / "c.yaml", "-o", folder / model, "--quiet", "--threads", 1]
    return run([str(part) for part in (*command, *settings, *options)])


def own(folder):
    return ("--code", str(folder / "mine.py"), "--set", "text.tokenizer=dictionary")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a corpus of words, the code that segments it, and models of words with and without it."""
    folder = write_corpus(tmp_path_factory.mktemp("own"))
    assert train(folder, "words.conll", "model", *own(folder)) == 0
    assert train(folder, "words.conll", "without") == 0
    return folder


def as_in_a_new_process(monkeypatch):
    built_in = {"characters": tokenizer._SEGMENTERS["characters"]}
    monkeypatch.setattr("rnner.text.tokenizer._SEGMENTERS", built_in)


def test_a_model_of_words_needs_its_segmenter_for_text_only(folder, monkeypatch, capsys):
    model, code = folder / "model", folder / "mine.py"
    assert (
        run(["export", "--model", str(model)])
        == run(["export", "--model", str(model), "-o", str(folder / "model.onnx")])
        == 0
    )
    text, found = "李芳昨天到达上海大学。", [("PER", "李芳"), ("LOC", "上海")]
    for path in (model, folder / "model.onnx"):
        as_in_a_new_process(monkeypatch)
        pipeline = rnner.load(path)
        words = ["李芳", "昨天", "到达", "上海", "大学", "。"]
        assert [(e.label, e.text) for e in pipeline.tag([words])[0]] == found
        with pytest.raises(UsageError, match=r"no tokenizer is named 'dictionary'.*--code FILE"):
            pipeline([text])
        (entities,) = rnner.load(path, code=code)([text])
        assert [(e.label, e.text) for e in entities] == found
        as_in_a_new_process(monkeypatch)
        capsys.readouterr()
        assert run(["predict", text, "--model", str(path), "--code", str(code), "--format", "conll"]) == 0
        assert "李芳\tB-PER\n昨天\tO\n到达\tO\n上海\tB-LOC\n大学" in capsys.readouterr().out


def raw_scores(capsys, folder, model, *options):
    capsys.readouterr()
    command = [
        "evaluate",
        folder / "words.conll",
        "-m",
        folder / model,
        "--raw",
        "--format",
        "json",
        *options,
    ]
    assert run([str(part) for part in command]) == 0
    report = json.loads(capsys.readouterr().out)
    return report["raw"]["f1"], report["tokens"]["f1"]


def test_the_cost_of_missing_words_is_measured(folder, capsys):
    assert raw_scores(capsys, folder, "model", "--code", folder / "mine.py") == (1, 1)
    raw, tokens = raw_scores(capsys, folder, "without")
    assert tokens == 1 and raw < 0.5


def test_the_tokenizer_characters_splits_words_and_numbers_too():
    split = find_tokenizer("characters")
    text = "用iPhone 15拍的ที่"
    assert [token.text for token in split(text)] == [*"用iPhone15拍的", "ที่"]
    assert all(text[token.start : token.end] == token.text for token in split(text))


def test_a_corpus_that_is_split_into_characters_needs_that_tokenizer(tmp_path):
    rows = [*zip("张三2015年去北京", ["B-PER", "I-PER", *["O"] * 6, "B-LOC", "I-LOC"], strict=True)]
    sentence = "".join(f"{word} {tag}\n" for word, tag in rows) + "\n"
    (tmp_path / "train.conll").write_text(sentence * 5, encoding="utf-8")
    (warning,) = load_corpus(train=tmp_path / "train.conll").warnings
    assert "splits Latin words and numbers into characters too (0, 1, 2)" in warning
    assert warning.endswith("set text.tokenizer: characters")
    assert not load_corpus(train=tmp_path / "train.conll", tokenizer="characters").warnings


def test_training_on_words_of_characters_is_warned_about(folder):
    with_words = load_corpus(train=folder / "words.conll", dev=folder / "words.conll")
    assert len(with_words.warnings) == 1
    assert "words.conll: has multi-character words" in with_words.warnings[0]
    load_code(folder / "mine.py")
    assert load_corpus(train=folder / "words.conll", tokenizer="dictionary").warnings == []


def test_annotated_text_is_split_by_the_segmenter(folder, capsys):
    text = folder / "text.jsonl"
    assert run(["data", "convert", str(folder / "words.conll"), "-o", str(text), "--format", "doccano"]) == 0
    assert "王小明昨天参观北京大学。" in text.read_text(encoding="utf-8")
    load_code(folder / "mine.py")
    assert "王小明" in read_split(text, tokenizer="dictionary").counts
    assert "王小明" not in read_split(text).counts
    capsys.readouterr()
    command = ["evaluate", text, "-m", folder / "model", "--format", "json", "--code", folder / "mine.py"]
    assert run([str(part) for part in command]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == 1


def test_an_unknown_tokenizer_stops_training_at_once(tmp_path, monkeypatch, capsys):
    as_in_a_new_process(monkeypatch)
    write_corpus(tmp_path)
    assert train(tmp_path, "words.conll", "model", "--set", "text.tokenizer=dictionary") == 2
    assert (
        "no tokenizer is named 'dictionary'; available: rnner, characters; load your own"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "model").exists()


def test_check_reports_words_in_scripts_without_spaces(folder, capsys):
    assert run(["data", "check", str(folder / "words.conll")]) in (0, 1)
    out = capsys.readouterr().out
    assert "multi-character words in a script without spaces" in out and "大学" in out
