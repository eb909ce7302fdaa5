"""``profiler rename``: give an interest another label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def rename(
    interest: Annotated[int, typer.Argument(help="Id of the interest.")],
    label: Annotated[str, typer.Argument(help="The new label.")],
    store: Annotated[Path, typer.Option(help="The store file.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Give an interest another label; profiler undo takes it back."""
    from store.console import plain, print_json, say
    from store.store import open_store
    from store.upkeep.edits import rename as give_label

    with open_store(store) as opened:
        edit = give_label(opened, interest, label)
    if json:
        print_json(edit)
        return
    payload = edit["payload"]
    say(
        f"interest {interest}: {plain(payload['before']['label'])} -> "
        f"{plain(payload['after']['label'])} (edit {edit['edit_id']}); "
        "the next build encodes the new text"
    )
