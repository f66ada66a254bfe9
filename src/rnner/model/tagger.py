"""The tagger: embed -> encode -> emissions -> head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnner.data.batches import Batch, Composition, DocumentBags
from rnner.nn.document_vector import DocumentVector
from rnner.nn.dropout import LockedDropout, RecurrentDropout, WordDropout
from rnner.nn.embeddings import WordEmbedding
from rnner.nn.heads import Head
from rnner.nn.recurrent import RecurrentLayer


class Tagger(nn.Module):
    """Scores the tags of words in sentences.

    Features that depend only on a word's form (vector, casing, characters) are computed once for each of the
    n distinct forms of a batch, then gathered for each position.

    Args:
        words: word ids [n] -> vectors [n, w].
        encoder: `encoder(x [b, t, i], lengths [b]) -> (output [b, t, h], state)` with `output_size`.
        head: loss over the emissions [b, t, k] of k tags, and decoding.
        characters: character ids [n, c] -> vectors [n, `output_size`]; None: no characters.
        casing: casing classes [n] -> vectors [n, s]; None: no casing.
        document: vectors of a document's words -> a vector added to each of its words; None for none.
        agreement: for decoders, the weight of the mean emissions of equally spelled words of a document
            (see `rnner.decoding.agreement`); None for no agreement.
        document_dropout: share of training sentences to be shown without the rest of their document, so that
            the tagger also works without one; applied by the code that makes batches.
        casing_dropout: share of training sentences to be shown in another case; also applied by that code.
        word_dropout, input_dropout, recurrent_dropout, output_dropout: shares in [0, 1), see
            `rnner.nn.dropout`.
    """

    def __init__(
        self,
        *,
        words: WordEmbedding,
        encoder: RecurrentLayer,
        head: Head,
        characters: nn.Module | None = None,
        casing: nn.Embedding | None = None,
        document: DocumentVector | None = None,
        agreement: float | None = None,
        document_dropout: float = 0.0,
        casing_dropout: float = 0.0,
        word_dropout: float = 0.0,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.words = words
        self.characters = characters
        self.casing = casing
        self.document = document
        self.document_dropout, self.casing_dropout = document_dropout, casing_dropout
        self.word_dropout = WordDropout(word_dropout)
        self.input_dropout = LockedDropout(input_dropout)
        self.encoder = encoder
        self.recurrent_dropout = RecurrentDropout(recurrent_dropout)
        self.output_dropout = LockedDropout(output_dropout)
        self.emission = nn.Linear(encoder.output_size, len(head.boundary))
        self.head = head
        self.agreement = agreement
        nn.init.xavier_uniform_(self.emission.weight)
        nn.init.zeros_(self.emission.bias)

    def features(self, batch: Batch[Tensor]) -> Tensor:
        """Return the features of each distinct form, [n, f]."""
        ids, composition = self.word_dropout(batch.words), batch.composition
        if composition is not None:  # the pieces of a dropped word are dropped too
            composition = composition.masked((ids == batch.words).index_select(0, composition.forms))
        parts = [self._word_vectors(ids, composition)]
        if self.casing is not None:
            parts.append(self.casing(batch.casing))
        if self.characters is not None:
            parts.append(self.characters(batch.characters))
        return torch.cat(parts, dim=-1)

    def _word_vectors(self, words: Tensor, composition: Composition[Tensor] | None) -> Tensor:
        """Return the vectors of forms, [n, w]: their rows, or weighted sums of the rows of their pieces."""
        vectors: Tensor = self.words(words)
        if composition is None:
            return vectors
        pieces = self.words(composition.rows) * composition.weights[:, None]
        return vectors.index_add(0, composition.forms, pieces)

    def forward(self, batch: Batch[Tensor]) -> Tensor:
        """Return emissions [b, t, k], float32: a score for each word and tag, arbitrary in the padding."""
        # The backward pass of index_select is one index_add; that of advanced indexing sorts first.
        b, t = batch.forms.shape
        parts = [self.features(batch).index_select(0, batch.forms.reshape(-1)).view(b, t, -1)]
        if batch.lexicon is not None:
            parts.append(batch.lexicon)
        if self.document is not None:
            parts.append(self._document_vectors(self.document, batch.bags)[:, None].expand(-1, t, -1))
        x = self.input_dropout(torch.cat(parts, dim=-1))
        output = self.recurrent_dropout(self.encoder, x, batch.lengths)
        emissions: Tensor = self.emission(self.output_dropout(output)).float()
        return emissions

    def _document_vectors(self, document: DocumentVector, bags: DocumentBags[Tensor] | None) -> Tensor:
        """Return the vector of each sentence's document, [b, w]."""
        if bags is None:
            raise ValueError("this tagger uses whole documents, but the batch has no bags of their words")
        words = self._word_vectors(bags.words, bags.composition)
        vectors: Tensor = document(words, bags.counts, bags.documents, bags.number_documents)
        return vectors.index_select(0, bags.document_of)

    def loss(self, batch: Batch[Tensor]) -> Tensor:
        """Return the negative log-likelihood of the tags: summed over each sentence, averaged over sentences.

        If a word of the batch has several possible tags, it is that of all sequences of possible tags.

        Raises:
            ValueError: the batch has no tags.
        """
        if batch.tags is None:
            raise ValueError("the loss needs a batch with tags")
        if batch.allowed is not None:
            return self.head.partial_loss(self(batch), batch.allowed, batch.lengths)
        return self.head.loss(self(batch), batch.tags, batch.lengths)

    def extra_repr(self) -> str:
        """Return the agreement, for `print(module)`."""
        return "" if self.agreement is None else f"agreement={self.agreement}"
