"""Options of commands: those that both programs have, and groups of options as one parameter.

An option that was not given is ``None`` and is not passed on, so that its default has one home: the
configuration class. The help shows that default as text; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import ParameterInfo

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
        return command(**values, **gathered)

    returns = hints.get("return", Signature.empty)
    run.__signature__ = Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


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
