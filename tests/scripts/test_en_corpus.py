"""The corpus of the bundled model: labels, parts, names of accounts."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from rnner.data.corpus import read_split
from rnner.data.lexicon import Lexicon
from rnner.tags import Span
from tiny import vocabulary_of

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
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


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def en_corpus(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return loaded("en_corpus")


@pytest.fixture
def data(tmp_path):
    """The sources, a few sentences of each."""
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


def test_the_parts_of_all_sources_are_written_in_three_labels(en_corpus, data, tmp_path, monkeypatch):
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


def test_the_name_of_an_account_is_one_word_and_no_name(en_corpus, data):
    split = read_split(data / "btc" / "a.conll")
    first, second = (en_corpus.without_accounts(sentence) for sentence in en_corpus.everything(split))
    assert first.words == ["RT", "@ada", ":", "in", "London", "@", "10"] and first.spans == [
        Span(4, 5, "LOC")
    ]
    assert second.words == ["@Bank_of", "Paris"] and second.spans == [Span(1, 2, "LOC")]


def test_the_bundled_lexicon_has_no_accounts_and_no_addresses(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    words = ["ada", "@ada", "@", "http://t.co/x", "www.example.org", "a@b.org"]
    vocabulary = replace(
        vocabulary_of(), lexicon=Lexicon({word: [1, 0, 0] for word in words}, ["LOC", "PER"])
    )
    kept = loaded("bundle_en").without_addresses(vocabulary)
    assert list(kept.lexicon.counts) == ["ada", "@", "a@b.org"]
    assert replace(kept, lexicon=None) == replace(vocabulary, lexicon=None)
