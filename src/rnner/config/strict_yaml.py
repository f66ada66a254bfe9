"""Strict YAML: no surprising types, no duplicate keys, safe for files from unknown sources."""

from __future__ import annotations

import re
from typing import Any

import yaml

from rnner.errors import ConfigError, shorten


class _Loader(yaml.SafeLoader):
    """Loader in which 1e-3 is a number, a date is text, and a duplicate key is an error.

    Integers are decimal: 010 and 1:30 are text, where YAML 1.1 would read 8 and 90.
    Aliases are rejected: configs do not need them, and a few can expand to a tree of any size.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"*{event.anchor}: aliases are not allowed; write out the value", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, KeyError, AttributeError):
            # PyYAML raises these for `0x_`, `!!bool maybe` or a number of 5,000 digits.
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"cannot be read as {kind}; put text in quotes", node.start_mark
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not text: put it in quotes", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key {key!r}", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class Dumper(yaml.SafeDumper):
    """Dumper that quotes text which `_Loader` would read as another type."""


_FLOAT = re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))
Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))
_INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9_]*)$")
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, _INTEGER if tag.endswith(":int") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith(":timestamp")
    ]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str, source: str) -> Any:
    """Parse a YAML text.

    Raises:
        ConfigError: the text is not valid YAML; the message starts with `source` and the position.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError([f"not valid YAML: {shorten(' '.join(what.split()))}"], where) from None
    except RecursionError:
        raise ConfigError(["not valid YAML: nested too deeply"], source) from None
