"""Models of characters find in raw Chinese, Japanese and Thai what they find in the tokens of a corpus."""

import json

import pytest
import torch
import unspaced_corpora as corpora

from rnner.config import parse_config
from rnner.data.formats.annotated import SourceFile
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.pipeline import Pipeline
from rnner.scoring.raw_text import evaluate_raw_text
from rnner.training.setup import make_trainer, prepare_training


def reports(folder, train, test, *, epochs, batch):
    """Train a small model of characters; return the reports on the tokens of `test` and on its text."""
    for name, sentences in (("train", train), ("test", test)):
        (folder / f"{name}.conll").write_text(corpora.columns(sentences), encoding="utf-8")
    texts = (json.dumps(corpora.text(sentence)) for sentence in test)
    (folder / "test.jsonl").write_text("\n".join(texts), encoding="utf-8")
    settings = {
        "data": {"train": str(folder / "train.conll"), "dev": str(folder / "test.conll")},
        "embeddings": {"words": {"size": 24, "min_count": 1}, "characters": None},
        "encoder": {"hidden": 24},
        "dropout": {"words": 0, "input": 0, "output": 0},
        "training": {"epochs": epochs, "batch_sentences": batch, "learning_rate": 0.02, "average": None},
    }
    setup = prepare_training(parse_config(settings), device=torch.device("cpu"))
    for _ in make_trainer(setup).fit():
        pass
    pipeline = Pipeline(TaggerDecoder(setup.tagger, setup.vocabulary))
    return [
        evaluate_raw_text(pipeline, SourceFile(folder / name), form)
        for name, form in (("test.conll", "conll"), ("test.jsonl", "doccano"))
    ]


def assert_same_scores(of_tokens, of_text):
    assert of_tokens.tokens.total.f1 > 0.9
    assert abs(of_tokens.differences()["f1"]) <= 0.005
    assert of_text.raw.total.f1 == pytest.approx(of_tokens.tokens.total.f1, abs=0.005)
    assert not of_tokens.cut and not of_text.cut


def test_three_hundred_chinese_sentences(tmp_path):
    sentences = corpora.chinese(300)
    assert_same_scores(*reports(tmp_path, sentences[:240], sentences[240:], epochs=4, batch=16))


@pytest.mark.parametrize(
    "sentences",
    [
        pytest.param(corpora.japanese(), id="Japanese"),
        pytest.param(corpora.thai(), id="Thai", marks=pytest.mark.slow),
    ],
)
def test_twenty_sentences(tmp_path, sentences):
    assert len(sentences) == 20
    assert_same_scores(*reports(tmp_path, sentences, sentences, epochs=25, batch=4))
