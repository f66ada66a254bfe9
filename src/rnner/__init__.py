"""rnner: small, fast named-entity taggers built on recurrent networks you can read.

>>> import rnner
>>> pipeline = rnner.load("en")
>>> for entity in pipeline(["Harry Potter and Hermione Granger invented a new spell."])[0]:
...     print(entity.label, entity.text)
PER Harry Potter
PER Hermione Granger
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Document", "Entity", "Pipeline", "RnnerError", "__version__", "load", "train"]

if TYPE_CHECKING:
    from rnner.decoding.document import Document
    from rnner.errors import RnnerError
    from rnner.pipeline import Pipeline, load
    from rnner.text.entity import Entity
    from rnner.training.entry import train

_HOMES = {  # module of each public name, imported on first use to keep `import rnner` and `rnner --help` fast
    "Document": "rnner.decoding.document",
    "Entity": "rnner.text.entity",
    "Pipeline": "rnner.pipeline",
    "RnnerError": "rnner.errors",
    "load": "rnner.pipeline",
    "train": "rnner.training.entry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rnner' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
