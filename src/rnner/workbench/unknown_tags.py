"""Conversion of sentences in which the tags of some words are not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnner.data.formats.annotated import IllegalTagRule, SourceFile, TaggedSentence, decide_scheme
from rnner.data.tag_sets import ContradictionError, convert, describe, is_set, narrow
from rnner.data.token_table import TableRow, TokenTable, build_table, rename
from rnner.errors import DataError
from rnner.tags import UNKNOWN


def convert_sentences(
    source: SourceFile, sentences: Sequence[TaggedSentence], scheme: str, illegal: IllegalTagRule
) -> list[TaggedSentence]:
    """Return sentences with their tags in a scheme; unknown tags and labels are `?` as before.

    Raises DataError with the line if the tags cannot be converted: next to `?`, it may be unknown whether an
    entity ends, so that no tag of the new scheme says the same as the old one.
    """
    old = decide_scheme(source, sentences, illegal)
    rows = (TableRow(s.words, s.tags, s.document, s.lines[0]) for s in sentences)
    table = build_table(rows)
    try:
        known = replace(table, tags=convert(table, old, scheme))
    except ContradictionError as error:
        raise _error(source, sentences, table, error.position, str(error)) from None
    written = replace(known, tags=rename(known.tags, {tag: _mark(tag) for tag in known.tags.strings}))
    read = narrow(written, scheme)
    known_tags, read_tags = ([column.strings[i] for i in column.numbers] for column in (known.tags, read))
    before = [table.tags.strings[i] for i in table.tags.numbers]
    changed = [at for at, (tag, again) in enumerate(zip(known_tags, read_tags, strict=True)) if tag != again]
    for at in sorted(changed, key=lambda at: is_set(before[at])):  # first what was known
        what = f"{before[at]} next to an unknown word may be {describe(known_tags[at])} in {scheme}"
        raise _error(source, sentences, table, at, f"{what}, which no tag says; use --scheme {old}")
    tags = [written.tags.strings[i] for i in written.tags.numbers]
    cuts = table.starts.tolist()
    return [own._replace(tags=tags[cuts[i] : cuts[i + 1]]) for i, own in enumerate(sentences)]


def _mark(tag: str) -> str:
    """Return the tag that a file has for a set of tags."""
    return UNKNOWN if is_set(tag) and tag[2:] != UNKNOWN else tag


def _error(
    source: SourceFile, sentences: Sequence[TaggedSentence], table: TokenTable, position: int, message: str
) -> DataError:
    sentence = int(np.searchsorted(table.starts, position, side="right")) - 1
    return source.error(message, sentences[sentence].lines[position - int(table.starts[sentence])])
