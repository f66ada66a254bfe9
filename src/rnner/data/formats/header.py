"""Header rows of column files: `word pos tag` above the first sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from rnner.tags import is_tag

ColumnName = Literal["token", "tag", "predicted", "other", ""]
PREDICTED = "predicted"
"""The name of the column of predicted tags, which is preferred to other columns of tags."""

_TOKEN = re.compile(
    "tokens?|words?|form|text|surface|char|character|wort|woord|mot|palabra|palavra|parola|ord|slovo|kelime|kata"
    "|слово|токен|词|字|词语|单词|單詞|単語|トークン|단어|토큰"
)
_TAG = re.compile(
    r"(ner?|tags?|labels?|entit(y|ies)|bio|iob[12es]*|bioes|bilou|etikett|étiquette|etiqueta|etichetta|метка"
    r"|тег|标签|標籤|标注|ラベル|タグ|태그|라벨)(_.*)?"
)
_OTHER = re.compile(
    r"(id|idx|index|no|nr|sent|sentence|sentences|doc|document|lemma|lemmas|pos|upos|xpos|chunk|chunks|feats|head"
    r"|deprel|misc|start|end|source|render|seg|space|whitespace)(_.*)?"
)


def column_names(cells: Sequence[str]) -> list[ColumnName]:
    """Return the kind of column that each cell names; an empty string for a cell that is not a usual name."""
    return [_kind(re.sub(r"[\W_]+", "_", cell.casefold()).strip("_")) for cell in cells]


def is_header(cells: Sequence[str]) -> bool:
    """Return whether a row has the usual names of a column of words and of another column, and no tag."""
    names = column_names(cells)
    return "token" in names and len(names) - names.count("") >= 2 and not any(map(is_tag, cells))


def may_be_header(cells: Sequence[str]) -> bool:
    """Return whether a row names words or tags, and has no tag; it is a header if the next rows have tags."""
    has_name = not {"token", "tag"}.isdisjoint(column_names(cells))
    return has_name and not any(map(is_tag, cells)) and not cells[0].startswith("#")


def _kind(name: str) -> ColumnName:
    if _TOKEN.fullmatch(name):
        return "token"
    if name == PREDICTED:
        return "predicted"
    if _TAG.fullmatch(name):
        return "tag"
    return "other" if _OTHER.fullmatch(name) else ""
