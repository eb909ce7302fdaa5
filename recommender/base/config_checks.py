"""Settings from outside, checked once and refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from store.errors import UserError
from store.suggestions import did_you_mean

__all__ = ["checked"]

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
        known = ", ".join(kind.model_fields)
        said = first["msg"].removeprefix("Value error, ")
        near = did_you_mean(where, kind.model_fields) if first["type"] == "extra_forbidden" else ""
        raise UserError(
            f"{what}, {where} = {first['input']!r}: {said}{near or '; it takes ' + known}"
        ) from None
