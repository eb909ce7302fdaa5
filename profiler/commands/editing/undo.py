"""``profiler undo``: take back a change by hand, or list them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.commands.editing.author import Author, author_name
from store.console.options import Json, StoreFile

if TYPE_CHECKING:
    from store.upkeep.changes import Change
    from store.upkeep.hint_edits import HintState


def undo(
    store: StoreFile,
    edit: Annotated[
        int | None,
        typer.Argument(
            help="Number of the change; without it they are listed.", min=0, max=2**63 - 1
        ),
    ] = None,
    by: Author = None,
    json: Json = False,
) -> None:
    """Take back a merge, rename, pin, dispute, import or hint change; without a number list all.

    $ profiler undo 3 --store shop.db
    """
    from store.console import note, print_json, print_table, say
    from store.store import open_store
    from store.upkeep.disputes import disputed_users
    from store.upkeep.edits import edits
    from store.upkeep.edits import undo as take_back
    from store.upkeep.import_edits import Imported

    with open_store(store) as opened:
        found = edits(opened) if edit is None else [take_back(opened, edit, by=author_name(by))]
        users = disputed_users(opened, [one.payload for one in found])
        if edit is not None and isinstance(found[0].payload, Imported):
            from profiler.exchange.save_interests import cover_again

            cover_again(opened)
    if json:
        documents = [one.to_json() for one in found]
        print_json(documents if edit is None else documents[0])
    elif edit is not None:
        say(f"{taken_back(found[0].payload, users)} (edit {edit} taken back)")
    else:
        rows = [[e.edit_id, done(e.payload, users), e.made_at, e.undone_at] for e in found]
        print_table("", ["edit", "change", "made at", "taken back"], rows)
        if not rows:
            note("nothing was changed by hand yet")


def done(change: Change, users: Mapping[int, str]) -> str:
    """What a change by hand did, in words."""
    from store.upkeep.changes import Merged, Renamed
    from store.upkeep.disputes import Disputed
    from store.upkeep.hint_edits import HintChanged
    from store.upkeep.import_edits import Imported

    if isinstance(change, Imported):
        return f"interests were imported ({change.source})"
    if isinstance(change, HintChanged):
        return f"hint {change.hint}: {_hint(change.before)} became {_hint(change.after)}"
    interest = f"interest {change.interest}"
    if isinstance(change, Disputed):
        reason = f": {change.why}" if change.why else ""
        return f"{interest} was called wrong for {users[change.user_ix]}{reason}"
    if isinstance(change, Merged):
        return f"{interest} was put under interest {change.into}"
    if isinstance(change, Renamed):
        return f"{interest}: {change.before.label!r} became {change.after.label!r}"
    return f"{interest} was pinned"


def taken_back(change: Change, users: Mapping[int, str]) -> str:
    """What taking back a change by hand did, in words."""
    from store.upkeep.changes import Merged, Renamed
    from store.upkeep.disputes import Disputed
    from store.upkeep.hint_edits import HintChanged
    from store.upkeep.import_edits import Imported

    if isinstance(change, HintChanged):
        return f"hint {change.hint} is {_hint(change.before)} again"
    if isinstance(change, Imported):
        return f"the import ({change.source}) is gone, and what it had replaced is back"
    interest = f"interest {change.interest}"
    if isinstance(change, Merged):
        before = change.before
        now = "stands for itself again" if before is None else f"stands under {before} again"
        return f"{interest} no longer stands under interest {change.into}: it {now}"
    if isinstance(change, Disputed):
        return f"{interest} is an interest of {users[change.user_ix]} again"
    if isinstance(change, Renamed):
        return f"{interest} is called {change.before.label!r} again"
    return f"{interest} is no longer pinned"


def _hint(state: HintState) -> str:
    """A hint as it was or is, in words."""
    pinned = ", pinned" if state.pinned else ""
    return f"{state.text!r} ({state.status}{pinned})"
