"""``profiler merge-stores``: stores built on shards, or by several people, become one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from store.console.options import Json, Overwrite, option

if TYPE_CHECKING:
    from store.merging.merge import TakenOver


def merge_stores(
    stores: Annotated[list[Path], typer.Argument(help="Stores to merge, the leading one first.")],
    into: Annotated[Path, option("The new store.", "--into")],
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool, option("Say what would be merged and write nothing.", "--dry-run")
    ] = False,
    json: Json = False,
) -> None:
    """Write one store with the contents of several stores; none of these is changed.

    What the stores share is written once. If two stores have different interests of the same
    exemplar, those of the store named first are used. Every paid answer is kept. Stores that
    contradict each other are not merged. The message then names the users, items or settings.

    $ profiler merge-stores monday.db tuesday.db --into week.db
    """
    from store.console import note, print_json, print_table, say, show_progress
    from store.merging.merge import merge_stores as merge

    with show_progress(quiet=json) as tell:
        merged = merge(stores, into, overwrite=overwrite, dry_run=dry_run, tell=tell)
    if json:
        print_json(merged.to_json() | {"dry_run": dry_run})
        return
    rows = [[one.store, *_counts(one)] for one in merged.stores]
    print_table("", ["store", "items", "users", "subjects", "answers", "interests"], rows)
    for one in merged.stores:
        for line in _notes(one):
            note(line)
    for path, count in merged.forgotten.items():
        note(
            f"{path} has forgotten {count} users and no longer knows who they were: where another "
            "store still has them, they are in the new one; forget them there, too"
        )
    if dry_run:
        say(f"nothing was written; without --dry-run: {into}")
    else:
        say(f"{into}: {merged.bytes / 1e6:.1f} MB; the next profiler build brings it up to date")


def _counts(one: TakenOver) -> list[str]:
    return [f"+{n:,}" for n in (one.items, one.users, one.subjects, one.answers, one.interests)]


def _notes(one: TakenOver) -> list[str]:
    """What a reader should know of one store beside the counts."""
    told = []
    if one.kept_first:
        some = ", ".join(one.kept_first[:3])
        told.append(
            f"{one.store} has other interests of {len(one.kept_first)} subjects ({some}): those of "
            "the stores before it stand, its answers are kept"
        )
    if one.edits_left:
        told.append(
            f"{one.edits_left} changes by hand of {one.store} cannot be taken back in the new store"
        )
    return told
