"""Building a network from config and vocabulary; no other module knows all three."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnner import tags
from rnner.config import CharactersConfig, Config, EncoderConfig
from rnner.data.casing import CASINGS
from rnner.data.vocabulary import Vocabulary
from rnner.errors import ConfigError
from rnner.model.tagger import Tagger
from rnner.nn.cells import get_cell
from rnner.nn.characters import CharacterCNN, CharacterRecurrent
from rnner.nn.document_vector import DocumentVector
from rnner.nn.dropout import LockedDropout
from rnner.nn.embeddings import FrozenVectors, WordEmbedding, quantize
from rnner.nn.heads import CRFHead, Head, SoftmaxHead
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer, Stack


def build_tagger(config: Config, vocabulary: Vocabulary, vectors: FrozenVectors | None = None) -> Tagger:
    """Build a tagger with fresh weights, drawn from torch's global random generator.

    Args:
        config: sizes and kinds of layers; `embeddings.words.size` must be the size of the vectors.
        vocabulary: words, characters and tags, and which tags may follow which.
        vectors: the `vocabulary.rows - len(vocabulary.words)` frozen rows; None for zeros, if the weights are
            loaded later.

    Raises:
        ConfigError: the cell does not exist, or does not support the path in the config.
    """
    embeddings, dropout = config.embeddings, config.dropout
    size = embeddings.words.size
    frozen = vocabulary.rows - len(vocabulary.words)
    if vectors is None and frozen:
        int8 = embeddings.words.precision == "int8"  # as `compress_vectors` returns them
        zeros = torch.zeros(frozen, size, dtype=torch.int8 if int8 else torch.float16)
        vectors = FrozenVectors(zeros, torch.zeros(frozen, 1) if int8 else None)
    words = WordEmbedding(len(vocabulary.words), size, *(vectors or ()))
    characters = build_character_encoder(embeddings.characters, len(vocabulary.characters))
    casing = nn.Embedding(len(CASINGS), embeddings.casing) if embeddings.casing else None
    document = DocumentVector(size) if embeddings.document else None
    features = size + embeddings.casing + sum(part.output_size for part in (characters, document) if part)
    features += vocabulary.lexicon.size if vocabulary.lexicon else 0
    return Tagger(
        words=words,
        characters=characters,
        casing=casing,
        document=document,
        encoder=build_encoder(config.encoder, features, between=dropout.hidden),
        head=build_head(config.head, vocabulary, config.threshold),
        agreement=config.agreement,
        document_dropout=dropout.document,
        casing_dropout=dropout.casing,
        word_dropout=dropout.words,
        input_dropout=dropout.input,
        recurrent_dropout=dropout.recurrent,
        output_dropout=dropout.output,
    )


def compress_vectors(vectors: Tensor, precision: str) -> FrozenVectors:
    """Convert vectors [m, size] to int8, or to half precision if all fit its range (±65504)."""
    if precision == "int8":
        return quantize(vectors)
    half = vectors.half()
    return FrozenVectors(half if bool(half.isfinite().all()) else vectors)


def build_character_encoder(
    config: CharactersConfig | None, characters: int
) -> CharacterCNN | CharacterRecurrent | None:
    """Build the encoder of a word's characters; `characters` includes padding and the unknown character."""
    if config is None:
        return None
    if config.encoder == "cnn":
        return CharacterCNN(characters, config.size, config.hidden, config.width)
    try:
        layer = build_bidirectional(config.cell, config.size, config.hidden)
    except ValueError as error:
        raise ConfigError([f"embeddings.characters.cell: {error}"]) from None
    return CharacterRecurrent(characters, layer)


def build_encoder(config: EncoderConfig, features: int, *, between: float) -> Stack:
    """Build the recurrent layers over words, with dropout `between` them."""
    layers: list[RecurrentLayer] = []
    for _ in range(config.layers):
        try:
            if config.bidirectional:
                layers.append(build_bidirectional(config.cell, features, config.hidden, path=config.path))
            else:
                cell = get_cell(config.cell)(features, config.hidden)
                layers.append(Recurrent(cell, path=config.path))
        except ValueError as error:
            raise ConfigError([f"encoder: {error}"]) from None
        features = layers[-1].output_size
    return Stack(layers, between=LockedDropout(between))


def build_bidirectional(cell: str, features: int, hidden: int, *, path: str = "auto") -> Bidirectional:
    """Build two recurrences with the same kind of cell, one per direction."""
    kind = get_cell(cell)
    return Bidirectional(
        Recurrent(kind(features, hidden), path=path),
        Recurrent(kind(features, hidden), reverse=True, path=path),
    )


def build_head(kind: str, vocabulary: Vocabulary, threshold: float | None = None) -> Head:
    """Build the head called `crf` or `softmax` for the tags of a vocabulary."""
    head = {"crf": CRFHead, "softmax": SoftmaxHead}[kind](*head_masks(vocabulary))
    head.threshold = threshold
    return head


def head_masks(vocabulary: Vocabulary) -> list[Tensor]:
    """Return the masks that every `Head` takes: the transitions between tags that the tag scheme allows."""
    allowed = tags.transitions(vocabulary.tags, vocabulary.scheme)
    boundary = tags.boundaries(vocabulary.tags, vocabulary.scheme)
    return [torch.tensor(mask) for mask in (allowed.start, allowed.step, allowed.end, boundary)]
