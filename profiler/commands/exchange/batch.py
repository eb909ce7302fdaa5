"""``profiler batch``: questions through the provider's own batch service, at its lower price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from profiler.choices import JsonMethod
from profiler.commands.exchange.task_options import TaskOptions
from profiler.commands.options import (
    AnswerOptions,
    BudgetOptions,
    ModelOption,
    OnlyPending,
    PricesFile,
    PrivateWords,
    PromptOptions,
    StoredEncoder,
)
from store.console.help import SETTINGS, Command, Group
from store.console.options import Json, StoreFile, given, grouped, option

if TYPE_CHECKING:
    from profiler.exchange.batch_options import BatchOptions
    from profiler.exchange.batch_services import BatchService

app = typer.Typer(
    cls=Group,
    help="Ask through the provider's own batch service, at its lower price.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)

Model = Annotated[str, option("PROVIDER:MODEL, such as anthropic:claude-haiku-4-5.", "--llm")]
BaseUrl = Annotated[str | None, option("Address of the service.", "--base-url")]


@app.command(cls=Command, context_settings=SETTINGS)
@grouped
def submit(
    store: StoreFile,
    llm: Model,
    answers: AnswerOptions,
    prompts: PromptOptions,
    other: TaskOptions,
    budget: BudgetOptions,
    base_url: BaseUrl = None,
    method: Annotated[
        JsonMethod | None, option("How JSON is asked for.", default="what the model supports")
    ] = None,
    model_option: ModelOption = None,
    seed: Annotated[int | None, option("Sampling seed, if it is to be sent.")] = None,
    only_pending: OnlyPending = False,
    private_words: PrivateWords = None,
    json: Json = False,
) -> None:
    """Send the questions that are due; answers are fetched later, within a day.

    $ profiler batch submit --store shop.db --llm openai:gpt-4o-mini
    """
    from profiler.exchange.provider_batches import submit as send
    from profiler.llm.model_options import read_options
    from store.console import print_json, say
    from store.store import open_store

    options = _options(
        llm,
        base_url,
        method=method,
        reask=prompts.correction(),
        only_pending=only_pending,
        options=read_options(model_option or ()),
        **(other.settings(prompts, llm) | answers.settings()),
        **given(seed=seed),
    )
    service = _service(llm, base_url)
    prices = budget.price_table().at(base_url)
    with open_store(store) as opened:
        count, batches = send(opened, options, service, caps=budget.caps(), prices=prices)
    if json:
        print_json({"requests": count, "batches": batches})
    elif count:
        say(f"{count} questions sent in {batches} batches")
        say(f"when they are answered: profiler batch fetch --store {store} --llm {llm}")
    else:
        say("no question is due: all are answered, or with the provider")


@app.command(cls=Command, context_settings=SETTINGS)
def status(store: StoreFile, llm: Model, base_url: BaseUrl = None, json: Json = False) -> None:
    """How the batches stand, here and at the provider.

    $ profiler batch status --store shop.db --llm openai:gpt-4o-mini
    """
    from profiler.exchange.provider_batches import standings
    from store.console import print_json, print_table
    from store.store import open_store

    with open_store(store) as opened:
        found = list(standings(opened, _options(llm, base_url), _service(llm, base_url)))
    if json:
        print_json(found)
        return
    columns = ["batch", "state", "requests", "provider", "counts", "provider_id"]
    print_table("", columns, [[str(one.get(name, "")) for name in columns] for one in found])


@app.command(cls=Command, context_settings=SETTINGS)
def fetch(
    store: StoreFile,
    llm: Model,
    base_url: BaseUrl = None,
    encoder: StoredEncoder = None,
    prices: PricesFile = None,
    private_words: PrivateWords = None,
    json: Json = False,
) -> int:
    """Fetch the answers that are ready, store and read them.

    Exits with code 1 where questions are still unanswered or have to be asked again.

    $ profiler batch fetch --store shop.db --llm openai:gpt-4o-mini
    """
    from dataclasses import asdict

    from profiler.commands.exchange.encoding import encode_answers
    from profiler.exchange.provider_batches import fetch as bring
    from profiler.exchange.save_interests import encoder_of
    from profiler.llm.prices import load_prices
    from store.console import print_json, say
    from store.store import open_store
    from store.views.subjects.reasons import in_words

    table = load_prices(prices).at(base_url)
    with open_store(store) as opened:
        own = encoder_of(opened, encoder)
        found = bring(opened, _options(llm, base_url), _service(llm, base_url), table)
        if found.answered:
            encode_answers(opened, own)
        pending = len(opened.subjects.load(states=("pending",)))
    if json:
        print_json(asdict(found) | {"pending": pending})
        return 1 if pending else 0
    say(
        f"{found.ended} batches fetched, {found.under_way} under way; {found.answered} answers, "
        f"{found.failed} without an answer, ${found.cost_usd:.4f} at the batch price"
        + (f" and {found.unpriced} answers of unknown cost" if found.unpriced else "")
    )
    if found.reasons:
        say(f"without an answer: {in_words(found.reasons)}")
    if pending and not found.under_way:
        say(f"{pending} subjects are due: profiler batch submit --store {store} --llm {llm}")
    return 1 if pending else 0


@app.command(cls=Command, context_settings=SETTINGS)
def cancel(store: StoreFile, llm: Model, base_url: BaseUrl = None, json: Json = False) -> None:
    """Cancel batches at the provider, and drop those that may never have arrived there.

    $ profiler batch cancel --store shop.db --llm openai:gpt-4o-mini
    """
    from profiler.exchange.provider_batches import cancel as stop
    from store.console import print_json, say
    from store.store import open_store

    with open_store(store) as opened:
        stopped, dropped = stop(opened, _options(llm, base_url), _service(llm, base_url))
    if json:
        print_json({"stopped": stopped, "given_up": dropped})
    else:
        say(f"{stopped} batches are being stopped, {dropped} held ones are given up")
        say(f"what was answered until then: profiler batch fetch --store {store} --llm {llm}")


def _options(
    llm: str, base_url: str | None, *, method: JsonMethod | None = None, **more: Any
) -> BatchOptions:
    from profiler.exchange.batch_options import BatchOptions
    from profiler.llm.registry import method_for
    from profiler.llm.secrets import without_credentials
    from prompts import load_template
    from store.errors import UserError

    if not all(llm.partition(":")):
        raise UserError(f"--llm {llm!r}: write provider:model, such as openai:gpt-4o-mini")
    address = None if base_url is None else without_credentials(base_url)
    settings: dict[str, Any] = {"templates": {}, "reask": load_template("reask"), **more}
    return BatchOptions(
        llm=llm, base_url=address, method=method or method_for(llm, base_url), **settings
    )


def _service(llm: str, base_url: str | None) -> BatchService:
    from profiler.exchange.batch_services import open_batches
    from profiler.llm.registry import opening_of

    return open_batches(opening_of(llm, base_url=base_url))
