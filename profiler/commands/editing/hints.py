"""``profiler hints``: hints with what they gained; other words, pinned, taken out of use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profiler.choices import HintPurpose
from profiler.commands.editing.author import Author, author_name
from profiler.commands.options import BudgetOptions, ModelOptions, PaceOptions, StoredEncoder
from store.console.help import SETTINGS, Command, Group
from store.console.options import Json, StoreFile, given, grouped, option

if TYPE_CHECKING:
    from pathlib import Path

    from profiler.hinting.profiling import Tried
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

    Its gain with the old words no longer counts. profiler reflect tries the new words.

    $ profiler hints edit 3 "Prefer what completes a set." --store shop.db
    """
    from store.upkeep.hint_edits import HintEdit

    _change(store, hint, HintEdit(text=words), by=by, json=json)


@app.command(cls=Command, context_settings=SETTINGS)
def pin(hint: Number, store: StoreFile, by: Author = None, json: Json = False) -> None:
    """Keep a hint in use, even beyond the maximum number; profiler undo takes it back.

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


@app.command("try", cls=Command, context_settings=SETTINGS)
@grouped
def try_(
    store: StoreFile,
    model: ModelOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    exemplars: Annotated[int | None, option("Maximum number of exemplars.", min=1)] = None,
    dry_run: Annotated[
        bool, option("Print calls, tokens and dollars; send nothing.", "--dry-run")
    ] = False,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> int:
    """Try hints for profiling on exemplars that a model was asked about.

    Each exemplar is asked about with each hint. The interests are measured by how well they predict
    the training items of the users whom the exemplar stands for. They are not kept. Answers without
    a hint are those of the build.

    $ profiler hints try --store shop.db --llm openai:gpt-4o-mini --dry-run
    """
    from profiler.asking.options import AskingOptions
    from profiler.exchange.save_interests import encoder_of
    from profiler.hinting.profiling import try_profiling_hints
    from store.errors import UserError
    from store.store import open_store

    port = model.open(to_call=not dry_run)
    if port is None:
        raise UserError("the extractor follows no hints: give --llm PROVIDER:MODEL")
    options = AskingOptions(caps=budget.caps(), prices=budget.price_table(), **given(pace))
    with open_store(store) as opened:
        own = None if dry_run else encoder_of(opened, encoder)
        found = try_profiling_hints(
            opened, port, own, exemplars=exemplars, options=options, dry_run=dry_run
        )
        words = {one.hint_id: one.text for one in opened.hints.load("profiling")}
    _tell(found, words, json=json)
    return 1 if found.asking and (found.asking.quarantined or found.asking.pending) else 0


def _tell(found: Tried, words: dict[int, str], *, json: bool) -> None:
    from dataclasses import asdict

    from store.console import print_json, print_table, say

    if json:
        print_json(asdict(found))
        return
    if found.forecast is not None:
        say(found.forecast.in_words())
        say("nothing was sent")
        return
    if found.asking is not None:
        say(f"asking {found.model}: {found.asking.in_words()}")
    say(f"recall@50 of members' items without a hint {found.without or 0:.4f}")
    best_first = sorted(found.gains.items(), key=lambda pair: -pair[1][0])
    rows = [[n, f"{gain:+.4f}", f"± {margin:.4f}", words[n]] for n, (gain, margin) in best_first]
    print_table("", ["hint", "gain", "95 %", "words"], rows)


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
