"""``profiler check``: what was read, what looks wrong; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from profiler.commands.data_options import DataOptions, Source
from store.console.options import Json, grouped, in_options, option_names
from store.console.shell import in_shell

if TYPE_CHECKING:
    from store.data.check import Report
    from store.data.readers import RawData


@grouped
def check(source: Source, data: DataOptions, json: Json = False) -> None:
    """Say what would be read and what looks wrong.

    Exits with code 2 where `profiler build` would refuse the data.

    $ profiler check shop
    $ profiler check orders.csv --user-column customer --item-column sku --time-column when
    """
    from store.console import print_json, say, show_progress
    from store.data.check import inspect
    from store.data.readers.read import read

    options = data.read_options()
    with show_progress(quiet=json) as tell:
        raw = read(source, options, progress=tell)
        report = inspect(raw)
        proposed = _proposed(raw)
        again = None
        columns: dict[str, Any] = {**proposed}
        if proposed and raw.problems and _is_rereadable(source):
            again = read(source, replace(options, **columns), progress=tell)
    command = in_shell(build_command(source, data, proposed))
    if json:
        document = report.as_dict() | {"build": command}
        if again is not None:
            document["with_proposed"] = inspect(again).as_dict()
        print_json(document)
    else:
        _print(raw, report)
        if again is not None:
            say(f"read with {in_shell(column_options(proposed))}:")
            _print(again, inspect(again))
        elif proposed and not raw.problems:
            found = ", ".join(f"{name!r}" for name in proposed.values())
            say(f"note: columns that may hold texts of items: {found}; the next command uses them")
        if not (again or raw).problems:
            say(f"next: {command}")
    if raw.problems:
        raise typer.Exit(2)


def _is_rereadable(source: str | Path) -> bool:
    """Whether a source can be read twice; what comes through a pipe cannot."""
    from store.data.readers.sources.location import location_of

    path = Path(source)
    return location_of(source) is not None or path.is_file() or path.is_dir()


def _proposed(raw: RawData) -> dict[str, str]:
    """Columns to take instead of those that are missing; texts only where items have none."""
    from store.data.readers.base.problems import Kind

    missing = any(problem.kind is Kind.COLUMN for problem in raw.problems)
    return raw.proposed if missing or raw.items["title"].null_count() == raw.items.height else {}


def _print(raw: RawData, report: Report) -> None:
    from profiler.commands.building.build import build
    from store.console import print_table, say
    from store.data.check import fact_rows, lines

    if report.interactions:
        print_table("", ["found", "value"], fact_rows(report))
    names = option_names(build)
    for line in lines(raw, report):
        say(in_options(line, names))


def build_command(source: str | Path, data: DataOptions, proposed: Mapping[str, str]) -> list[str]:
    """Return the command that builds a store of what was read, with every option that it needs.

    Passwords and signatures of addresses are left out of it.
    """
    from store.data.readers.sources.location import shown_source

    chosen: dict[str, Any] = {
        name: value for name, value in vars(data).items() if value is not None
    }
    if data.items is not None:
        chosen["items"] = shown_source(data.items)
    shown = shown_source(source)
    name = Path(shown.rpartition(":")[2]).name.partition(".")[0].partition("?")[0].strip("-")
    options = column_options(chosen | dict(proposed))
    return ["profiler", "build", shown, "--store", f"{name or 'data'}.db", *options]


def column_options(chosen: Mapping[str, Any]) -> list[str]:
    """Options as they are written in a shell, by the parameters they set."""
    options = option_names(check)
    words: list[str] = []
    for name, value in chosen.items():
        if isinstance(value, bool):
            words.append(options[name] if value else options[name].replace("--", "--no-", 1))
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [options[name], str(one)]
    return words
