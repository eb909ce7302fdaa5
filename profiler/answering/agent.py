"""The conversation: look-ups until there is an answer, then a check of every sentence.

At most ten turns of the model. Sentences that cite nothing, or what does not exist or was not
looked up, are asked for again once; what is still unproven then is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from profiler.answering.calls import Caller, Said, Turn
from profiler.answering.citations import Checked, Sentence, check, sources
from profiler.answering.instructions import SYSTEM, correction
from profiler.answering.tools import LOOKUPS_OF_0_1, Toolbox
from profiler.asking.ledger.call_options import CallOptions, refuse_unpriced_cap
from profiler.asking.ledger.ledger import Ledger
from profiler.asking.ledger.tally import Tally
from profiler.llm.loops import run_sync
from profiler.llm.port import ChatPort
from store.errors import InterruptedRunError, UserError
from store.recommending import Recommending
from store.store import Store
from store.views.interests.citations import Cited

__all__ = ["Answer", "AnsweringOptions", "ask"]

MOST_STEPS = 10
MOST_CALLS_A_STEP = 8
LONGEST_QUESTION = 2_000


@dataclass(frozen=True)
class Answer:
    """An answer whose every sentence is proven.

    Attributes
    ----------
    question, model
        What was asked, and whom.
    sentences
        Those that may be shown; empty where none could be proven.
    sources
        ``interests`` and ``items`` that they cite.
    dropped
        Sentences not shown, by reason.
    steps
        Turns of the model, stored ones included.
    finished
        Whether the model came to an answer within :data:`MOST_STEPS`.
    tally
        Calls, tokens and cost.
    looked_up
        Whether the model looked anything up; where it did not, it was not asked again.
    """

    question: str
    model: str
    sentences: list[Sentence]
    sources: Cited
    dropped: dict[str, int]
    steps: int
    finished: bool
    tally: Tally
    looked_up: bool = True

    def to_json(self) -> dict[str, object]:
        """Return the answer as a JSON object."""
        tally = self.tally
        return asdict(self) | {
            "tally": {
                "calls": tally.calls,
                "cached": tally.cached,
                "tokens": tally.tokens,
                "cost_usd": tally.cost_usd,
                "unpriced": tally.unpriced,
            }
        }


@dataclass(frozen=True, kw_only=True)
class AnsweringOptions(CallOptions):
    """Caps of the store, prices, retries, and limits of each turn."""

    max_tokens: int = 1_000
    temperature: float | None = 0.0


def ask(
    store: Store,
    question: str,
    port: ChatPort,
    options: AnsweringOptions | None = None,
    model: Recommending | None = None,
) -> Answer:
    """Answer a question about a store with sentences that cite stored interests and items.

    It may be called where an event loop runs already, as in a notebook.

    Parameters
    ----------
    store
        An open store. Its interests are only read; what was paid for is entered in its ledger.
    question
        In plain words.
    port
        A chat model that can call tools, from :func:`profiler.open_chat`.
    options
        Caps, prices, retries.
    model
        A trained recommender, whose lists the chat model may then look up, too.

    Raises
    ------
    UserError
        If the question is empty or too long, or a cap in dollars is set on a model without price.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        If the conversation had to stop; what was paid for is kept.
    """
    options = options or AnsweringOptions()
    question = question.encode("utf-8", "replace").decode().strip()
    if not question or len(question) > LONGEST_QUESTION:
        raise UserError(f"ask a question of 1 to {LONGEST_QUESTION} characters")
    refuse_unpriced_cap(port, options)
    with store.runs.recording("ask", {"llm": port.name, "base_url": port.base_url}) as run:
        answer = _run_until_stopped(_converse(store, question, port, options, model, run.run_id))
        run.status = "done" if answer.sentences else "partial"
    return answer


def _run_until_stopped(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a conversation to its end; SIGINT and SIGTERM end it at once."""
    running: list[asyncio.Task[Answer]] = []

    def stop() -> None:
        for task in running:
            task.cancel()

    async def run() -> Answer:
        running.append(asyncio.create_task(work))
        try:
            return await running[0]
        except asyncio.CancelledError:
            raise InterruptedRunError(
                "stopped; what was answered is kept, and asking the same again goes on from there"
            ) from None

    return run_sync(run(), stop)


async def _converse(
    store: Store,
    question: str,
    port: ChatPort,
    options: AnsweringOptions,
    model: Recommending | None,
    run_id: int,
) -> Answer:
    turns: list[Turn] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": question},
    ]
    best: Checked | None = None
    finished = looked_up = False
    steps = 0
    async with Ledger(store, port, options, run_id=run_id) as ledger:
        toolbox, caller = _offering(ledger, options, turns, Toolbox(store, model))
        while steps < MOST_STEPS and not finished:
            steps += 1
            said = await caller.say(turns)
            turns.append(said.turn)
            if said.calls:
                looked_up = True
                turns += _looked_up(toolbox, said)
                continue
            checked = check(said.text, toolbox.seen, store)
            first = best is None
            best = _better(best, checked)
            # Nothing was looked up, so nothing can be proven: such a model cannot call tools.
            finished = not looked_up or not (checked.dropped and first)
            if not finished:
                turns.append({"role": "user", "content": correction(checked.problems)})
    answer = _answer(store, question, port.name, best, steps, finished, ledger.tally)
    return replace(answer, looked_up=looked_up)


def _offering(
    ledger: Ledger, options: AnsweringOptions, turns: Sequence[Turn], toolbox: Toolbox
) -> tuple[Toolbox, Caller]:
    """All look-ups; or those of release 0.1, where it was already answered with them."""
    offers = (toolbox, Toolbox(ledger.store, only=LOOKUPS_OF_0_1))
    found = [
        (one, Caller(ledger, one.offered(), one.schemas(), options.max_tokens, options.temperature))
        for one in offers
    ]
    return next((pair for pair in found if pair[1].is_stored(turns)), found[0])


def _looked_up(toolbox: Toolbox, said: Said) -> list[Turn]:
    """A turn with the result of each look-up that was asked for."""
    turns: list[Turn] = []
    for number, call in enumerate(said.calls):
        many = number >= MOST_CALLS_A_STEP
        result = _TOO_MANY if many else toolbox.run(call.name, call.arguments)
        turns.append({"role": "tool", "content": result, "tool_call_id": call.id})
    return turns


_TOO_MANY = f'{{"error": "at most {MOST_CALLS_A_STEP} look-ups at once"}}'


def _better(before: Checked | None, now: Checked) -> Checked:
    """The later attempt, unless less of it can be shown."""
    return before if before is not None and len(before.kept) > len(now.kept) else now


def _answer(
    store: Store,
    question: str,
    model: str,
    best: Checked | None,
    steps: int,
    finished: bool,
    tally: Tally,
) -> Answer:
    kept = best.kept if best else []
    return Answer(
        question=question,
        model=model,
        sentences=kept,
        sources=sources(store, kept),
        dropped=dict(best.dropped) if best else {},
        steps=steps,
        finished=finished or best is not None,
        tally=tally,
    )
