"""``profiler check``: what was read, what looks wrong; nothing is written."""

from __future__ import annotations

import typer

from profiler.commands.options import DataOptions, Source
from store.console.options import Json, grouped


@grouped
def check(source: Source, data: DataOptions, json: Json = False) -> None:
    """Say what would be read and what looks wrong. Leaves with 2 where build would refuse.

    $ profiler check shop
    $ profiler check orders.csv --user-column customer --item-column sku --time-column when
    """
    from store.console import print_json, print_table, say
    from store.data.check import fact_rows, inspect, lines
    from store.data.readers.read import read

    raw = read(source, data.read_options())
    report = inspect(raw)
    if json:
        print_json(report.as_dict())
    else:
        print_table("", ["found", "value"], fact_rows(report))
        for line in lines(raw, report):
            say(line)
    if raw.problems:
        raise typer.Exit(2)
