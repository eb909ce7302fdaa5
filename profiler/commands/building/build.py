"""``profiler build``: from interactions to stored interests, in one command that can be resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from profiler.commands.data_options import (
    ChoosingOptions,
    DataOptions,
    PreparingOptions,
    Source,
    VectorOptions,
)
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
from store.console.options import Json, NewStoreFile, On, given, grouped, option

if TYPE_CHECKING:
    from profiler.building.report import BuildReport


@dataclass(frozen=True)
class RunningOptions:
    """Where the work is done, and whether anything is sent."""

    HEADING: ClassVar[str] = "Run"

    on: On = None
    dry_run: Annotated[
        bool,
        option(
            "Store the data and the choice of subjects, in place of an earlier choice; print "
            "calls, tokens and dollars; send nothing.",
            "--dry-run",
        ),
    ] = False


@grouped
def build(
    source: Source,
    store: NewStoreFile,
    data: DataOptions,
    preparing: PreparingOptions,
    vectors: VectorOptions,
    choosing: ChoosingOptions,
    model: ModelOptions,
    answers: AnswerOptions,
    prompts: PromptOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    running: RunningOptions,
    private_words: PrivateWords = None,
    only_pending: OnlyPending = False,
    json: Json = False,
) -> int:
    """Fill the store: data, exemplars, synthetic users, interests, assignments.

    Run it again to go on after a stop; what is stored is neither asked nor encoded again.

    $ profiler build shop --store shop.db
    $ profiler build shop --store shop.db --llm openai:gpt-4o-mini --dry-run
    $ profiler build shop --store shop.db --llm openai:gpt-4o-mini --budget-usd 2
    $ profiler build logs --store big.db --interactions-in parquet --on ray
    """
    from store.console import note, plain, show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)  # what is imported next takes seconds
        from profiler.config import BuildConfig
        from profiler.pipeline import build as run
        from store.engines.engine import working_on

        choices = choosing.settings() | given(preparing, vectors, prompts)
        config = BuildConfig.checked(**choices)
        asking = asking_options(answers, prompts, pace, budget, only_pending=only_pending)
        with working_on(running.on):
            report = run(
                source,
                store,
                config=config,
                options=data.read_options(),
                llm=model.open(to_call=not running.dry_run),
                then=model.open_then(to_call=not running.dry_run),
                asking=asking,
                refresh=choosing.refresh(),
                dry_run=running.dry_run,
                progress=tell,
                # with --json they are in the document
                note=None if json else lambda line: note(f"note: {plain(line)}"),
            )
    _tell(report, store, json=json)
    asked = report.asking
    return 1 if asked and (asked.quarantined or asked.pending) else 0


def _tell(report: BuildReport, store: Path, *, json: bool) -> None:
    from dataclasses import asdict

    from store.console import print_json, say

    if json:
        print_json(asdict(report))
        return
    data_line = f"{report.users} users, {report.items} items, {report.interactions} interactions"
    say(data_line + ("" if report.changed else " (unchanged)"))
    for line in report.growth.lines() if report.growth else ():
        say(line)
    say(f"texts encoded now: {report.encoded}")
    if report.chosen:
        kept = "" if report.chosen.anew else " (as chosen before)"
        say(
            f"{report.chosen.exemplars} exemplars, {report.chosen.synthetic_users} synthetic "
            f"users{kept}"
        )
        for line in report.chosen.notes:
            say(f"  {line}")
    if report.asking:
        say(f"asking {report.asked}: {report.asking.in_words()}")
    for kind, forecast in report.forecast.items():
        say(f"{kind}: {forecast.in_words()}")
    if len(report.forecast) > 1:
        from profiler.asking.forecast import total_in_words

        say(total_in_words(list(report.forecast.values())))
    if report.forecast:
        say("the data and the choice of subjects are stored; nothing was sent")
        return
    say(f"{report.assigned} users have stored interests that cover their own history")
    say(f"store: {store}; look with: profiler show USER --store {store}")
    if report.asking and report.asking.quarantined:
        say(_why(report, store))
        say(f"to ask again: profiler retry --failed --store {store}")


def _why(report: BuildReport, store: Path) -> str:
    """Why subjects are quarantined: the commonest reasons with their numbers."""
    from store.store import open_store
    from store.views.subjects.reasons import in_words, quarantine_reasons

    with open_store(store, read_only=True) as opened:
        reasons = in_words(quarantine_reasons(opened))
    asking = report.asking
    whole = asking is not None and not asking.ok
    return ("no answer was usable: " if whole else "some answers were not usable: ") + reasons
