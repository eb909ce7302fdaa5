"""How a run asks, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from profiler.asking.answers.answer_schema import MAX_INTERESTS
from profiler.asking.conversation import ReaskPolicy
from profiler.asking.ledger.call_options import CallOptions
from profiler.choices import Cut


@dataclass(frozen=True, kw_only=True)
class AskingOptions(CallOptions):
    """Everything about a run but whom to ask and about whom; beside :class:`CallOptions`:

    Attributes
    ----------
    max_tokens, temperature, seed
        Of each answer; a temperature or seed of None is not sent.
    token_budget, cut
        Maximum number of tokens of the item list, and which items stay when it is longer.
    max_interests
        Most interests of one answer.
    language
        What labels and descriptions are to be written in; None is the language of the titles.
    reask_policy
        Asking again what was answered badly.
    ask_anew
        Ask anew what was answered to the question of an earlier release.
    only_pending
        Ask only about subjects without interests; else also about those whose interests answer
        another question: the extractor's, another model's, another prompt's.
    give_up_after
        The run stops when so many requests in a row got no answer after all attempts.
    """

    max_tokens: int = 2_000
    temperature: float | None = 0.0
    seed: int | None = None
    token_budget: int = 6_000
    cut: Cut = "recent"
    max_interests: int = MAX_INTERESTS
    language: str | None = None
    reask_policy: ReaskPolicy = field(default_factory=ReaskPolicy)
    ask_anew: bool = False
    only_pending: bool = False
    give_up_after: int = 20

    def __post_init__(self) -> None:
        for name in ("concurrency", "max_tokens", "token_budget", "give_up_after"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")


@dataclass(frozen=True)
class AskingSummary:
    """What a run did; ``ok + quarantined + pending`` is the number of subjects, always.

    Attributes
    ----------
    ok, quarantined, pending
        Subjects by state, those settled earlier included.
    calls, failed_calls
        Calls sent, and those of them that brought no answer.
    cached
        Answers found in the store instead of bought.
    tokens_in, tokens_out
        Billed tokens, as told by the service.
    cost_usd
        Known cost of the answers.
    unpriced
        Answers of unknown cost: ``cost_usd`` is then not the whole.
    rescued
        Subjects that a later model answered for, of those that the first one failed at.
    asked_again
        Calls that corrected an answer or allowed a longer one.
    under_way, longest_s
        Calls that are under way now, and the seconds that the oldest of them has taken.
    """

    ok: int = 0
    quarantined: int = 0
    pending: int = 0
    calls: int = 0
    failed_calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    rescued: int = 0
    asked_again: int = 0
    under_way: int = 0
    longest_s: float = 0.0

    def then(self, later: AskingSummary) -> AskingSummary:
        """Add the run of a later model about the subjects that this one left quarantined."""
        both = self + later
        return replace(
            both,
            ok=self.ok + later.ok,
            quarantined=later.quarantined,
            pending=self.pending + later.pending,
            rescued=self.rescued + later.ok,
        )

    def __add__(self, other: AskingSummary) -> AskingSummary:
        """Two runs, about different subjects, as one."""
        names = [entry.name for entry in fields(self)]
        return AskingSummary(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def subjects(self) -> int:
        """All subjects of the run."""
        return self.ok + self.quarantined + self.pending

    @property
    def tokens(self) -> int:
        """Billed tokens, in and out."""
        return self.tokens_in + self.tokens_out

    def in_words(self) -> str:
        """One line for people."""
        cost = f"${self.cost_usd:.4f}"
        if self.unpriced:
            cost += f" and {self.unpriced} answers of unknown cost (see --prices)"
        rescued = f" ({self.rescued} by the later model)" if self.rescued else ""
        return (
            f"{self.ok} ok{rescued}, {self.quarantined} quarantined, {self.pending} pending; "
            f"{self.calls} calls ({self.failed_calls} without an answer), "
            f"{self.cached} answers already stored; {self.tokens} tokens, {cost}"
        )

    def under_way_in_words(self) -> str:
        """What is under way now and what went wrong so far, for whoever watches; may be empty."""
        told = []
        if self.under_way:
            calls = "1 call" if self.under_way == 1 else f"{self.under_way} calls"
            told.append(f"{calls} under way, {self.longest_s:.0f} s")
        if self.asked_again:
            told.append(f"{self.asked_again} asked again")
        if self.failed_calls:
            told.append(f"{self.failed_calls} without an answer")
        return ", ".join(told)
