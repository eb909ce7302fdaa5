"""``profiler append``: new interactions join those that a store was built from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from profiler.commands.data_options import DataOptions, Source
from profiler.commands.options import (
    AnswerOptions,
    BudgetOptions,
    ModelOptions,
    OnlyPending,
    PaceOptions,
    PrivateWords,
    PromptOptions,
    asking_options,
)
from profiler.commands.refresh_options import DriftOptions
from store.console.options import Json, StoreFile, grouped, option

if TYPE_CHECKING:
    from profiler.appending import AppendReport


@grouped
def append(
    source: Source,
    store: StoreFile,
    data: DataOptions,
    drift: DriftOptions,
    model: ModelOptions,
    answers: AnswerOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    private_words: PrivateWords = None,
    only_pending: OnlyPending = False,
    dry_run: Annotated[
        bool,
        option(
            "Store the data and the choice of subjects; print what is new and what asking would "
            "cost; send nothing.",
            "--dry-run",
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Add the interactions of SOURCE to a store, without asking about anybody twice.

    They are read, filtered, split and encoded as in the store's last build. The same file is added
    only once. Interactions that the store has already are not added again.

    $ profiler append today.tsv --store shop.db
    $ profiler append today.tsv --store shop.db --llm openai:gpt-4o-mini --refresh-usd 5 --dry-run
    """
    from dataclasses import asdict

    from store.console import note, plain, print_json, show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)  # what is imported next takes seconds
        from profiler.appending import append as run

        report = run(
            source,
            store,
            options=data.read_options(),
            llm=model.open(to_call=not dry_run),
            then=model.open_then(to_call=not dry_run),
            asking=asking_options(
                answers, PromptOptions(), pace, budget, only_pending=only_pending
            ),
            refresh=drift.refresh(),
            dry_run=dry_run,
            progress=tell,
            note=None if json else lambda line: note(f"note: {plain(line)}"),
        )
    if json:
        print_json(asdict(report))
    else:
        _tell(report, store)
    asked = report.asking
    return 1 if asked and (asked.quarantined or asked.pending) else 0


def _tell(report: AppendReport, store: Path) -> None:
    from store.console import say

    if report.appended_before is not None:
        say(f"this file was appended already, on {report.appended_before}: nothing is added")
    else:
        say(
            f"{report.added:,} of {report.read:,} interactions added; "
            f"{report.known:,} were there already"
        )
    if report.left_out:
        say(f"{report.left_out:,} interactions are left out by the filter or the longest history")
    say(f"{report.users} users, {report.items} items, {report.interactions} interactions")
    for line in report.growth.lines() if report.growth else ():
        say(line)
    if report.asking:
        say(f"asking {report.asked}: {report.asking.in_words()}")
    for kind, forecast in report.forecast.items():
        say(f"{kind}: {forecast.in_words()}")
    if report.forecast:
        say("the data and the choice of subjects are stored; nothing was sent")
        return
    say(f"{report.assigned} users have stored interests that cover their own history")
    if report.asking and report.asking.quarantined:
        say(f"to ask again: profiler retry --failed --store {store}")
