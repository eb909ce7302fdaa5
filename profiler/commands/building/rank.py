"""``profiler rank``: a language model ranks a trained model's candidates for nominated cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from profiler.commands.options import (
    BudgetOptions,
    ModelOptions,
    PaceOptions,
    Temperature,
    TemplateFolder,
    TokenBudget,
    answer_settings,
)
from store.console.options import Json, StoreFile, given, grouped, option

if TYPE_CHECKING:
    from pathlib import Path

    from profiler.ranked import Ranked


@dataclass(frozen=True)
class RankOptions:
    """What is asked of which cases."""

    HEADING: ClassVar[str] = "Questions and answers"

    nomination: Annotated[
        int | None, option("Number of the nomination.", min=1, default="the newest")
    ] = None
    sessions: Annotated[
        int | None,
        option(
            "Number of lists that the question for hints shows; 0: no hints.", min=0, default="20"
        ),
    ] = None
    force_target: Annotated[
        bool,
        option(
            "Add the target where it is not a candidate; such rankings count in no measurement.",
            "--force-target",
        ),
    ] = False
    max_tokens: Annotated[
        int | None, option("Maximum number of tokens of an answer.", min=1, default="1000")
    ] = None
    token_budget: TokenBudget = None
    temperature: Temperature = None
    prompts: TemplateFolder = None
    prompt: Annotated[
        str | None, option("Template of the question about a case.", default="rank_case")
    ] = None
    hints_prompt: Annotated[
        str | None, option("Template of the question for hints.", default="teacher_lists")
    ] = None


@grouped
def rank(
    store: StoreFile,
    model: ModelOptions,
    asked: RankOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    only_pending: Annotated[
        bool,
        option("Skip cases that the model has ranked, whatever the question.", "--only-pending"),
    ] = False,
    failed: Annotated[bool, option("Ask only about quarantined cases.", "--failed")] = False,
    dry_run: Annotated[
        bool, option("Print calls, tokens and dollars; send nothing.", "--dry-run")
    ] = False,
    json: Json = False,
) -> int:
    """Rank the candidates of the cases that ``recommender nominate`` chose.

    Without --llm no language model ranks: the teacher's order is combined with the order by text
    similarity. After a stop, run the command again to continue.

    $ profiler rank --store shop.db
    $ profiler rank --store shop.db --llm openai:gpt-4o-mini --dry-run
    """
    from store.console import show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)
        from profiler.asking.options import AskingOptions
        from profiler.rank import MAX_TOKENS, rank_cases
        from profiler.ranked import RankSettings
        from store.store import open_store

        chosen = answer_settings(**vars(asked))
        how: dict[str, Any] = {"max_tokens": chosen.pop("max_tokens", MAX_TOKENS), **given(pace)}
        for name in ("temperature", "token_budget"):
            if name in chosen:
                how[name] = chosen.pop(name)
        options = AskingOptions(caps=budget.caps(), prices=budget.price_table(), **how)
        with open_store(store) as opened:
            found = rank_cases(
                opened,
                model.open(to_call=not dry_run),
                settings=RankSettings(only_pending=only_pending, retry=failed, **chosen),
                options=options,
                dry_run=dry_run,
                progress=tell,
            )
    _tell(found, store, json=json)
    return 1 if found.open else 0


def _tell(found: Ranked, store: Path, *, json: bool) -> None:
    from store.console import maker, print_json, say

    if json:
        print_json(found.to_json())
        return
    for task, forecast in found.forecast.items():
        say(f"{task}: {forecast.in_words()}")
    if found.forecast:
        say("nothing was sent")
        return
    for task, asking in found.asking.items():
        say(f"{task}, asking {found.model}: {asking.in_words()}")
    for hint in found.hints:
        say(f"hint: {hint}")
    _tell_rankings(found, store, maker(found.model))


def _tell_rankings(found: Ranked, store: Path, by: str) -> None:
    from store.console import print_table, say
    from store.console.shell import in_shell

    if "rank" not in found.asking:
        say("no hints could be read, so no case was asked about")
    forced = f", {found.forced} of them with a forced target" if found.forced else ""
    say(
        f"{found.ranked} of {found.cases} cases of nomination {found.nomination} are ranked by "
        f"{by}{forced}"
    )
    if found.ranked > found.forced:
        rows = [[who, *(str(n) for n in counts.values())] for who, counts in found.found.items()]
        headers = ["order of", *(f"target in the first {k}" for k in found.found["teacher"])]
        print_table(f"{found.ranked - found.forced} cases without a forced target", headers, rows)
    if found.open:
        words = ["profiler", "rank", "--failed", "--store", str(store), "--llm", found.model]
        say(f"{found.open} have no usable answer: {in_shell(words)}")
