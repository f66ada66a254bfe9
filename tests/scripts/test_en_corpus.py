"""Tests for en_corpus.py and bundle_en.py: labels, parts, account names."""

from dataclasses import replace

import pytest

from rnner.data.corpus import read_split
from rnner.data.lexicon import Lexicon
from rnner.tags import Span
from tiny_corpus import vocabulary_of

BTC = """\
RT\tO
@\tB-PER
ada\tB-PER
:\tO
in\tO
London\tB-LOC
@\tO
10\tO

@\tB-ORG
Bank_of\tI-ORG
Paris\tB-LOC
"""
WNUT = "Google\tB-corporation\nEarth\tB-product\nand\tO\nQueen\tB-group\nmet\tO\nAda\tB-person\n"


@pytest.fixture
def en_corpus(script):
    return script("en_corpus")


@pytest.fixture
def data(tmp_path):
    """A folder with a few sentences of each source."""
    for part in ("train", "dev", "test"):
        (tmp_path / "wnut17").mkdir(exist_ok=True)
        (tmp_path / "wnut17" / f"{part}.conll").write_text(WNUT)
    (tmp_path / "btc").mkdir()
    for letter in "abefgh":
        (tmp_path / "btc" / f"{letter}.conll").write_text(BTC)
    documents = [f"-DOCSTART- O\n\nNumber{i} I-PER\nis O\nDanish I-MISC\n\n" for i in range(10)]
    (tmp_path / "wikigold").mkdir()
    (tmp_path / "wikigold" / "wikigold.conll").write_text("".join(documents))
    (tmp_path / "uner_ewt").mkdir()
    rows = [f"# newdoc id = {i}\n1\tNumber{i}\tB-ORG\t-\t-\n2\tgrew\tO\t-\t-\n\n" for i in range(10)]
    for part in ("dev", "test"):
        (tmp_path / "uner_ewt" / f"{part}.iob2").write_text("".join(rows))
    return tmp_path


def found(path):
    split = read_split(path)
    return [
        [" ".join(words[span.start : span.end]) + "/" + span.label for span in spans]
        for words, spans in zip(split.sentences()[0], split.all_spans(), strict=True)
    ]


def test_all_parts_are_written_with_three_labels(en_corpus, data, tmp_path, monkeypatch):
    output = tmp_path / "en"
    monkeypatch.setattr("sys.argv", ["en_corpus.py", str(data), str(output)])
    en_corpus.main()
    names = {f"test-{name}.conll" for name in ("sample", "wikigold", "btc", "wnut17", "uner_ewt")}
    assert {path.name for path in output.iterdir()} == {"train.conll", "dev.conll", *names}
    assert found(output / "test-wnut17.conll") == [["Google/ORG", "Queen/ORG", "Ada/PER"]]
    assert found(output / "test-btc.conll") == [["London/LOC"], ["Paris/LOC"]]
    train, dev = read_split(output / "train.conll"), read_split(output / "dev.conll")
    assert train.labels == dev.labels == ["LOC", "ORG", "PER"]
    assert len(set(train.documents)) - 1 == 9 + 8 + 9  # the sample's genres, WikiGold's and UNER's documents


def test_no_document_is_in_two_parts(en_corpus, data):
    for name in ("wikigold", "uner_ewt"):
        parts = en_corpus.read_sources(data)[name]
        of = {part: {sentence.document for sentence in sentences} for part, sentences in parts.items()}
        assert of["train"] and of["dev"] and of["test"]
        assert not of["train"] & of["dev"] and not of["train"] & of["test"] and not of["dev"] & of["test"]


def test_an_account_name_is_one_word_without_an_annotation(en_corpus, data):
    split = read_split(data / "btc" / "a.conll")
    first, second = (en_corpus.merge_accounts(sentence) for sentence in en_corpus.all_sentences(split))
    assert first.words == ["RT", "@ada", ":", "in", "London", "@", "10"] and first.spans == [
        Span(4, 5, "LOC")
    ]
    assert second.words == ["@Bank_of", "Paris"] and second.spans == [Span(1, 2, "LOC")]


def test_the_bundled_lexicon_has_no_accounts_or_addresses(script):
    words = ["ada", "@ada", "@", "http://t.co/x", "www.example.org", "a@b.org"]
    vocabulary = replace(
        vocabulary_of(), lexicon=Lexicon({word: [1, 0, 0] for word in words}, ["LOC", "PER"])
    )
    kept = script("bundle_en").remove_addresses(vocabulary)
    assert list(kept.lexicon.counts) == ["ada", "@", "a@b.org"]
    assert replace(kept, lexicon=None) == replace(vocabulary, lexicon=None)
