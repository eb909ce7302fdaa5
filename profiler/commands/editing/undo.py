"""``profiler undo``: take back a change by hand, or list them."""

from __future__ import annotations

from typing import Annotated

import typer

from store.console.options import Json, StoreFile


def undo(
    store: StoreFile,
    edit: Annotated[
        int | None,
        typer.Argument(
            help="Number of the change; without it they are listed.", min=0, max=2**63 - 1
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Take back a merge, rename or pin; without a number list all changes by hand.

    $ profiler undo 3 --store shop.db
    """
    from store.console import note, print_json, print_table, say
    from store.digests import canonical_json
    from store.store import open_store
    from store.upkeep.edits import edits
    from store.upkeep.edits import undo as take_back

    with open_store(store) as opened:
        found = edits(opened) if edit is None else [take_back(opened, edit)]
    if json:
        print_json(found if edit is None else found[0])
    elif edit is not None:
        say(f"edit {edit} ({found[0]['kind']} of {found[0]['payload']['interest']}) taken back")
    else:
        rows = [
            [e["edit_id"], e["kind"], canonical_json(e["payload"]), e["made_at"], e["undone_at"]]
            for e in found
        ]
        print_table("", ["edit", "kind", "what", "made at", "taken back"], rows)
        if not rows:
            note("nothing was changed by hand yet")
