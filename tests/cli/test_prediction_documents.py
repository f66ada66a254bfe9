"""`rnner predict` and `rnner evaluate` with models that look at whole documents."""

import itertools
import json

import pytest

from rnner.data.formats.columns import ConllReader
from rnner.model.folder import save_config_and_vocabulary, save_weights
from rnner.pipeline import Pipeline
from tiny_corpus import TRAIN, annotated, config_of, tagger_with_context


@pytest.fixture
def reader(tmp_path):
    """A model with a document vector and a lexicon."""
    folder = tmp_path / "reader"
    folder.mkdir()
    tagger, vocabulary = tagger_with_context()
    save_config_and_vocabulary(
        folder, config_of("embeddings.document=true", "embeddings.lexicon=true"), vocabulary
    )
    save_weights(folder, tagger)
    return folder


def column_file(path, sizes):
    """Write the tiny corpus in documents of these sizes; the first one has no mark."""
    marks = set(itertools.accumulate(sizes))
    with path.open("w") as file:
        for i, (words, tags) in enumerate(annotated(TRAIN)):
            file.write("-DOCSTART- O\n\n" if i in marks else "")
            file.writelines(f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True))
            file.write("\n")
    return path


@pytest.mark.parametrize("chunk", [1, 60, 150])
@pytest.mark.parametrize("sizes", [(2, 1, 4), (0, 5), (99,)])
def test_documents_are_never_split(rnner, reader, tmp_path, monkeypatch, chunk, sizes):
    path = column_file(tmp_path / "text.conll", sizes)
    command = ("predict", "--model", reader, "--file", path, "--input", "conll", "--format")
    whole = [rnner(*command, form).out for form in ("conll", "json")]
    monkeypatch.setattr("rnner.cli.prediction_chunks.CHUNK", chunk)
    tags, items = (rnner(*command, form).out for form in ("conll", "json"))
    assert tags == whole[0]
    scores = [[e["score"] for item in json.loads(out) for e in item["entities"]] for out in (items, whole[1])]
    assert scores[0] and scores[0] == pytest.approx(scores[1], abs=1e-5)


@pytest.mark.parametrize(
    ("sizes", "chunk", "expected"),
    [((99,), 150, [4, 4, 2]), ((2, 1, 4), 1, [1, 1, 1, 4, 3]), ((0, 2, 2), 150, [4, 6]), ((0, 5), 1, [5, 5])],
)
def test_chunks_end_with_marked_documents(rnner, reader, tmp_path, monkeypatch, sizes, chunk, expected):
    seen = []

    def counting(self, sentences, documents=None, whole=Pipeline.read):
        seen.append(len(sentences))
        return whole(self, sentences, documents)

    monkeypatch.setattr("rnner.cli.prediction_chunks.CHUNK", chunk)
    monkeypatch.setattr(Pipeline, "read", counting)
    path = column_file(tmp_path / "text.conll", sizes)
    rnner("predict", "--model", reader, "--file", path, "--input", "conll")
    assert seen == expected


def test_document_marks_in_a_column_file_matter(rnner, reader, tmp_path):
    def scores(sizes):
        path = column_file(tmp_path / "text.conll", sizes)
        out = rnner("predict", "--model", reader, "--file", path, "--input", "conll", "--format", "json").out
        return [[entity["score"] for entity in item["entities"]] for item in json.loads(out)]

    marked, unmarked = scores((3, 4)), scores((99,))
    assert marked[0] == pytest.approx(unmarked[0], abs=1e-5)  # before the first mark
    assert marked[3:] != unmarked[3:]


@pytest.mark.parametrize("chunk", [1, 150_000])
def test_evaluate_agrees_with_predict(rnner, reader, tmp_path, monkeypatch, chunk):
    def predicted(path):
        return rnner(
            "predict", "--model", reader, "--file", path, "--input", "conll", "--format", "conll"
        ).out

    monkeypatch.setattr("rnner.cli.prediction_chunks.CHUNK", chunk)
    found, other = tmp_path / "found.conll", tmp_path / "other.conll"
    found.write_text(predicted(column_file(tmp_path / "gold.conll", (2, 1, 4))))
    report = json.loads(rnner("evaluate", found, "--model", reader, "--format", "json").out)
    assert report["f1"] == report["accuracy"] == 1 and report["support"] > 0

    other.write_text(predicted(column_file(tmp_path / "gold.conll", (99,))))
    tags = [[sentence.tags for sentence in ConllReader(path)] for path in (found, other)]
    assert tags[0] != tags[1], "else the marks would not matter here"


def test_each_text_and_each_line_is_a_document(rnner, reader):
    def scores(*arguments, stdin=None):
        outcome = rnner("predict", "--model", reader, "--format", "json", *arguments, stdin=stdin)
        return [entity["score"] for item in json.loads(outcome.out) for entity in item["entities"]]

    one, other = "Harry left London. He saw Egypt.", "Neville lost his toad in Wales."
    alone = scores(one) + scores(other)
    assert scores(one, other) == pytest.approx(alone, abs=1e-5)
    assert scores("--input", "lines", stdin=f"{one}\n{other}\n".encode()) == pytest.approx(alone, abs=1e-5)
    assert scores(f"{one} {other}") != pytest.approx(alone, abs=1e-4)
