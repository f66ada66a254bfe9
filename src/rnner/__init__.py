"""rnner: small, fast named-entity taggers built on recurrent networks you can read.

>>> import rnner
>>> pipeline = rnner.load("en")
>>> for entity in pipeline(["Harry Potter and Hermione Granger invented a new spell."])[0]:
...     print(entity.label, entity.text)
PER Harry Potter
PER Hermione Granger
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Entity", "Pipeline", "__version__", "load", "train"]

if TYPE_CHECKING:
    from rnner.pipeline import Pipeline, load
    from rnner.text.entity import Entity
    from rnner.training.entry import train


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import rnner` and `rnner --help` stay quick."""
    if name in {"load", "Pipeline"}:
        from rnner import pipeline

        return getattr(pipeline, name)
    if name == "Entity":
        from rnner.text.entity import Entity

        return Entity
    if name == "train":
        from rnner.training.entry import train

        return train
    raise AttributeError(f"module 'rnner' has no attribute {name!r}")
