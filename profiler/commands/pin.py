"""``profiler pin``: let an interest stand for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pin(
    interest: Annotated[int, typer.Argument(help="Id of the interest.")],
    store: Annotated[Path, typer.Option(help="The store file.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Keep an interest apart from its near-duplicates; profiler undo takes it back."""
    from store.console import print_json, say
    from store.store import open_store
    from store.upkeep.edits import pin as keep_apart

    with open_store(store) as opened:
        edit = keep_apart(opened, interest)
    if json:
        print_json(edit)
    else:
        say(f"interest {interest} stands for itself (edit {edit['edit_id']})")
