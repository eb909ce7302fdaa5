"""``profiler hints``: hints with what they gained; other words, pinned, taken out of use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profiler.choices import HintPurpose
from profiler.commands.editing.author import Author, author_name
from store.console.help import SETTINGS, Command, Group
from store.console.options import Json, StoreFile, option

if TYPE_CHECKING:
    from pathlib import Path

    from store.upkeep.hint_edits import HintEdit

app = typer.Typer(
    cls=Group,
    help="List hints with what they gained, and change them by hand.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)
Number = Annotated[
    int, typer.Argument(help="Number of the hint.", min=0, max=2**63 - 1, show_default=False)
]


@app.command("list", cls=Command, context_settings=SETTINGS)
def list_(
    store: StoreFile,
    purpose: Annotated[
        HintPurpose, typer.Option("--for", help="What they are given for.")
    ] = "ranking",
    every: Annotated[
        bool, option("Also those that are not in use, with the reason.", "--all")
    ] = False,
    json: Json = False,
) -> None:
    """Hints in use, the best first: the mean gain over the lists without a hint.

    $ profiler hints list --store shop.db
    """
    from store.console import note, print_json, print_table
    from store.store import open_store
    from store.tables.tasks.hints import STATUSES
    from store.views.hints import hint_rows

    with open_store(store, read_only=True) as opened:
        rows = hint_rows(opened, purpose, STATUSES if every else ("active",))
    if json:
        print_json([one.to_json() for one in rows])
        return
    table = [
        [
            one.hint_id,
            "" if one.gain is None else f"{one.gain:+.4f}",
            f"{one.better}/{one.worse}/{one.trials}",
            one.source,
            *([one.status] if every else []),
            one.text + (f" ({one.reason})" if one.reason else ""),
        ]
        for one in rows
    ]
    heads = ["hint", "gain", "better/worse/of", "by", *(["status"] if every else []), "words"]
    print_table("", heads, table)
    if not rows:
        note(f"no hints for {purpose} yet; see: profiler reflect --store {store}")


@app.command(cls=Command, context_settings=SETTINGS)
def edit(
    hint: Number,
    words: Annotated[str, typer.Argument(help="The new words.")],
    store: StoreFile,
    by: Author = None,
    json: Json = False,
) -> None:
    """Give a hint other words, and take it into use; profiler undo takes it back.

    What it gained with the former words counts no more; profiler reflect tries the new ones.

    $ profiler hints edit 3 "Prefer what completes a set." --store shop.db
    """
    from store.upkeep.hint_edits import HintEdit

    _change(store, hint, HintEdit(text=words), by=by, json=json)


@app.command(cls=Command, context_settings=SETTINGS)
def pin(hint: Number, store: StoreFile, by: Author = None, json: Json = False) -> None:
    """Keep a hint in use beside as many others as there may be; profiler undo takes it back.

    $ profiler hints pin 3 --store shop.db
    """
    from store.upkeep.hint_edits import HintEdit

    _change(store, hint, HintEdit(pinned=True, status="active"), by=by, json=json)


@app.command(cls=Command, context_settings=SETTINGS)
def drop(hint: Number, store: StoreFile, by: Author = None, json: Json = False) -> None:
    """Take a hint out of use; profiler undo takes it back.

    $ profiler hints drop 3 --store shop.db
    """
    from store.upkeep.hint_edits import HintEdit

    _change(store, hint, HintEdit(pinned=False, status="dropped"), by=by, json=json)


def _change(store: Path, hint: int, to: HintEdit, *, by: str | None, json: bool) -> None:
    from store.console import plain, print_json, say
    from store.store import open_store
    from store.upkeep.edits import edit_hint

    with open_store(store) as opened:
        edit = edit_hint(opened, hint, to, by=author_name(by))
    if json:
        print_json(edit.to_json())
        return
    after = edit.payload.after
    say(f"hint {hint} is {after.status}: {plain(after.text)} (edit {edit.edit_id})")
