"""What a run would take, before anything is sent.

Prompts are rendered and looked up in the store, so calls are counted exactly as far as answers are
good. Tokens follow what the same model took before for like prompts; without any such answer, by
rules of thumb, which :attr:`Forecast.calibrated` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from profiler.asking.options import AskingOptions
from profiler.asking.plan import Addressee, Questions, questions_of, to_ask
from profiler.asking.progress import duration
from profiler.asking.subjects import shown_subjects
from profiler.llm.budget import prompt_tokens
from profiler.llm.pace import calls_at_once
from profiler.llm.port import OFFLINE, ChatPort, Request
from profiler.shown import ShownSubject
from prompts import Template
from store.digests import canonical_json
from store.store import Store
from store.tables.subjects import Subject
from store.views.usage import answer_purposes, answer_usage, usual_latency

CHARACTERS_PER_TOKEN = 4.0
ASKED_AGAIN = 0.05
FAILED = 0.1
"""Share of subjects that a model is taken to fail at, where fewer than these are settled."""
ENOUGH = 10
TOKENS_PER_SECOND = 40.0
"""What a service is taken to write, where no call of the model was timed yet."""


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
    subjects, anew, stored
        Subjects to ask about, those of them whose present interests answer another question, and
        those whose answers are all in the store.
    calls, tokens_in, tokens_out
        Answered calls and billed tokens.
    usd
        Dollars, None where the price of the model is unknown.
    price_date, price_source, price_warning
        Day of the price used, where it is from, and what to do if it is old or another service's.
    calibrated
        Whether the model's earlier answers in this store were used.
    seconds
        How long it would take, without limits of the service.
    """

    model: str
    subjects: int
    anew: int
    stored: int
    calls: Range
    tokens_in: Range
    tokens_out: Range
    usd: Range | None
    price_date: str | None
    price_source: str | None
    price_warning: str | None
    calibrated: bool
    seconds: Range | None = None

    def in_words(self) -> str:
        """Lines for people."""
        also = f" ({self.anew} of them to replace other interests)" if self.anew else ""
        lines = [
            f"{self.subjects} subjects pending{also}, {self.stored} of them answered in the store",
            f"{'':12}{'low':>12}{'expected':>12}{'most':>12}",
        ]
        named = {"calls": self.calls, "tokens in": self.tokens_in, "tokens out": self.tokens_out}
        lines += [
            f"{name:12}{part.low:12,.0f}{part.expected:12,.0f}{part.most:12,.0f}"
            for name, part in named.items()
        ]
        if self.model == OFFLINE:
            return "\n".join([*lines, "no language model is asked: it costs nothing"])
        if self.usd is None:
            lines.append(f"dollars: unknown, {self.model} is not in the price table (--prices)")
        else:
            usd = self.usd
            lines.append(
                f"{'dollars':12}{usd.low:12.4f}{usd.expected:12.4f}{usd.most:12.4f}"
                + (f"   prices of {self.price_date}" if self.price_date else "")
            )
            lines += [f"prices: {self.price_source}"] if self.price_source else []
            lines += [self.price_warning] if self.price_warning else []
        if self.seconds is not None and self.calls.most:
            spans = [duration(getattr(self.seconds, name)) for name in ("low", "expected", "most")]
            lines.append(f"{'time':12}" + "".join(f"{span:>12}" for span in spans))
        if not self.calibrated:
            lines.append(
                "no answer of this model is stored yet: answers' lengths are a rule of thumb; "
                "a first run with --budget-calls 20 makes this forecast close"
            )
        return "\n".join(lines)


def total_in_words(forecasts: Sequence[Forecast]) -> str:
    """What several forecasts come to together, as a line; a price that is not known is named.

    Parameters
    ----------
    forecasts
        Of each kind of subject, and of each model.
    """
    calls = _sum([one.calls for one in forecasts])
    said = f"total: {calls.expected:,.0f} calls expected, {calls.most:,.0f} at most"
    paid = [one for one in forecasts if one.model != OFFLINE]
    unknown = sorted({one.model for one in paid if one.usd is None})
    if unknown:
        return f"{said}; dollars unknown: no price of {', '.join(unknown)}"
    usd = _sum([one.usd for one in paid if one.usd is not None])
    return f"{said}; ${usd.expected:.4f} expected, ${usd.most:.4f} at most"


def _sum(parts: Sequence[Range]) -> Range:
    return Range(
        sum(one.low for one in parts),
        sum(one.expected for one in parts),
        sum(one.most for one in parts),
    )


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
    """Forecast the run that :func:`profiler.asking.runner.run_asking` would make; send nothing.

    Parameters
    ----------
    subjects
        Whom the run would ask about.
    port
        The model; it is not called.
    template, options
        As the run would have them; prices and caps are the options'.
    """
    questions = questions_of(store, template, Addressee.of_port(port), options)
    asked = [subject for subject in to_ask(questions, subjects) if subject.items]
    found = forecast_questions(questions, shown_subjects(store, asked), port, options)
    return replace(found, anew=sum(subject.state == "ok" for subject in asked))


