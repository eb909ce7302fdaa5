"""``profiler status``: what the store holds, what it cost, what is missing."""

from __future__ import annotations

from store.console.options import Json, StoreFile


def status(
    store: StoreFile,
    json: Json = False,
) -> None:
    """Counts, coverage, cost and failures of a store.

    $ profiler status --store shop.db
    """
    from store.console import print_json, print_table, say
    from store.store import open_store
    from store.views.status import summarise

    with open_store(store) as opened:
        document = summarise(opened).to_json()
        if opened.meta("joined"):
            from profiler.selection.new_users import ageing_facts

            document["joined"], advice = ageing_facts(opened)
            document["advice"] += advice
    if json:
        print_json(document)
        return
    for heading, rows in document.items():
        if isinstance(rows, dict) and rows:
            print_table(heading, [heading, "value"], list(rows.items()))
    for line in document["advice"]:
        say(f"-> {line}")
