"""The tagger: embed -> encode -> emissions -> head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnner.data.batches import Bags, Batch, Composition
from rnner.nn.document_vector import DocumentVector
from rnner.nn.dropout import LockedDropout, RecurrentDropout, WordDropout
from rnner.nn.embeddings import WordEmbedding
from rnner.nn.heads import CRFHead, SoftmaxHead
from rnner.nn.recurrent import RecurrentLayer


class Tagger(nn.Module):
    """Tags the words of sentences.

    What depends on a word's form alone (its vector, casing and characters) is computed once for each of
    the n distinct forms of a batch, and then put where the form stands.

    Args:
        words: word ids [n] -> vectors [n, w].
        characters: character ids [n, c] -> vectors [n, `output_size`]; None: no characters.
        casing: casing classes [n] -> vectors [n, s]; None: no casing.
        document: vectors of a document's words -> what every word of the document sees; None: nothing.
        encoder: `encoder(x [b, t, i], lengths [b]) -> (output [b, t, h], state)` with `output_size`.
        head: loss over and decoding of the emissions.
        tags: number of tags, k.
        agreement: for decoders, the share of its scores that a word has in common with those of its document
            that are spelt alike (see `rnner.decoding.agreement`); None: none.
        document_dropout: share of the training sentences that are to be shown without the rest of their
            document, so that the tagger does well where there is none; who makes the batches sees to it.
        casing_dropout: share of the training sentences that are to be shown in another case, likewise.
        word_dropout, input_dropout, recurrent_dropout, output_dropout: shares in [0, 1), see
            `rnner.nn.dropout`.
    """

    def __init__(
        self,
        *,
        words: WordEmbedding,
        characters: nn.Module | None,
        casing: nn.Embedding | None,
        document: DocumentVector | None = None,
        encoder: RecurrentLayer,
        head: CRFHead | SoftmaxHead,
        tags: int,
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
        self.emission = nn.Linear(encoder.output_size, tags)
        self.head = head
        self.agreement = agreement
        nn.init.xavier_uniform_(self.emission.weight)
        nn.init.zeros_(self.emission.bias)

    def features(self, batch: Batch[Tensor]) -> Tensor:
        """What is known of each distinct form, [n, f]."""
        ids, made_of = self.word_dropout(batch.words), batch.composition
        if made_of is not None:  # of a word that is hidden, its pieces are hidden too
            made_of = made_of.only((ids == batch.words).index_select(0, made_of.forms))
        parts = [self._vectors(ids, made_of)]
        if self.casing is not None:
            parts.append(self.casing(batch.casing))
        if self.characters is not None:
            parts.append(self.characters(batch.characters))
        return torch.cat(parts, dim=-1)

    def _vectors(self, words: Tensor, made_of: Composition[Tensor] | None) -> Tensor:
        """The vectors of forms, [n, w]: their rows, or the sums of their pieces."""
        vectors: Tensor = self.words(words)
        if made_of is None:
            return vectors
        return vectors.index_add(0, made_of.forms, self.words(made_of.rows) * made_of.weights[:, None])

    def forward(self, batch: Batch[Tensor]) -> Tensor:
        """Emissions [b, t, k], float32: a score for each word and tag; of no meaning in the padding."""
        # index_select's backward is one index_add; that of advanced indexing sorts first.
        b, t = batch.forms.shape
        parts = [self.features(batch).index_select(0, batch.forms.reshape(-1)).view(b, t, -1)]
        if batch.lexicon is not None:
            parts.append(batch.lexicon)
        if self.document is not None:
            parts.append(self._about(batch.bags)[:, None].expand(-1, t, -1))
        x = self.input_dropout(torch.cat(parts, dim=-1))
        output = self.recurrent_dropout(self.encoder, x, batch.lengths)
        emissions: Tensor = self.emission(self.output_dropout(output)).float()
        return emissions

    def _about(self, bags: Bags[Tensor] | None) -> Tensor:
        """What the document of each sentence is about, [b, w]."""
        if self.document is None or bags is None:
            raise ValueError("this tagger looks at whole documents, and the batch does not bring their words")
        words = self._vectors(bags.words, bags.composition)
        vectors: Tensor = self.document(words, bags.counts, bags.documents, bags.number)
        return vectors.index_select(0, bags.of)

    def loss(self, batch: Batch[Tensor]) -> Tensor:
        """Negative log-likelihood of the batch's tags, a scalar: summed over a sentence, mean over sentences.

        Raises:
            ValueError: if the batch has no tags.
        """
        if batch.tags is None:
            raise ValueError("a batch without tags has no loss")
        return self.head.loss(self(batch), batch.tags, batch.lengths)

    def extra_repr(self) -> str:
        """The agreement, for `print(module)`."""
        return "" if self.agreement is None else f"agreement={self.agreement}"
