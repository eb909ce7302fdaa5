"""``describe --layers``: GaCLLM's descriptions of users and items, layer after layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiler.asking.conversation import ReaskPolicy
from profiler.asking.forecast import Forecast, forecast_questions
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Addressee, Questions, questions_of
from profiler.asking.runner import run_task
from profiler.asking.tasks.layer_choice import MAX_TOKENS, TOKEN_BUDGET, LayerChoice
from profiler.asking.tasks.layers import Layers
from profiler.asking.tasks.neighbourhoods import NEIGHBOURS, Neighbourhoods
from profiler.choices import Who
from profiler.vectors.encoding import encode_cached
from prompts import load_template, refuse_unused
from store.errors import UserError

if TYPE_CHECKING:
    from profiler.llm.port import ChatPort
    from profiler.vectors.encoding import Encoder
    from store.store import Store
    from store.tables.tasks.descriptions import Node

Progress = Callable[[str, int, int], None]
STILL = 0.97
"""Mean cosine with the layer before from which on another layer is not worth its calls."""


@dataclass(frozen=True)
class LayerSettings:
    """What is asked about whom.

    Attributes
    ----------
    layers
        How many, at most.
    who
        Whose histories count: those of exemplars, or of all users.
    neighbours, seed
        Most neighbours that are read for one user or item, and the seed of their choice.
    token_budget
        Most tokens of the texts of one question.
    prompt, prompts
        The template, and a folder whose templates go before ours.
    only_pending
        Leave what has any description.
    retry
        Ask only about quarantined users and items.
    """

    layers: int = 1
    who: Who = "exemplars"
    neighbours: int = NEIGHBOURS
    seed: int = 0
    token_budget: int = TOKEN_BUDGET
    prompt: str = Layers.template
    prompts: Path | None = None
    only_pending: bool = False
    retry: bool = False


@dataclass(frozen=True)
class LayerDone:
    """What one layer came to.

    Attributes
    ----------
    layer, model
        From 1, and who was asked.
    asking
        Calls, outcomes and cost.
    users, items
        How many have a description of this layer.
    quarantined
        Users and items without one whose answers could not be used.
    encoded
        Texts encoded now.
    moved
        Mean cosine between this layer's texts and those of the layer before, of ``users`` and of
        ``items``; empty where nothing is encoded.
    """

    layer: int
    model: str
    asking: AskingSummary
    users: int
    items: int
    quarantined: int
    encoded: int
    moved: dict[str, float]

    @property
    def still(self) -> bool:
        """Whether the texts of both have stopped moving."""
        return bool(self.moved) and min(self.moved.values()) > STILL


def describe_layers(
    store: Store,
    llm: ChatPort | None,
    *,
    settings: LayerSettings | None = None,
    options: AskingOptions | None = None,
    encoder: Encoder | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[LayerDone]:
    """Describe users and items by their neighbours' descriptions, layer after layer.

    A layer begins when the one below has ended. What is there already and was written from the same
    texts is not asked for again, so running it again goes on where it stopped.

    Parameters
    ----------
    store
        With the data of a build; item cards count as part of the items' own texts.
    llm
        A chat model; None is the stand-in, which is not a language model.
    settings, options
        What is asked, and how; answers may have 1,000 tokens where ``options`` is None.
    encoder
        Encodes each layer, so that models can use it and the layers end once texts stop moving;
        None encodes nothing, and all layers are asked for.
    progress
        Called with (step, done, total).
    stop
        Set from another thread to stop asking cleanly.

    Returns
    -------
    list of LayerDone
        One for each layer that was gone through; fewer than asked for where texts stopped moving.

    Raises
    ------
    UserError
        The store has no items, nobody is chosen, or a choice cannot be met.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        Asking ended early; what was finished is kept.
    """
    settings = settings or LayerSettings()
    tell = progress or (lambda step, done, total: None)
    how = options or AskingOptions(max_tokens=MAX_TOKENS)
    port = llm or Layers().stand_in(store)
    config = {"llm": port.name, "layers": settings.layers, "who": settings.who}
    config |= {"neighbours": settings.neighbours, "seed": settings.seed}
    done: list[LayerDone] = []
    with store.runs.recording("describe layers", config, stats=store.tasks.counts) as run:
        if settings.retry:
            store.tasks.set_aside(settings.prompt)
        for layer in range(1, settings.layers + 1):
            questions = _questions(store, port, settings, how, layer)
            asked = questions.task.subjects(store)
            summary = run_task(
                questions,
                asked,
                port,
                how,
                run_id=run.run_id,
                progress=_teller(tell, f"describing, layer {layer}"),
                stop=stop,
            )
            run.status = "partial" if summary.quarantined or summary.pending else "done"
            done.append(_closed(store, port, settings, layer, summary, encoder, tell))
            if done[-1].still:
                break
    return done


def forecast_layers(
    store: Store,
    llm: ChatPort | None,
    *,
    settings: LayerSettings | None = None,
    options: AskingOptions | None = None,
    cards_due: Collection[int] = (),
) -> dict[str, Forecast]:
    """Forecast what each layer would take, by ``layer 1``, ``layer 2``, …; send nothing.

    The calls of all layers are those that are then made, as far as answers are good and no layer is
    left out because texts stopped moving. The prompts of a layer above one that is still to be
    written are not known yet: they are taken to be as long as with the texts that are there now.

    Parameters
    ----------
    cards_due
        ``item_ix`` of the items whose cards are written before.
    store, llm, settings, options
        As for :func:`describe_layers`.

    Raises
    ------
    UserError
        The store has no items, nobody is chosen, or a choice cannot be met.
    """
    settings = settings or LayerSettings()
    how = options or AskingOptions(max_tokens=MAX_TOKENS)
    port = llm or Layers().stand_in(store)
    before: set[Node] = {("item", item) for item in cards_due}
    found = {}
    for layer in range(1, settings.layers + 1):
        questions = _questions(store, port, settings, how, layer)
        task = _layers(questions)
        due = task.due(before)
        ready, waiting = task.shown(store, due.ready), task.shown(store, due.waiting)
        found[f"layer {layer}"] = forecast_questions(questions, ready, port, how, waiting)
    return found


def encode_descriptions(store: Store, encoder: Encoder | None, tell: Progress) -> int:
    """Encode all descriptions that are not encoded yet; return how many these were."""
    if encoder is None:
        return 0
    texts = [one.text for one in store.descriptions.load().values()]
    return encode_cached(
        store, encoder, texts, lambda n, of: tell("encoding descriptions", n, of)
    ).encoded


def _questions(
    store: Store, port: ChatPort, settings: LayerSettings, options: AskingOptions, layer: int
) -> Questions:
    refuse_unused(settings.prompts, [settings.prompt])
    template = Layers().load_template(settings.prompt, settings.prompts)
    choice = LayerChoice(
        layer=layer,
        who=settings.who,
        neighbours=settings.neighbours,
        seed=settings.seed,
        token_budget=settings.token_budget,
        model=port.name,
        template_digest=template.digest,
        only_pending=settings.only_pending,
        retry=settings.retry,
    )
    options = replace(options, token_budget=settings.token_budget)
    if options.reask_policy.template is None:
        correction = load_template("reask", settings.prompts)
        options = replace(options, reask_policy=ReaskPolicy(template=correction))
    found = questions_of(store, template, Addressee.of_port(port), options, Layers(choice))
    if not _layers(found).neighbours:
        raise UserError(
            f"{store.path} has nobody whose history counts; run profiler build first, or describe "
            "all users with --who all"
        )
    return found


def _layers(questions: Questions) -> Layers:
    task = questions.task
    if not isinstance(task, Layers):
        raise TypeError(f"{task.name} has no layers")
    return task


def _teller(tell: Progress, step: str) -> Callable[[AskingSummary], None]:
    return lambda one: tell(step, one.ok + one.quarantined, one.subjects)


def _closed(
    store: Store,
    port: ChatPort,
    settings: LayerSettings,
    layer: int,
    asking: AskingSummary,
    encoder: Encoder | None,
    tell: Progress,
) -> LayerDone:
    """Encode a layer and see how far its texts moved."""
    graph = Neighbourhoods(store, settings.who, settings.neighbours, settings.seed)
    nodes = [node for node in graph.of if (node, layer) in graph.descriptions]
    quarantined = store.tasks.load(Layers.name, ("quarantined",))
    encoded, moved = 0, {}
    if encoder is not None and nodes:
        texts = [graph.text(node, at) for at in (layer, layer - 1) for node in nodes]
        result = encode_cached(
            store, encoder, texts, lambda n, of: tell("encoding descriptions", n, of)
        )
        encoded = result.encoded
        now, before = np.split(result.vectors, 2)
        moved = dict(_mean_cosines(nodes, now, before))
    return LayerDone(
        layer=layer,
        model=port.name,
        asking=asking,
        users=sum(kind == "user" for kind, _ in nodes),
        items=sum(kind == "item" for kind, _ in nodes),
        quarantined=sum(one.name.startswith(f"layer{layer}:") for one in quarantined),
        encoded=encoded,
        moved=moved,
    )


def _mean_cosines(
    nodes: list[Node], now: NDArray[np.float32], before: NDArray[np.float32]
) -> Iterator[tuple[str, float]]:
    """Mean cosine of two texts of one node, of users and of items; vectors have unit length."""
    cosines = (now * before).sum(1)
    for kind, name in (("user", "users"), ("item", "items")):
        mine = np.array([one == kind for one, _ in nodes])
        if mine.any():
            yield name, round(float(cosines[mine].mean()), 4)
