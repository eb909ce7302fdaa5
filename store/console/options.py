"""Options of commands: those that both programs have, and groups of options as one parameter.

An option that was not given is ``None`` and is not passed on, so that its default has one home: the
configuration class. The help shows that default as text; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import OptionInfo, ParameterInfo

from store.errors import UserError

R = TypeVar("R")


def option(help: str, *names: str, default: str | None = None, **settings: Any) -> Any:
    """An option whose help ends in its default, where that is decided elsewhere.

    Parameters
    ----------
    help
        One sentence or more.
    names
        Names other than the parameter's own, such as ``"-k"``.
    default
        The default as text; ``None`` where there is none to tell.
    settings
        Passed on to :func:`typer.Option`.
    """
    text = help if default is None else f"{help} [default: {default}]"
    settings.setdefault("show_default", False)
    return typer.Option(*names, help=text, **settings)


StoreFile = Annotated[Path, option("The store file.", "--store")]
NewStoreFile = Annotated[Path, option("The store file; made where it is missing.", "--store")]
Overwrite = Annotated[bool, option("Replace what exists already.", "--overwrite")]
Json = Annotated[bool, option("Print one JSON document.", "--json")]


def given(*groups: object, **values: Any) -> dict[str, Any]:
    """Gather the options that were given: fields of option groups and values that are not None."""
    found: dict[str, Any] = {}
    for group in groups:
        found |= vars(group)
    return {name: value for name, value in (found | values).items() if value is not None}


def grouped(command: Callable[..., R]) -> Callable[..., R]:
    """Let a command take groups of options: each parameter that is a dataclass becomes its fields.

    A group is a frozen dataclass whose fields are annotated as options are and have defaults; its
    ``HEADING``, a class variable, is the heading of these options in the help.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[Parameter] = []
    groups: dict[str, type] = {}
    for parameter in signature(command).parameters.values():
        kind = hints[parameter.name]
        if is_dataclass(kind) and isinstance(kind, type):
            groups[parameter.name] = kind
            parameters += _options_of(kind)
        else:
            parameters.append(parameter.replace(annotation=kind, kind=Parameter.KEYWORD_ONLY))

    @wraps(command)
    def run(**values: Any) -> R:
        gathered = {
            name: kind(**{entry.name: values.pop(entry.name) for entry in fields(kind)})
            for name, kind in groups.items()
        }
        try:
            return command(**values, **gathered)
        except UserError as error:
            error.args = tuple(
                as_options(part, run) if isinstance(part, str) else part for part in error.args
            )
            raise

    returns = hints.get("return", Signature.empty)
    run.__signature__ = Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def as_options(text: str, command: Callable[..., Any]) -> str:
    """Turn the parameters that a message of the library names into options of a command.

    ``user_column`` becomes ``--user-column``, and ``keep=event=cart`` becomes
    ``--keep event=cart``. A parameter of one plain word, such as ``items``, is turned only where a
    value follows it: elsewhere it is a word like any other.
    """
    names = _option_names(command)
    if not names:
        return text
    pattern = "|".join(sorted(map(re.escape, names), key=len, reverse=True))

    def turned(found: re.Match[str]) -> str:
        name, equals = found[1], found[2]
        if "_" not in name and not equals:
            return found[0]
        return names[name] + (" " if equals else "")

    return re.sub(rf"(?<![\w'\"./-])({pattern})(?![\w'\"])(=?)", turned, text)


def _option_names(command: Callable[..., Any]) -> dict[str, str]:
    """Option of each parameter of a command."""
    found = {}
    for name, annotation in getattr(command, "__annotations__", {}).items():
        for info in get_args(annotation)[1:]:
            if isinstance(info, OptionInfo):
                # In an annotation Typer keeps the first name where a default would be.
                declared = (info.default, *(info.param_decls or ()))
                given_names = [str(one) for one in declared if str(one).startswith("--")]
                usual = "--" + name.replace("_", "-")
                found[name] = given_names[0].partition("/")[0] if given_names else usual
    return found


def _options_of(group: type) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(
            entry.name,
            Parameter.KEYWORD_ONLY,
            default=entry.default,
            annotation=_under(group.HEADING, hints[entry.name]),  # type: ignore[attr-defined]
        )
        for entry in fields(group)
    ]


def _under(heading: str, annotation: Any) -> Any:
    """The same annotation with its option under a heading."""
    kind, *infos = get_args(annotation)
    placed = []
    for info in infos:
        if isinstance(info, ParameterInfo):
            info = copy(info)
            info.rich_help_panel = heading
        placed.append(info)
    return Annotated[(kind, *placed)]
