"""Columns of tables: entities are counted in any spelling of the tags."""

import pytest

from rnner.data.formats.table_columns import count_entities


@pytest.mark.parametrize(
    ("tags", "entities"),
    [
        ("B-PER I-PER O B-PER B-PER", 3),
        ("b-PER b-PER o", 2),
        ("PER-B PER-I O PER-B", 2),
        ("B:PER I:PER O", 1),
        ("B-PER L-PER U-PER O", 2),
        ("PER PER 0 LOC", 2),
        ("1 1 0 1", 2),
        ("O O", 0),
    ],
)
def test_entities_are_counted_in_any_spelling(tags: str, entities: int) -> None:
    assert count_entities({tuple(tags.split()): 1}) == entities
    assert count_entities({tuple(tags.split()): 3}) == 3 * entities
