"""``profiler diff``: what changed from one store to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from store.console.options import Json, option

if TYPE_CHECKING:
    from profiler.growth.diff import StoreDiff


def diff(
    old: Annotated[Path, typer.Argument(help="The older store.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The newer store.", show_default=False)],
    min_people: Annotated[
        int | None,
        option("Leave out interests of fewer people than this in both stores.", default="1"),
    ] = None,
    limit: Annotated[
        int | None,
        option("Maximum number of rows of each kind; 0 for all.", min=0, default="10"),
    ] = None,
    json: Json = False,
) -> None:
    """Compare two stores: interests new, gone, grown and shrunk, exemplars replaced, who moved.

    The older store may be a copy that profiler backup made before the data grew.

    $ profiler diff yesterday.db shop.db
    """
    from dataclasses import asdict

    from profiler.growth.diff import diff_stores
    from store.console import print_json
    from store.store import open_store

    with open_store(old, read_only=True) as before, open_store(new, read_only=True) as after:
        found = diff_stores(before, after, least=1 if min_people is None else min_people)
    if json:
        print_json(asdict(found))
        return
    _tell(found, 10 if limit is None else limit or None)


def _tell(found: StoreDiff, most: int | None) -> None:
    from store.console import print_table, say

    for name in ("users", "items", "interactions"):
        before, after = getattr(found, name)
        say(f"{name}: {before:,} → {after:,}")
    kinds = {"new": found.new, "gone": found.gone, "grown": found.grown, "shrunk": found.shrunk}
    counts = ", ".join(f"{len(those):,} {kind}" for kind, those in kinds.items())
    say(f"interests: {counts}, {found.unchanged:,} unchanged")
    rows = [
        (kind, one.label, one.users_before, one.users, one.evidence_before, one.evidence)
        for kind, those in kinds.items()
        for one in those[:most]
    ]
    if rows:
        headers = ["what", "interest", "users before", "users", "evidence before", "evidence"]
        print_table("Interests", headers, rows)
    if found.replaced:
        replaced = [
            (one.exemplar, one.by or "nobody", one.users, one.moved)
            for one in found.replaced[:most]
        ]
        print_table("Exemplars replaced", ["exemplar", "by", "users", "moved there"], replaced)
    say(f"new exemplars: {len(found.new_exemplars):,}")
    say(f"users for whom another exemplar stands: {len(found.moved):,} of {found.compared:,}")
