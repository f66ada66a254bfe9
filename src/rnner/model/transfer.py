"""Transfer of weights to a new tagger, from another model or from word vectors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from rnner.data.vocabulary import Vocabulary
from rnner.model.tagger import Tagger


@torch.no_grad()
def transfer_weights(
    old: Tagger, old_vocabulary: Vocabulary, new: Tagger, new_vocabulary: Vocabulary
) -> None:
    """Copy the weights of `old` into `new`, whose vocabulary extends the old one.

    Weights of words, characters and tags move to their ids in the new vocabulary; new ones keep their initial
    weights. The taggers must have the same config.
    """
    kept = [new_vocabulary.tags.index(tag) for tag in old_vocabulary.tags]
    rows = {
        "words": list(range(len(old_vocabulary.words))),  # new words and characters follow the old ones
        "characters": list(range(len(old_vocabulary.characters))),
        "emission": kept,
        "head": [*kept, len(new_vocabulary.tags)],  # the last is the edge of a sentence
    }
    target = new.state_dict()
    features = _feature_columns(old, old_vocabulary, new_vocabulary)
    for name, source in old.state_dict().items():
        part = name.partition(".")[0]
        if name.startswith("encoder.layers.0.") and name.endswith(".W_ax"):
            target[name][:, features] = source
        elif source.shape == target[name].shape and part not in ("emission", "head"):
            target[name].copy_(source)
        else:
            to = torch.tensor(rows[part], device=source.device)
            if part == "head":
                target[name][to[:, None], to] = source
            else:
                target[name][to] = source


def _feature_columns(old: Tagger, old_vocabulary: Vocabulary, new_vocabulary: Vocabulary) -> list[int]:
    """Return the columns of the old input features in the new input, whose lexicon has more labels."""
    size = old.encoder.input_size
    if old_vocabulary.lexicon is None or new_vocabulary.lexicon is None:
        return list(range(size))
    document = old.document.output_size if old.document is not None else 0  # last, see `Tagger.forward`
    before = size - document - old_vocabulary.lexicon.size
    lexicon = [before + column for column in old_vocabulary.lexicon.columns_in(new_vocabulary.lexicon)]
    behind = before + new_vocabulary.lexicon.size
    return [*range(before), *lexicon, *range(behind, behind + document)]


def set_word_vectors(tagger: Tagger, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """Initialise the trained vectors of the words `ids` [n] with `vectors` [n, size]."""
    with torch.no_grad():
        tagger.words.weight[torch.from_numpy(ids)] = torch.from_numpy(vectors)
