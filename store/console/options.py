"""Options of commands: those that both programs have, and groups of options as one parameter.

An option that was not given is ``None`` and is not passed on, so that its default has one home: the
configuration class. The help shows that default as text; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer
from typer.models import OptionInfo, ParameterInfo

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
Detail = Annotated[
    bool,
    option("Also show the figures behind the sentence, and where the words are from.", "--detail"),
]
Json = Annotated[bool, option("Print one JSON document.", "--json")]


def given(*groups: object, **values: Any) -> dict[str, Any]:
    """Gather the options that were given: fields of option groups and values that are not None."""
    found: dict[str, Any] = {}
    for group in groups:
        found |= vars(group)
    return {name: value for name, value in (found | values).items() if value is not None}


On = Annotated[
    str | None,
    option(
        "Let Ray's workers do the work over users: ray starts them on this machine, ray:ADDRESS "
        "joins a cluster (extra ray).",
        "--on",
        metavar="ray[:ADDRESS]",
        default="one process",
    ),
]


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


def in_options(text: str, names: Mapping[str, str]) -> str:
    """Turn the parameters that a message of the library names into options of a command.

    `` `steps` `` becomes ``--steps``, ``user_column`` becomes ``--user-column``, and
    ``keep=event=cart`` becomes ``--keep event=cart``. A parameter of one plain word, such as
    ``items``, is turned only in backticks or where a value follows it: elsewhere it is a word like
    any other.

    Parameters
    ----------
    text
        The message.
    names
        Option of each parameter, from :func:`option_names`; other names stay as they are.
    """
    if not names:
        return text
    pattern = "|".join(sorted(map(re.escape, names), key=len, reverse=True))

    def turned(match: re.Match[str]) -> str:
        name, equals = match["quoted"] or match["bare"], match["equals"]
        if match["bare"] and "_" not in name and not equals:
            return match[0]
        return names[name] + (" " if equals else "")

    return re.sub(
        rf"`(?P<quoted>{pattern})`"
        rf"|(?<![\w'\"`./-])(?P<bare>{pattern})(?![\w'\"])(?P<equals>=?)",
        turned,
        text,
    )


def option_names(command: Callable[..., Any] | None) -> dict[str, str]:
    """Option of each parameter of a command: its first long name, else its first name."""
    if command is None:
        return {}
    names = {}
    for name, annotation in get_type_hints(command, include_extras=True).items():
        for info in get_args(annotation)[1:]:
            if isinstance(info, OptionInfo):
                # In an annotation Typer keeps the first name where a default would be.
                declared = [str(one) for one in (info.default, *(info.param_decls or ()))]
                given_names = [one for one in declared if one.startswith("-")]
                given_names.sort(key=lambda one: not one.startswith("--"))
                usual = "--" + name.replace("_", "-")
                names[name] = given_names[0].partition("/")[0] if given_names else usual
    return names


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
