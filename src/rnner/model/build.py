"""Where config and vocabulary become a network; no other module knows all three."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
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
from rnner.nn.embeddings import FrozenVectors, WordEmbedding, quantized
from rnner.nn.heads import CRFHead, SoftmaxHead
from rnner.nn.recurrent import Bidirectional, Recurrent, RecurrentLayer, Stack


def build_tagger(config: Config, vocabulary: Vocabulary, vectors: FrozenVectors | None = None) -> Tagger:
    """A tagger with fresh weights, drawn from torch's global random generator.

    Args:
        config: sizes and kinds; `embeddings.words.size` must be that of the vectors.
        vocabulary: how many words, characters and tags there are, and which tags may follow which.
        vectors: the `vocabulary.rows - len(vocabulary.words)` frozen rows; None: zeros in their place, for
            weights that are loaded afterwards.

    Raises:
        ConfigError: there is no such cell, or it has no such path.
    """
    embeddings, dropout = config.embeddings, config.dropout
    size = embeddings.words.size
    frozen = vocabulary.rows - len(vocabulary.words)
    if vectors is None and frozen:
        vectors = _no_rows(frozen, size, embeddings.words.precision)
    words = WordEmbedding(len(vocabulary.words), size, *(vectors or ()))
    characters = build_characters(embeddings.characters, len(vocabulary.characters))
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
        tags=len(vocabulary.tags),
        agreement=config.agreement,
        document_dropout=dropout.document,
        casing_dropout=dropout.casing,
        word_dropout=dropout.words,
        input_dropout=dropout.input,
        recurrent_dropout=dropout.recurrent,
        output_dropout=dropout.output,
    )


def to_rows(vectors: Tensor, precision: str) -> FrozenVectors:
    """Vectors [m, size] as they are kept: in 8 bits, or in half precision if that can hold them."""
    if precision == "int8":
        return quantized(vectors)
    half = vectors.half()
    return FrozenVectors(half if bool(half.isfinite().all()) else vectors)  # above 65504 there is no half


def _no_rows(m: int, size: int, precision: str) -> FrozenVectors:
    """Zeros that are kept as `to_rows` keeps them."""
    if precision == "int8":
        return FrozenVectors(torch.zeros(m, size, dtype=torch.int8), torch.zeros(m, 1))
    return FrozenVectors(torch.zeros(m, size, dtype=torch.float16))


def build_characters(
    config: CharactersConfig | None, characters: int
) -> CharacterCNN | CharacterRecurrent | None:
    """The encoder of a word's characters; `characters` counts padding and the unknown one too."""
    if config is None:
        return None
    if config.encoder == "cnn":
        return CharacterCNN(characters, config.size, config.hidden, config.width)
    try:
        layer = build_bidirectional(config.cell, config.size, config.hidden)
    except ValueError as error:
        raise ConfigError([f"embeddings.characters.cell: {error}"]) from None
    return CharacterRecurrent(characters, config.size, layer)


def build_encoder(config: EncoderConfig, features: int, *, between: float) -> Stack:
    """The recurrent layers over words, with dropout between them."""
    layers: list[RecurrentLayer] = []
    for _ in range(config.layers):
        try:
            layer = build_layer(
                config.cell, features, config.hidden, bidirectional=config.bidirectional, path=config.path
            )
        except ValueError as error:
            raise ConfigError([f"encoder: {error}"]) from None
        layers.append(layer)
        features = layer.output_size
    return Stack(layers, between=LockedDropout(between))


def build_layer(cell: str, features: int, hidden: int, *, bidirectional: bool, path: str) -> RecurrentLayer:
    """One recurrence forward, and one backward beside it if `bidirectional`."""
    if bidirectional:
        return build_bidirectional(cell, features, hidden, path=path)
    return Recurrent(get_cell(cell)(features, hidden), path=path)


def build_bidirectional(cell: str, features: int, hidden: int, *, path: str = "auto") -> Bidirectional:
    """Two recurrences of the same kind, one for each direction."""
    kind = get_cell(cell)
    return Bidirectional(
        Recurrent(kind(features, hidden), path=path),
        Recurrent(kind(features, hidden), reverse=True, path=path),
    )


def build_head(kind: str, vocabulary: Vocabulary, threshold: float | None = None) -> CRFHead | SoftmaxHead:
    """The head, with the moves between tags that the vocabulary's scheme allows."""
    allowed = tags.transitions(vocabulary.tags, vocabulary.scheme)
    masks = (
        torch.tensor(allowed.start),
        torch.tensor(allowed.step),
        torch.tensor(allowed.end),
        torch.tensor(tags.boundaries(vocabulary.tags, vocabulary.scheme)),
    )
    head = CRFHead(*masks) if kind == "crf" else SoftmaxHead(*masks)
    head.threshold = threshold
    return head


# --- going on from a model ---------------------------------------------------------------------------------


@torch.no_grad()
def transplant(old: Tagger, old_vocabulary: Vocabulary, new: Tagger, new_vocabulary: Vocabulary) -> None:
    """Copy what `old` has learnt into `new`, whose vocabulary holds the old one and more.

    FrozenVectors of words, characters and tags go to where the new vocabulary has them; what the old one
    lacked keeps its fresh weights. Both taggers must be of the same config but for the vocabulary.
    """
    kept = [new_vocabulary.tags.index(tag) for tag in old_vocabulary.tags]
    rows = {
        "words": list(range(len(old_vocabulary.words))),  # new words and characters come after the old
        "characters": list(range(len(old_vocabulary.characters))),
        "emission": kept,
        "head": [*kept, len(new_vocabulary.tags)],  # the last is the edge of a sentence
    }
    target = new.state_dict()
    features = _feature_columns(old, old_vocabulary, new_vocabulary)
    for name, source in old.state_dict().items():
        if name.startswith("encoder.layers.0.") and name.endswith(".W_ax"):
            target[name][:, features] = source
            continue
        if source.shape == target[name].shape and name.partition(".")[0] not in ("emission", "head"):
            target[name].copy_(source)
            continue
        to = torch.tensor(rows[name.partition(".")[0]], device=source.device)
        if name.startswith("head."):
            target[name][to[:, None], to] = source
        else:
            target[name][to] = source


def _feature_columns(old: Tagger, old_vocabulary: Vocabulary, new_vocabulary: Vocabulary) -> list[int]:
    """Where what the old encoder saw of a word stands in what the new one sees, which has more labels."""
    size = old.encoder.input_size
    if old_vocabulary.lexicon is None or new_vocabulary.lexicon is None:
        return list(range(size))
    after = (
        old.document.output_size if old.document is not None else 0
    )  # behind the lexicon: see Tagger.forward
    before = size - after - old_vocabulary.lexicon.size
    inside = [before + column for column in old_vocabulary.lexicon.columns_in(new_vocabulary.lexicon)]
    behind = before + new_vocabulary.lexicon.size
    return [*range(before), *inside, *range(behind, behind + after)]


def set_rows(tagger: Tagger, ids: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
    """Start the trained vectors of the words `ids` [n] from `rows` [n, size]."""
    with torch.no_grad():
        tagger.words.weight[torch.from_numpy(ids)] = torch.from_numpy(rows)
