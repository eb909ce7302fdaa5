"""What a run would take, before anything is sent.

Prompts are rendered and looked up in the store, so calls are counted exactly as far as answers are
good. Tokens follow what the same model took before for like prompts; without any such answer, by
rules of thumb, which :attr:`Forecast.calibrated` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from profiler.asking.answers import read_answer
from profiler.asking.asker import prompt_tokens, request_digest
from profiler.asking.boundary import boundary_key
from profiler.asking.conversation import Patience, next_request
from profiler.asking.options import AskingOptions
from profiler.asking.port import ChatPort, Request
from profiler.asking.questions import make_request
from profiler.asking.schema import AnswerError
from profiler.asking.shown import shown_subjects
from prompts import Template
from store.digests import canonical_json
from store.store import Store
from store.subjects import Subject

CHARACTERS_PER_TOKEN = 4.0
ASKED_AGAIN = 0.05
TOKENS_PER_INTEREST = 50
TOKENS_PER_ID = 6
ITEMS_PER_INTEREST = 5


@dataclass(frozen=True)
class Range:
    """Low: every answer is short and accepted. Most: every limit is used up."""

    low: float
    expected: float
    most: float


@dataclass(frozen=True)
class Forecast:
    """What a run would take.

    Attributes
    ----------
    subjects, stored
        Pending subjects, and those of them whose answers are all in the store.
    calls, tokens_in, tokens_out
        Answered calls and billed tokens.
    usd
        Dollars, None where the price of the model is unknown.
    price_date
        Day of the price used.
    calibrated
        Whether the model's earlier answers in this store were used.
    """

    model: str
    subjects: int
    stored: int
    calls: Range
    tokens_in: Range
    tokens_out: Range
    usd: Range | None
    price_date: str | None
    calibrated: bool

    def in_words(self) -> str:
        """Lines for people."""
        lines = [
            f"{self.subjects} subjects pending, {self.stored} of them answered in the store",
            f"{'':12}{'low':>12}{'expected':>12}{'most':>12}",
        ]
        named = {"calls": self.calls, "tokens in": self.tokens_in, "tokens out": self.tokens_out}
        lines += [
            f"{name:12}{part.low:12,.0f}{part.expected:12,.0f}{part.most:12,.0f}"
            for name, part in named.items()
        ]
        if self.usd is None:
            lines.append(f"dollars: unknown, {self.model} is not in the price table (--prices)")
        else:
            usd = self.usd
            lines.append(
                f"{'dollars':12}{usd.low:12.4f}{usd.expected:12.4f}{usd.most:12.4f}"
                f"   prices of {self.price_date}"
            )
        if not self.calibrated:
            lines.append(
                "no answer of this model is stored yet: answers' lengths are a rule of thumb; "
                "a first run with --budget-calls 20 makes this forecast close"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class _Habits:
    """What a model's earlier answers say about the next."""

    tokens_per_character: float
    tokens_out: float | None
    again: float


def forecast(
    store: Store,
    subjects: Sequence[Subject],
    port: ChatPort,
    *,
    template: Template,
    options: AskingOptions,
) -> Forecast:
    """Forecast the run that :func:`profiler.asking.runner.run_asking` would make; send nothing."""
    pending = [subject for subject in subjects if subject.state == "pending" and subject.items]
    ends = [
        _first_missing(store, port, request, options.patience)
        for request in _requests(store, pending, template, options)
    ]
    missing = [request for request in ends if request is not None]
    habits = _habits(store, port.name, template.name)
    tokens_in = sum(_sent_characters(request) for request in missing) * habits.tokens_per_character
    guesses = [habits.tokens_out or _answer_tokens(request, options) for request in missing]
    tokens_out = sum(guesses)
    rounds = 2 + options.patience.reasks
    # A longer call is asked once with twice the limit, corrections after it keep that limit.
    longest = [request.max_tokens * (1 + 2 * (rounds - 1)) for request in missing]
    calls = Range(len(missing), len(missing) * (1 + habits.again), len(missing) * rounds)
    ins = Range(
        tokens_in * 0.9,
        tokens_in * (1 + habits.again),
        float(sum(prompt_tokens(request) for request in missing) * rounds),
    )
    outs = Range(tokens_out * 0.7, tokens_out * (1 + habits.again), float(sum(longest)))
    price = options.prices.of(port.name)
    usd = None
    if price is not None:
        usd = Range(
            *(
                (a * price.input + b * price.output) / 1e6
                for a, b in (
                    (ins.low, outs.low),
                    (ins.expected, outs.expected),
                    (ins.most, outs.most),
                )
            )
        )
    date = options.prices.dates.get(port.name)
    return Forecast(
        model=port.name,
        subjects=len(pending),
        stored=len(pending) - len(missing),
        calls=calls,
        tokens_in=ins,
        tokens_out=outs,
        usd=usd,
        price_date=None if date is None else date.isoformat(),
        calibrated=habits.tokens_out is not None,
    )


def _requests(
    store: Store, pending: Sequence[Subject], template: Template, options: AskingOptions
) -> list[Request]:
    key = boundary_key(store)
    return [
        make_request(
            subject,
            template,
            token_budget=options.token_budget,
            cut=options.cut,
            boundary_key=key,
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            seed=options.seed,
            max_interests=options.patience.max_interests,
        )
        for subject in shown_subjects(store, pending)
    ]


def _first_missing(
    store: Store, port: ChatPort, request: Request, patience: Patience
) -> Request | None:
    """Where the conversation would leave the store; None if its answers are all there."""
    asked, longer = 0, False
    while (found := store.responses.find(request_digest(port, request))) is not None:
        try:
            read_answer(
                found.raw_text,
                finish_reason=found.finish_reason,
                refusal=found.refusal,
                shown=request.subject.items,
                task=request.task,
                max_interests=patience.max_interests,
            )
            return None
        except AnswerError as error:
            step = next_request(request, found, error, patience, asked=asked, longer=longer)
            if step is None:
                return None
            request, purpose = step
            asked, longer = asked + (purpose == "reask"), longer or purpose == "longer"
    return request


def _habits(store: Store, model: str, template: str) -> _Habits:
    usage = store.responses.usage(model)
    if not usage:
        return _Habits(1 / CHARACTERS_PER_TOKEN, None, ASKED_AGAIN)
    like = [row for row in usage if row[0] == template] or usage
    purposes = store.responses.purposes(model)
    firsts = purposes.get("ask", 0)
    again = (sum(purposes.values()) - firsts) / firsts if firsts else ASKED_AGAIN
    return _Habits(
        sum(row[2] for row in like) / sum(row[1] for row in like),
        fmean(row[3] for row in like),
        again,
    )


def _sent_characters(request: Request) -> int:
    """Characters of the messages as the store counts them, see ``Responses.usage``."""
    return len(
        canonical_json([{"role": turn.role, "content": turn.content} for turn in request.messages])
    )


def _answer_tokens(request: Request, options: AskingOptions) -> float:
    """A rule of thumb: an interest for every few items, every item cited once."""
    items = len(request.subject.items)
    interests = min(options.patience.max_interests, max(2, items // ITEMS_PER_INTEREST))
    return float(min(interests * TOKENS_PER_INTEREST + items * TOKENS_PER_ID, request.max_tokens))
