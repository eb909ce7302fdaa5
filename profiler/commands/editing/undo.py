"""``profiler undo``: take back a change by hand, or list them."""

from __future__ import annotations

from typing import Annotated, Any

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
    from store.store import open_store
    from store.upkeep.edits import edits
    from store.upkeep.edits import undo as take_back

    with open_store(store) as opened:
        found = edits(opened) if edit is None else [take_back(opened, edit)]
    if json:
        print_json(found if edit is None else found[0])
    elif edit is not None:
        say(f"{taken_back(found[0])} (edit {edit} taken back)")
    else:
        rows = [[e["edit_id"], done(e), e["made_at"], e["undone_at"]] for e in found]
        print_table("", ["edit", "change", "made at", "taken back"], rows)
        if not rows:
            note("nothing was changed by hand yet")


def done(edit: dict[str, Any]) -> str:
    """What a change by hand did, in words."""
    kind, what = edit["kind"], edit["payload"]
    interest = f"interest {what['interest']}"
    if kind == "merge":
        return f"{interest} was put under interest {what['into']}"
    if kind == "rename":
        return f"{interest}: {what['before']['label']!r} became {what['after']['label']!r}"
    return f"{interest} was pinned"


def taken_back(edit: dict[str, Any]) -> str:
    """What taking back a change by hand did, in words."""
    kind, what = edit["kind"], edit["payload"]
    interest = f"interest {what['interest']}"
    if kind == "merge":
        before = what["before"]
        now = "stands for itself again" if before is None else f"stands under {before} again"
        return f"{interest} no longer stands under interest {what['into']}: it {now}"
    if kind == "rename":
        return f"{interest} is called {what['before']['label']!r} again"
    return f"{interest} is no longer pinned"
