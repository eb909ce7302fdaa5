"""Settings from outside, checked once and refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from store.errors import UserError
from store.suggestions import check_in_words, did_you_mean

__all__ = ["checked"]

FEW = 5
"""Settings that are named where none is like the one that was written."""

Config = TypeVar("Config", bound=BaseModel)
SettingValues: TypeAlias = dict[str, Any]
"""Settings by name, as a user gives them; :func:`checked` turns them into a configuration."""


def checked(kind: type[Config], values: Mapping[str, Any], what: str) -> Config:
    """Build a configuration.

    Parameters
    ----------
    what : str
        Whose settings these are, for the message.

    Raises
    ------
    UserError
        That names the setting, its value, what is wrong and which settings there are.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            raise UserError(f"{what}: no setting {where}{_nearest(where, kind)}") from None
        said = check_in_words(first["msg"].removeprefix("Value error, "))
        raise UserError(f"{what}, {where} = {first['input']!r}: {said}") from None


def _nearest(name: str, kind: type[BaseModel]) -> str:
    """The settings that may have been meant; a few of them where none is like the name."""
    names = list(kind.model_fields)
    some = sorted(names, key=lambda one: -SequenceMatcher(None, name, one).ratio())[:FEW]
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return did_you_mean(name, names) or f"; it takes {', '.join(some)}{more}"
