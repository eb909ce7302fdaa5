"""``profiler describe``: cards of items, and descriptions of users and items layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from profiler.choices import Who
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

    from profiler.asking.forecast import Forecast
    from profiler.describe import Described
    from profiler.layers import LayerDone


@dataclass(frozen=True)
class CardOptions:
    """What is asked of which items."""

    HEADING: ClassVar[str] = "Questions and answers"

    items: Annotated[
        int | None, option("Number of items in one question.", min=1, default="20")
    ] = None
    max_tokens: Annotated[
        int | None, option("Maximum number of tokens of an answer.", min=1, default="4000")
    ] = None
    temperature: Temperature = None
    prompts: TemplateFolder = None
    prompt: Annotated[str | None, option("Template of the question.", default="item_cards")] = None


@dataclass(frozen=True)
class LayerOptions:
    """Descriptions from neighbours' descriptions, after the cards."""

    HEADING: ClassVar[str] = "Layers (GaCLLM)"

    layers: Annotated[
        int, option("Number of layers of descriptions; 0 writes only cards.", min=0)
    ] = 0
    who: Annotated[
        Who | None,
        option("Whose histories count, and who is described.", default="exemplars"),
    ] = None
    neighbours: Annotated[
        int | None,
        option("Maximum number of neighbours read for a user or item.", min=1, default="14"),
    ] = None
    seed: Annotated[int | None, option("Seed of the choice of neighbours.", default="0")] = None
    token_budget: Annotated[
        int | None,
        option("Maximum number of tokens of a layer question's texts.", min=400, default="3000"),
    ] = None
    layer_prompt: Annotated[
        str | None, option("Template of the question about a layer.", default="describe_layer")
    ] = None

    def settings(self) -> dict[str, Any]:
        """What was given, by the names of the settings of layers."""
        found = given(self)
        prompt = found.pop("layer_prompt", None)
        return found | ({} if prompt is None else {"prompt": prompt})


@grouped
def describe(
    store: StoreFile,
    model: ModelOptions,
    cards: CardOptions,
    layer_options: LayerOptions,
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
    """Write item cards, and with --layers descriptions of users and items.

    Without --llm no model writes: cards are made from categories and from items that are chosen
    together. After a stop, run the command again to continue.

    $ profiler describe --store shop.db
    $ profiler describe --store shop.db --llm openai:gpt-4o-mini --dry-run
    $ profiler describe --store shop.db --layers 2 --who all
    """
    from store.console import show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)
        from profiler.asking.options import AskingOptions
        from profiler.asking.tasks.cards import Cards
        from profiler.asking.tasks.layers import Layers
        from profiler.describe import CardSettings, describe_items, items_due
        from profiler.exchange.save_interests import encoder_of
        from profiler.layers import LayerSettings, describe_layers, forecast_layers
        from store.store import open_store

        chosen = answer_settings(**vars(cards))
        longest = chosen.pop("max_tokens", None)
        how: dict[str, Any] = {"max_tokens": longest or Cards.max_tokens, **given(pace)}
        if "temperature" in chosen:
            how["temperature"] = chosen.pop("temperature")
        options = AskingOptions(caps=budget.caps(), prices=budget.price_table(), **how)
        shared: dict[str, Any] = {"only_pending": only_pending, "retry": failed}
        of_layers = replace(options, max_tokens=longest or Layers.max_tokens)
        settings = CardSettings(**shared, **chosen)
        by_layer = LayerSettings(
            **shared, **given(prompts=cards.prompts), **layer_options.settings()
        )
        done: list[LayerDone] = []
        with open_store(store) as opened:
            own = None if dry_run else encoder_of(opened, encoder)
            asked = model.open(to_call=not dry_run)
            found = describe_items(
                opened,
                asked,
                settings=settings,
                options=options,
                encoder=own,
                dry_run=dry_run,
                progress=tell,
            )
            if dry_run and by_layer.layers:
                due = items_due(opened, asked, settings)
                found.forecast.update(
                    forecast_layers(
                        opened, asked, settings=by_layer, options=of_layers, cards_due=due
                    )
                )
            elif by_layer.layers:
                done = describe_layers(
                    opened,
                    asked,
                    settings=by_layer,
                    options=of_layers,
                    encoder=own,
                    progress=tell,
                )
    _tell(found, done, store, wanted=by_layer.layers, json=json)
    ends = [one for one in (found.asking, *(layer.asking for layer in done)) if one]
    return 1 if any(one.quarantined or one.pending for one in ends) else 0


def _tell(found: Described, done: list[LayerDone], store: Path, *, wanted: int, json: bool) -> None:
    from dataclasses import asdict

    from store.console import maker, print_json, say

    if json:
        print_json(asdict(found) | {"layers": [asdict(one) for one in done]})
        return
    if found.forecast:
        _tell_forecasts(found.forecast)
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
    for one in done:
        _tell_layer(one, store)
    if done and len(done) < wanted:
        say(f"layer {done[-1].layer + 1} is left out: texts have stopped moving")


def _tell_forecasts(forecasts: dict[str, Forecast]) -> None:
    from store.console import say

    for task, forecast in forecasts.items():
        say(f"{task}: {forecast.in_words()}")
    if len(forecasts) > 1:
        calls = sum(one.calls.expected for one in forecasts.values())
        dollars = [one.usd.expected for one in forecasts.values() if one.usd]
        cost = f", ${sum(dollars):.4f}" if len(dollars) == len(forecasts) else ""
        say(f"all together: {calls:,.0f} calls expected{cost}")
        say(
            "prompts that quote answers yet to come are taken to be as long as with the texts "
            "that are there now; layers end early where texts stop moving"
        )
    say("nothing was sent")


def _tell_layer(one: LayerDone, store: Path) -> None:
    from store.console import maker, say

    say(f"layer {one.layer}, asking {one.model}: {one.asking.in_words()}")
    said = f"  {one.users} users and {one.items} items have a description"
    say(f"{said}; this run's are by {maker(one.model)}")
    if one.moved:
        moved = ", ".join(f"{value:.3f} ({name})" for name, value in one.moved.items())
        say(f"  mean cosine with the layer before: {moved}")
    if one.quarantined:
        say(
            f"  {one.quarantined} have no usable answer: profiler describe --failed "
            f"--layers {one.layer} --store {store} --llm MODEL"
        )
