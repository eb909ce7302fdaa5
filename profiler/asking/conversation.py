"""The conversation about one subject: ask, read, ask again with what was wrong, or give up.

It is a generator without input or output: it yields what to ask next, is sent the stored answer,
and returns what came of it. A run drives it with calls, and whoever only wants to know where a
conversation stands (a plan, a forecast, a batch file) drives it with what the store holds. So they
can never disagree on what comes next, and after a crash a conversation goes on at the first answer
that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.questions import make_reask
from profiler.asking.task import Answered, Reading, Task
from profiler.llm.port import Request
from prompts import Template
from store.tables.ledger import Outcome, Purpose, StoredResponse

MAX_REASON = 500
_LONG_QUOTE = re.compile(r"'([^']{40})[^']*'")
WARMER = 0.3
_OUTCOMES: dict[str, Outcome] = {
    "truncated": "truncated",
    "looped": "truncated",
    "empty": "empty",
    "refused": "refused",
}


@dataclass(frozen=True)
class ReaskPolicy:
    """How often an answer that is not accepted is asked for again.

    Attributes
    ----------
    times
        Corrections of one question.
    template
        Of the correction; None is the built-in one.
    warmer
        What each correction adds to the temperature.
    sees_loops
        Whether an answer that repeats itself up to its limit is corrected instead of asked for once
        more with twice the limit.
    """

    times: int = 2
    template: Template | None = None
    warmer: float = WARMER
    sees_loops: bool = True


@dataclass(frozen=True)
class Rejected:
    """An answer that is not accepted, and why."""

    response: StoredResponse
    error: AnswerError

    @property
    def outcome(self) -> Outcome:
        """The word for it in the store."""
        return _OUTCOMES.get(self.error.kind, "invalid")


@dataclass(frozen=True)
class Step:
    """What to ask next, why, and the answer before it, which was accepted or not."""

    request: Request
    purpose: Purpose
    rejected: Rejected | None = None
    accepted: Answered[Any] | None = None


@dataclass(frozen=True)
class Accepted:
    """The accepted answers of a conversation, one for each of its questions."""

    answers: tuple[Answered[Any], ...]

    @property
    def response(self) -> StoredResponse:
        """The answer that it ends with."""
        return self.answers[-1].response

    @property
    def reading(self) -> Reading[Any]:
        """What was read in that answer."""
        return self.answers[-1].reading


@dataclass(frozen=True)
class Quarantined:
    """A conversation that ends without an accepted answer; ``last`` is its last one."""

    last: Rejected

    @property
    def reason(self) -> str:
        """What is wrong, for people: what it quotes is cut, since a model may echo everything."""
        return cut_reason(_LONG_QUOTE.sub(r"'\1…'", str(self.last.error)))


Ending: TypeAlias = Accepted | Quarantined
Conversation: TypeAlias = Generator[Step, StoredResponse, Ending]
Series: TypeAlias = Generator[Request, Reading[Any], None]


def converse(questions: Series, task: Task[Any], policy: ReaskPolicy) -> Conversation:
    """Ask the questions about one subject in turn; the first without an accepted answer ends it."""
    answers: list[Answered[Any]] = []
    request = next(questions)
    while True:
        before = answers[-1] if answers else None
        ending = yield from _ask_one(Step(request, "ask", accepted=before), task, policy)
        if isinstance(ending, Quarantined):
            questions.close()
            return ending
        answers.append(ending)
        try:
            request = questions.send(ending.reading)
        except StopIteration:
            return Accepted(tuple(answers))


def _ask_one(
    step: Step, task: Task[Any], policy: ReaskPolicy
) -> Generator[Step, StoredResponse, Answered[Any] | Quarantined]:
    """Ask one question until its answer is accepted.

    A truncated answer is asked for once more with room for twice its length. Every other answer
    that is not accepted is asked for again with its own errors, as often as ``policy`` says.
    """
    asked, longer = 0, False
    while True:
        response = yield step
        try:
            return Answered(step.request, response, task.accept(response, step.request))
        except AnswerError as error:
            rejected = Rejected(response, error)
        kind = rejected.error.kind
        if kind == "looped" and not policy.sees_loops:
            kind = "truncated"
        if kind == "truncated" and not longer:
            longer = True
            doubled = replace(step.request, max_tokens=2 * step.request.max_tokens)
            step = Step(doubled, "longer", rejected)
        elif kind != "truncated" and asked < policy.times:
            asked += 1
            step = Step(_corrected(step.request, rejected, policy), "reask", rejected)
        else:
            return Quarantined(rejected)


@dataclass(frozen=True)
class Replay:
    """How far the stored answers carry a conversation.

    Attributes
    ----------
    next
        What it stops at; None where it ends.
    ending
        What came of it; None where it stops.
    responses
        The stored answers it went through, in order.
    rejected
        Those of them that are not accepted.
    accepted
        Those that are, with what was read in them.
    """

    next: Step | None
    ending: Ending | None
    responses: tuple[StoredResponse, ...]
    rejected: tuple[Rejected, ...]
    accepted: tuple[Answered[Any], ...] = ()


def replay(conversation: Conversation, find: Callable[[Request], StoredResponse | None]) -> Replay:
    """Drive a conversation by what ``find`` returns, up to the first request without an answer."""
    responses: list[StoredResponse] = []
    rejected: list[Rejected] = []
    accepted: list[Answered[Any]] = []
    step = next(conversation)
    while (found := find(step.request)) is not None:
        responses.append(found)
        try:
            step = conversation.send(found)
        except StopIteration as stop:
            ending: Ending = stop.value
            if isinstance(ending, Quarantined):
                rejected.append(ending.last)
            else:
                accepted = list(ending.answers)
            return Replay(None, ending, tuple(responses), tuple(rejected), tuple(accepted))
        if step.rejected is not None:
            rejected.append(step.rejected)
        if step.accepted is not None:
            accepted.append(step.accepted)
    conversation.close()
    return Replay(step, None, tuple(responses), tuple(rejected), tuple(accepted))


def cut_reason(text: str) -> str:
    """The text, of at most :data:`MAX_REASON` characters."""
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"


def _corrected(request: Request, rejected: Rejected, policy: ReaskPolicy) -> Request:
    return make_reask(
        request,
        rejected.response.raw_text,
        rejected.error.errors,
        template=policy.template,
        wrong_ids=rejected.error.wrong_ids,
        warmer=policy.warmer,
    )
