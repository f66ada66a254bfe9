"""Validation of vocabularies read from JSON, and of the number of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from reprlib import repr as short
from typing import Any

from rnner.errors import DataError, first_of
from rnner.tags import LABEL_RULE, SCHEMES, is_label, tag_inventory
from rnner.text.tokenizer import TOKENIZER

FORMAT_VERSION = 1
RESERVED = ["<pad>", "<unknown>"]  # ids 0 and 1; never looked up, so a token "<pad>" is an ordinary word
MAX_LABELS = 500  # time and memory for the transition scores grow with the square of this
_LONGEST_NAME = 200
STRING_LISTS = ("labels", "tags", "characters", "words", "vector_words")


def check_number_of_labels(labels: Sequence[str]) -> None:
    """Raise a DataError if there are more labels than a model can have."""
    if len(labels) > MAX_LABELS:
        raise DataError(
            f"the data has {len(labels):,} labels, but a model has at most {MAX_LABELS:,}; merge rare labels"
        )


def find_problem(data: dict[str, Any]) -> str | None:
    """Return what is wrong with the JSON value of a vocabulary, or None."""
    if "format_version" not in data:
        return "it was not written by rnner"
    if data["format_version"] != FORMAT_VERSION:
        return f"its format_version is {short(data['format_version'])}; this rnner reads {FORMAT_VERSION}"
    if data.get("tokenizer", 1) not in range(1, TOKENIZER + 1):
        version = short(data["tokenizer"])
        return f"it needs tokenizer version {version}; this rnner has 1 to {TOKENIZER}; upgrade rnner"
    own_tokenizer = data.get("own_tokenizer", "")
    if not isinstance(own_tokenizer, str):
        return "'own_tokenizer' is not a string"
    if len(own_tokenizer) > _LONGEST_NAME:
        return f"'own_tokenizer' has more than {_LONGEST_NAME} characters"
    for name in STRING_LISTS:
        if not _is_string_list(data.get(name)):
            return f"{name!r} is not a list of strings"
    for name in ("words", "characters"):
        if data[name][:2] != RESERVED:
            return f"{name!r} does not start with {RESERVED[0]} and {RESERVED[1]}"
    if not all(len(character) == 1 for character in data["characters"][2:]):
        return "an entry of 'characters' is not a single character"
    grams = [] if data.get("n_grams") is None else data["n_grams"]
    if not _is_string_list(grams):
        return "'n_grams' is not a list of strings"
    distinct = {
        "words": data["words"][2:] + data["vector_words"],
        "characters": data["characters"][2:],
        "labels": data["labels"],
        "n_grams": grams,
    }
    for name, entries in distinct.items():
        if "" in entries:
            return f"an entry of {name!r} is empty"
        if len(set(entries)) != len(entries):
            return f"duplicate {short(Counter(entries).most_common(1)[0][0])} in {name!r}"
    if len(data["labels"]) > MAX_LABELS:
        return f"it has {len(data['labels'])} labels; a model has at most {MAX_LABELS}"
    for label in data["labels"]:
        if not is_label(label):
            return f"the label {label[:120]!r} is not valid: {LABEL_RULE}"
    if data.get("scheme") not in SCHEMES:
        return f"its scheme is {short(data.get('scheme'))}; expected {', '.join(SCHEMES)}"
    if sorted(data["tags"]) != sorted(tag_inventory(data["labels"], data["scheme"])):
        return f"'tags' are not the {data['scheme']} tags of the labels {', '.join(first_of(data['labels']))}"
    return _lexicon_problem(data.get("lexicon"), 1 + len(data["labels"]))


def _is_string_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _lexicon_problem(counts: object, width: int) -> str | None:
    if counts is None:
        return None
    if not isinstance(counts, dict):
        return "'lexicon' is not a map from words to counts"
    for word, row in counts.items():
        if not (
            isinstance(row, list)
            and len(row) == width
            and all(type(n) is int and 0 <= n < 2**31 for n in row)
        ):
            return f"'lexicon' does not have {width} counts for {short(word)}"
    return None
