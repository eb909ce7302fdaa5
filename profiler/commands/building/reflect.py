"""``profiler reflect``: hints that a language model learns from lists that missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from profiler.commands.options import (
    BudgetOptions,
    ModelOptions,
    PaceOptions,
    StoredEncoder,
    Temperature,
    TemplateFolder,
    answer_settings,
)
from store.console.options import Json, StoreFile, given, grouped, option

if TYPE_CHECKING:
    from pathlib import Path

    from profiler.hinting.reflect import Reflected


@dataclass(frozen=True)
class HintOptions:
    """What is asked about which cases."""

    HEADING: ClassVar[str] = "Questions and answers"

    nomination: Annotated[
        int | None, option("Number of the nomination.", min=1, default="the newest")
    ] = None
    cases: Annotated[int | None, option("Maximum number of cases.", min=1)] = None
    max_hints: Annotated[
        int | None, option("Maximum number of hints in use.", min=1, max=100, default="20")
    ] = None
    max_tokens: Annotated[
        int | None, option("Maximum number of tokens of an answer.", min=1, default="1000")
    ] = None
    temperature: Temperature = None
    prompts: TemplateFolder = None


@grouped
def reflect(
    store: StoreFile,
    model: ModelOptions,
    hints: HintOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    failed: Annotated[bool, option("Ask again about quarantined cases, too.", "--failed")] = False,
    dry_run: Annotated[
        bool, option("Print calls, tokens and dollars of each step; send nothing.", "--dry-run")
    ] = False,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> int:
    """Let a language model learn hints from nominated cases that its lists missed (Re2LLM).

    For every case, the model first gives a list without a hint. If the list missed, the model says
    why and writes hints. Hints that mend their case and are new are used. The model then gives a
    list with each of these hints for every case. Without --llm no model is asked, and the hints are
    rules about categories. After a stop, run the command again to continue.

    $ profiler reflect --store shop.db
    $ profiler reflect --store shop.db --llm openai:gpt-4o-mini --dry-run
    """
    from store.console import show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)
        from profiler.asking.options import AskingOptions
        from profiler.exchange.save_interests import encoder_of
        from profiler.hinting.reflect import MAX_TOKENS, ReflectSettings, reflect_on_cases
        from store.store import open_store

        chosen = answer_settings(**vars(hints))
        how: dict[str, Any] = {"max_tokens": chosen.pop("max_tokens", MAX_TOKENS), **given(pace)}
        if "temperature" in chosen:
            how["temperature"] = chosen.pop("temperature")
        options = AskingOptions(caps=budget.caps(), prices=budget.price_table(), **how)
        with open_store(store) as opened:
            own = None if dry_run or model.llm is None else encoder_of(opened, encoder)
            found = reflect_on_cases(
                opened,
                model.open(to_call=not dry_run),
                settings=ReflectSettings(retry=failed, **chosen),
                options=options,
                encoder=own,
                dry_run=dry_run,
                progress=tell,
            )
    _tell(found, store, json=json)
    return 1 if not dry_run and found.quarantined else 0


def _tell(found: Reflected, store: Path, *, json: bool) -> None:
    from dataclasses import asdict

    from profiler.hinting.reflect import STEPS
    from store.console import maker, note, print_json, say

    if json:
        print_json(asdict(found))
        return
    for step, forecast in found.forecast.items():
        say(f"{STEPS[step]}: {forecast.in_words()}")
    if found.forecast:
        say("nothing was sent")
        return
    for step, summary in found.asking.items():
        say(f"{STEPS[step]}: {summary.in_words()}")
    by = maker(found.model)
    say(f"{found.cases} cases; the lists without a hint, by {by}, miss {found.missed}")
    if found.out_of_reach:
        note(f"{found.out_of_reach} cases are left out: what came next is not a candidate")
    kept = found.hints.get("active", 0)
    others = ", ".join(f"{n} {status}" for status, n in found.hints.items() if status != "active")
    say(f"{kept} hints in use" + (f"; kept as a record: {others}" if others else ""))
    if found.quarantined:
        say(
            f"{found.quarantined} questions have no usable answer: "
            f"profiler reflect --failed --store {store} --llm MODEL"
        )
