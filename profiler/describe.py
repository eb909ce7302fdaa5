"""``describe``: cards of items from a language model, or from what stands in for one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from profiler.asking.conversation import ReaskPolicy
from profiler.asking.forecast import Forecast, forecast_questions
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Addressee, Questions, questions_of
from profiler.asking.runner import run_task
from profiler.asking.tasks.cards import ITEMS, MAX_TOKENS, Cards, Choice
from profiler.vectors.encoding import encode_cached
from prompts import load_template, refuse_unused
from store.errors import UserError
from store.tables.tasks.cards import next_text

if TYPE_CHECKING:
    from profiler.llm.port import ChatPort
    from profiler.vectors.encoding import Encoder
    from store.store import Store

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CardSettings:
    """What is asked about which items.

    Attributes
    ----------
    items
        Of one question.
    prompt, prompts
        The template, and a folder whose templates go before ours.
    only_pending
        Leave items that have any card.
    retry
        Ask only about quarantined items, each by itself.
    """

    items: int = ITEMS
    prompt: str = Cards.template
    prompts: Path | None = None
    only_pending: bool = False
    retry: bool = False


@dataclass(frozen=True)
class Described:
    """What asking for cards came to.

    Attributes
    ----------
    model
        Who was asked.
    asking
        Calls, outcomes and cost, counted by questions; None after a dry run.
    forecast
        Of a dry run, by task.
    cards, quarantined
        Items with a card, and items without one whose answers could not be used.
    encoded
        Texts encoded now.
    """

    model: str
    asking: AskingSummary | None
    forecast: dict[str, Forecast]
    cards: int
    quarantined: int
    encoded: int


def describe_items(
    store: Store,
    llm: ChatPort | None,
    *,
    settings: CardSettings | None = None,
    options: AskingOptions | None = None,
    encoder: Encoder | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Described:
    """Ask for a card of every item that has none, or one that answers another question.

    A card that somebody imported stays. What stands in for a model replaces no model's card.

    Parameters
    ----------
    store
        With the items of a build.
    llm
        A chat model; None is the stand-in, which is not a language model.
    settings, options
        What is asked, and how; answers may have 4,000 tokens where ``options`` is None.
    encoder
        Encodes the cards, so that models can use them; None encodes nothing.
    dry_run
        Forecast calls, tokens and dollars; send nothing.
    progress
        Called with (step, done, total).
    stop
        Set from another thread to stop asking cleanly.

    Raises
    ------
    UserError
        The store has no items, or a choice cannot be met.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        Asking ended early; what was finished is kept.
    """
    settings = settings or CardSettings()
    tell = progress or (lambda step, done, total: None)
    if not store.datasets.item_texts():
        raise UserError(f"{store.path} has no items; run profiler build first")
    how = options or AskingOptions(max_tokens=MAX_TOKENS)
    questions, port = _questions(store, llm, settings, how)
    due = questions.task.subjects(store)
    if dry_run:
        forecast = forecast_questions(questions, due, port, how)
        return _described(store, port, None, {Cards.name: forecast}, 0)
    config = {"llm": port.name, "items": settings.items, "prompt": settings.prompt}
    with store.runs.recording("describe", config, stats=store.tasks.counts) as run:
        if settings.retry:
            store.tasks.set_aside(questions.template.name)
        asking = run_task(
            questions,
            due,
            port,
            how,
            run_id=run.run_id,
            progress=lambda summary: tell(
                "asking for cards", summary.ok + summary.quarantined, summary.subjects
            ),
            stop=stop,
        )
        run.status = "partial" if asking.quarantined or asking.pending else "done"
    return _described(store, port, asking, {}, encode_cards(store, encoder, tell))


def items_due(store: Store, llm: ChatPort | None, settings: CardSettings) -> set[int]:
    """``item_ix`` of the items that :func:`describe_items` would ask about."""
    questions, _ = _questions(store, llm, settings, AskingOptions(max_tokens=MAX_TOKENS))
    due = questions.task.subjects(store)
    return {item.item_ix for subject in due for item in subject.items}


def encode_cards(store: Store, encoder: Encoder | None, tell: Progress) -> int:
    """Encode the texts of all cards that are not encoded yet; return how many these were."""
    if encoder is None:
        return 0
    cards = store.cards.load().values()
    texts = [text for one in cards for text in (one.card, next_text(one.next))]
    return encode_cached(
        store, encoder, texts, lambda done, n: tell("encoding cards", done, n)
    ).encoded


def _questions(
    store: Store, llm: ChatPort | None, settings: CardSettings, options: AskingOptions
) -> tuple[Questions, ChatPort]:
    """The questions of a run, and who is asked."""
    refuse_unused(settings.prompts, [settings.prompt])
    template = Cards().load_template(settings.prompt, settings.prompts)
    port = llm or Cards().stand_in(store)
    task = Cards(
        Choice(
            model=port.name,
            template_digest=template.digest,
            items=settings.items,
            only_pending=settings.only_pending,
            retry=settings.retry,
        )
    )
    if options.reask_policy.template is None:
        correction = load_template("reask", settings.prompts)
        options = replace(options, reask_policy=ReaskPolicy(template=correction))
    return questions_of(store, template, Addressee.of_port(port), options, task), port


def _described(
    store: Store,
    port: ChatPort,
    asking: AskingSummary | None,
    forecast: dict[str, Forecast],
    encoded: int,
) -> Described:
    quarantined = store.tasks.load(Cards.name, ("quarantined",))
    return Described(
        port.name, asking, forecast, len(store.cards.load()), len(quarantined), encoded
    )
