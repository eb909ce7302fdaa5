"""``profiler describe``: what the titles of items do not say, from a language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from profiler.commands.options import (
    BudgetOptions,
    ModelOptions,
    OnlyPending,
    PaceOptions,
    PrivateWords,
    StoredEncoder,
    Temperature,
    TemplateFolder,
    answer_settings,
)
from store.console.options import Json, StoreFile, given, grouped, option

if TYPE_CHECKING:
    from pathlib import Path

    from profiler.describe import Described


@dataclass(frozen=True)
class CardOptions:
    """What is asked of which items."""

    HEADING: ClassVar[str] = "Questions and answers"

    items: Annotated[int | None, option("Items of one question.", min=1, default="20")] = None
    max_tokens: Annotated[
        int | None, option("Maximum number of tokens of an answer.", min=1, default="4000")
    ] = None
    temperature: Temperature = None
    prompts: TemplateFolder = None
    prompt: Annotated[str | None, option("Template of the question.", default="item_cards")] = None


@grouped
def describe(
    store: StoreFile,
    model: ModelOptions,
    cards: CardOptions,
    pace: PaceOptions,
    budget: BudgetOptions,
    only_pending: OnlyPending = False,
    failed: Annotated[
        bool, option("Ask only about quarantined items, each by itself.", "--failed")
    ] = False,
    dry_run: Annotated[
        bool, option("Print calls, tokens and dollars; send nothing.", "--dry-run")
    ] = False,
    private_words: PrivateWords = None,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> int:
    """Write item cards: what the title does not say, and what is wanted next.

    Without --llm cards are put together from categories and from what is chosen together; no model
    writes those. Run it again to go on after a stop.

    $ profiler describe --store shop.db
    $ profiler describe --store shop.db --llm openai:gpt-4o-mini --dry-run
    """
    from store.console import show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)
        from profiler.asking.options import AskingOptions
        from profiler.describe import MAX_TOKENS, CardSettings, describe_items
        from profiler.exchange.save_interests import encoder_of
        from store.store import open_store

        chosen = answer_settings(**vars(cards))
        how: dict[str, Any] = {"max_tokens": chosen.pop("max_tokens", MAX_TOKENS), **given(pace)}
        if "temperature" in chosen:
            how["temperature"] = chosen.pop("temperature")
        options = AskingOptions(caps=budget.caps(), prices=budget.price_table(), **how)
        with open_store(store) as opened:
            own = None if dry_run else encoder_of(opened, encoder)
            found = describe_items(
                opened,
                model.open(to_call=not dry_run),
                settings=CardSettings(only_pending=only_pending, retry=failed, **chosen),
                options=options,
                encoder=own,
                dry_run=dry_run,
                progress=tell,
            )
    _tell(found, store, json=json)
    asked = found.asking
    return 1 if asked and (asked.quarantined or asked.pending) else 0


def _tell(found: Described, store: Path, *, json: bool) -> None:
    from dataclasses import asdict

    from store.console import maker, print_json, say

    if json:
        print_json(asdict(found))
        return
    for task, forecast in found.forecast.items():
        say(f"{task}: {forecast.in_words()}")
    if found.forecast:
        say("nothing was sent")
        return
    if found.asking:
        say(f"asking {found.model}: {found.asking.in_words()}")
    say(f"{found.cards} items have a card; this run's are by {maker(found.model)}")
    say(f"texts encoded now: {found.encoded}")
    if found.quarantined:
        say(
            f"{found.quarantined} items have no usable answer: "
            f"profiler describe --failed --store {store} --llm MODEL"
        )