def forecast_questions(
    questions: Questions,
    asked: Sequence[ShownSubject],
    port: ChatPort,
    options: AskingOptions,
    unknown: Sequence[ShownSubject] = (),
) -> Forecast:
    """Forecast asking the questions of a task about all these subjects; send nothing.

    Parameters
    ----------
    questions, port, options
        As a run would have them.
    asked
        Subjects whose questions are known.
    unknown
        Subjects whose questions will quote answers yet to come: their number is known, and they
        are taken to be as long as with the texts that are there now.
    """
    store, template = questions.store, questions.template
    missing: list[Request] = []
    for shown in unknown:
        missing += [questions.first(shown)] * questions.task.count_questions(shown)
    unanswered = len(unknown)
    for shown in asked:
        played = questions.replay(shown)
        if played.next is not None:
            unanswered += 1
            # Later questions depend on answers: they are taken to be like the next one.
            left = questions.task.count_questions(shown) - len(played.accepted)
            missing += [played.next.request] * max(1, left)
    habits = _habits(store, port.name, template.name)
    tokens_in = sum(_sent_characters(request) for request in missing) * habits.tokens_per_character
    guesses = [
        habits.tokens_out or min(questions.task.answer_tokens(request), request.max_tokens)
        for request in missing
    ]
    tokens_out = sum(guesses)
    rounds = 2 + options.reask_policy.times
    # A longer call is asked once with twice the limit, corrections after it keep that limit.
    longest = [request.max_tokens * (1 + 2 * (rounds - 1)) for request in missing]
    calls = Range(len(missing), len(missing) * (1 + habits.again), len(missing) * rounds)
    ins = Range(
        tokens_in * 0.9,
        tokens_in * (1 + habits.again),
        float(sum(prompt_tokens(request) for request in missing) * rounds),
    )
    outs = Range(tokens_out * 0.7, tokens_out * (1 + habits.again), float(sum(longest)))
    prices = options.prices.at(port.base_url)
    price = prices.of(port.name)
    usd = None
    if price is not None:
        usd = Range(
            price.cost(ins.low, outs.low),
            price.cost(ins.expected, outs.expected),
            price.cost(ins.most, outs.most),
        )
    day = prices.date_of(port.name)
    warnings = (prices.warning(port.name), prices.elsewhere(port.name, port.base_url))
    return Forecast(
        model=port.name,
        subjects=len(asked) + len(unknown),
        anew=0,
        stored=len(asked) + len(unknown) - unanswered,
        calls=calls,
        tokens_in=ins,
        tokens_out=outs,
        usd=usd,
        price_date=None if day is None else day.isoformat(),
        price_source=prices.source_of(port.name),
        price_warning="; ".join(one for one in warnings if one) or None,
        calibrated=habits.tokens_out is not None,
        seconds=_seconds(store, port, options, calls, outs),
    )


def _seconds(
    store: Store, port: ChatPort, options: AskingOptions, calls: Range, outs: Range
) -> Range:
    """How long calls would take, so many at once, by the model's earlier ones or rules of thumb."""
    at_once = calls_at_once(options.concurrency, port.base_url)
    usual = usual_latency(store, port.name)
    if usual is None:
        each = [out / TOKENS_PER_SECOND for out in (outs.low, outs.expected, outs.most)]
    else:
        each = [calls.low * usual, calls.expected * usual, calls.most * usual]
    return Range(*(seconds / at_once for seconds in each))


def forecast_later(
    store: Store,
    subjects: Sequence[Subject],
    port: ChatPort,
    later: ChatPort,
    *,
    template: Template,
    options: AskingOptions,
) -> Forecast:
    """Forecast what a later model would take about whom ``port`` fails at; send nothing.

    At least nobody, at most everybody; expected is the share that is quarantined so far, or one in
    ten where little is known.
    """
    first = questions_of(store, template, Addressee.of_port(port), options)
    failed = [one for one in subjects if one.state == "quarantined"]
    settled = len(failed) + sum(one.state == "ok" for one in subjects)
    share = len(failed) / settled if settled >= ENOUGH else FAILED
    asked = [replace(one, state="pending") for one in [*to_ask(first, subjects), *failed]]
    all_ = forecast(store, asked, later, template=template, options=options)

    def part(of: Range) -> Range:
        return Range(0.0, of.expected * share, of.most)

    return replace(
        all_,
        calls=part(all_.calls),
        tokens_in=part(all_.tokens_in),
        tokens_out=part(all_.tokens_out),
        usd=all_.usd and part(all_.usd),
        seconds=all_.seconds and part(all_.seconds),
    )


def _habits(store: Store, model: str, template: str) -> _Habits:
    usage = answer_usage(store, model)
    if not usage:
        return _Habits(1 / CHARACTERS_PER_TOKEN, None, ASKED_AGAIN)
    like = [answer for answer in usage if answer.template == template] or usage
    purposes = answer_purposes(store, model)
    firsts = purposes.get("ask", 0)
    again = (sum(purposes.values()) - firsts) / firsts if firsts else ASKED_AGAIN
    return _Habits(
        sum(answer.tokens_in for answer in like) / sum(answer.characters for answer in like),
        fmean(answer.tokens_out for answer in like),
        again,
    )


def _sent_characters(request: Request) -> int:
    """Characters of the messages as :class:`store.views.usage.AnswerUsage` counts them."""
    return len(
        canonical_json([{"role": turn.role, "content": turn.content} for turn in request.messages])
    )
