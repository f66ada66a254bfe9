"""How uncertain models are about the entities of a text, in bits.

Uncertainty sampling (Lewis and Gale 1994) annotates what the model knows least about. For sequences, Settles
and Craven (2008) compare scores of whole tag sequences, such as least confidence, 1 - P(best sequence), and
Shen et al. (2018) divide its logarithm by the number of words (MNLP). Most words of a text are clearly not
names, so Şapcı et al. (2024) look at those that may be. Here the unit is the entity: with the exact
probability p_m(e) of the entity e under model m of M,

    p(e) = (1 / M) sum_m p_m(e)        uncertainty = sum_e H(p(e)),  H(p) = -p log2 p - (1 - p) log2 (1 - p)

An entity that is there or not with equal chances counts one bit; an entity that all models are sure of counts
nothing. For several models, H(p) is the mean of their own entropies H(p_m) plus their disagreement, which
query by committee (Seung, Opper and Sompolinsky 1992) and BALD (Houlsby et al. 2011) measure alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from rnner.decoding.document import Document
from rnner.decoding.spans import ScoredSpan
from rnner.pipeline import Pipeline
from rnner.tags import Span

LEAST = 0.05
"""Entities less probable than this are left out: there are many, and each adds less than 0.3 bits."""


Bits = dict[str, float]
"""The uncertainty of the possible names in a text, by their words in lower case. Its sum is the text's."""


def uncertain_names(
    documents: Sequence[Document], models: Sequence[Pipeline], numbers: Sequence[int] | None = None
) -> list[Bits]:
    """Return the uncertainty of the possible names of each text.

    Args:
        documents: texts from one of the models, whose sentences and words all models read.
        models: one or more models, with the same labels.
        numbers: the document numbers of the texts, as for `Pipeline.read`.
    """
    found = [model.candidates(documents, LEAST, numbers) for model in models]
    return [
        _bits(document, of_models)
        for document, of_models in zip(documents, zip(*found, strict=True), strict=True)
    ]


def entity_bits(members: Sequence[Iterable[ScoredSpan]]) -> dict[Span, float]:
    """Return the uncertainty of the possible entities of a sentence, given those of each of M models."""
    sums: dict[Span, float] = defaultdict(float)
    for span in chain.from_iterable(members):
        sums[Span(*span[:3])] += span.score
    return {span: binary_entropy(total / len(members)) for span, total in sums.items()}


def _bits(document: Document, of_models: Sequence[Sequence[Iterable[ScoredSpan]]]) -> Bits:
    names: Bits = defaultdict(float)
    for tokens, members in zip(document.sentences, zip(*of_models, strict=True), strict=True):
        for span, bits in entity_bits(members).items():
            names[" ".join(token.text.lower() for token in tokens[span.start : span.end])] += bits
    return dict(names)


def binary_entropy(p: float) -> float:
    """Return the entropy, in bits, of something that happens with probability p."""
    if not 0 < p < 1:  # it may exceed 1 by a rounding error
        return 0.0
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)
