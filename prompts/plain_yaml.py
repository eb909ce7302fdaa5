"""YAML as people write it: no aliases, no repeated keys, no endless nesting, dates that exist."""

from __future__ import annotations

from typing import Any

import yaml

MAX_DEPTH = 40


class YamlError(Exception):
    """A text that is not taken as YAML; ``place`` is ``:LINE``, or empty where it is not known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.place = "" if line is None else f":{line}"


def read_yaml(text: str) -> tuple[Any, yaml.Node | None]:
    """Read a YAML text; return its value and its tree.

    Aliases are refused, since a few of them can stand for gigabytes; so is a repeated key, of
    which YAML would silently keep the last.

    Raises
    ------
    YamlError
        Saying what is wrong and in which line.
    """
    try:
        _refuse_aliases(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_repeated_keys(root)
        return yaml.safe_load(text), root
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlError(f"not valid YAML: {error}") from error
    except (ValueError, OverflowError) as error:  # a date such as 2026-02-31
        raise YamlError(f"a value cannot be read: {error}; put it in quotes or mend it") from error


def _refuse_aliases(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise YamlError(f"it is nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent):
            raise YamlError(
                "YAML aliases are not allowed",
                event.start_mark.line + 1 if event.start_mark else 1,
            )


def _refuse_repeated_keys(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                line = key.start_mark.line + 1
                raise YamlError(f"the key {key.value!r} appears twice", line)
            seen.add(str(key.value))
            _refuse_repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value)
