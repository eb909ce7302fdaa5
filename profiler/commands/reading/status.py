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
        facts = summarise(opened)
        if opened.meta("joined"):
            from profiler.selection.new_users import ageing_facts

            facts["joined"], advice = ageing_facts(opened)
            facts["advice"] += advice
    if json:
        print_json(facts)
        return
    for heading, rows in facts.items():
        if isinstance(rows, dict) and rows:
            print_table(heading, [heading, "value"], list(rows.items()))
    for advice in facts["advice"]:
        say(f"-> {advice}")
