"""``profiler check``: what was read, what looks wrong; nothing is written."""

from __future__ import annotations

from typing import Annotated

import typer

from profiler.commands._data_options import (
    CategoriesColumn,
    Format,
    ItemColumn,
    Items,
    PositionColumn,
    Source,
    TimeColumn,
    TitleColumn,
    UserColumn,
    read_options,
)


def check(
    source: Source,
    items: Items = None,
    format: Format = None,
    user_column: UserColumn = None,
    item_column: ItemColumn = None,
    time_column: TimeColumn = None,
    position_column: PositionColumn = None,
    title_column: TitleColumn = None,
    categories_column: CategoriesColumn = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell what would be read and what looks wrong. Leaves with 2 where build would refuse."""
    from store.console import plain, print_json, print_table, say
    from store.data.check import fact_rows, inspect, lines
    from store.data.readers.read import read

    options = read_options(
        format,
        items,
        user_column,
        item_column,
        time_column,
        position_column,
        title_column,
        categories_column,
    )
    raw = read(source, options)
    report = inspect(raw)
    if json:
        print_json(report.as_dict())
    else:
        print_table("", ["found", "value"], fact_rows(report))
        for line in lines(raw, report):
            say(plain(line))
    if raw.problems:
        raise typer.Exit(2)
