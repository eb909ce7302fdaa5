"""``reflect``: hints that a model learns from lists that missed, and what each is worth (Re2LLM).

Three steps, each of which goes on where it was stopped: lists without a hint for all cases; where
one missed, a conversation that ends in hints, until enough are in use; lists with each hint for all
cases. Every call is made once and stored, so that whoever chooses among hints later pays nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from profiler.asking.conversation import ReaskPolicy
from profiler.asking.forecast import Forecast, forecast_questions
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Addressee, Questions, questions_of
from profiler.asking.runner import run_task
from profiler.asking.tasks.recommendation import HintedCase, Recommendation, with_rows
from profiler.asking.tasks.reflection import MOST_HINTS, TURNS, Reflection
from profiler.hints.base import LIMIT, in_use, take_into_use
from profiler.hints.cases import nominated_cases
from profiler.hints.forecast import UNLIKE, widened
from profiler.hints.novelty import Nearest, by_meaning, by_words
from profiler.offline.hints import OfflineHints
from profiler.vectors.encoding import encode_cached
from prompts import Template, load_template, refuse_unused
from store.tables.tasks.hints import Hint

if TYPE_CHECKING:
    from profiler.llm.port import ChatPort
    from profiler.shown import ShownSubject
    from profiler.vectors.encoding import Encoder
    from store.store import Store
    from store.tables.tasks.hints import Trial

Progress = Callable[[str, int, int], None]
MAX_TOKENS = 1_000
"""Of an answer: ten IDs take some 90, a turn of the conversation some 200."""
TOKEN_BUDGET = 30_000
"""Of the list of candidates, which must not be cut: fifty titles take some 2,000."""
TRIALS = "trials"
STEPS = {
    "recommendation": "lists without a hint",
    "reflection": "reflecting on lists that missed",
    TRIALS: "lists with each hint",
}
"""The steps of a run, and what is told of them."""
WAVE = 20
"""Cases that are reflected on before their hints are compared with those in use."""


@dataclass(frozen=True)
class ReflectSettings:
    """What is asked about which cases.

    Attributes
    ----------
    nomination
        Number of the nomination; None is the newest.
    cases
        Only so many of its cases, the first ones.
    max_hints
        Hints in use at most.
    prompts
        A folder whose templates go before ours.
    retry
        Ask again also about what was quarantined.
    """

    nomination: int | None = None
    cases: int | None = None
    max_hints: int = LIMIT
    prompts: Path | None = None
    retry: bool = False


@dataclass(frozen=True)
class Reflected:
    """What reflecting came to.

    Attributes
    ----------
    model
        Who was asked.
    cases, out_of_reach, missed
        Cases asked about; those left out since their target is not among the candidates; those
        whose list without a hint missed.
    asking
        Calls, outcomes and cost, by step.
    forecast
        Of a dry run, by step.
    hints
        Number of the model's hints by status.
    quarantined
        Questions without a usable answer.
    """

    model: str
    cases: int
    out_of_reach: int
    missed: int
    asking: dict[str, AskingSummary] = field(default_factory=dict)
    forecast: dict[str, Forecast] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    quarantined: int = 0


def reflect_on_cases(
    store: Store,
    llm: ChatPort | None,
    *,
    settings: ReflectSettings | None = None,
    options: AskingOptions | None = None,
    encoder: Encoder | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Reflected:
    """Learn hints from nominated cases, and try each hint on all of them.

    Parameters
    ----------
    store
        With cases that ``recommender nominate`` wrote.
    llm
        A chat model; None is the stand-in, whose hints are rules of categories.
    settings, options
        What is asked, and how; the list of candidates is never cut.
    encoder
        Compares hints by their meaning, too; None compares their words only.
    dry_run
        Forecast calls, tokens and dollars by step; send and write nothing.
    progress
        Called with (step, done, total).
    stop
        Set from another thread to stop asking cleanly.

    Raises
    ------
    UserError
        The store has no such nomination, or cases that show what the split hides.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        Asking ended early; what was finished is kept.
    """
    settings = settings or ReflectSettings()
    how = replace(options or AskingOptions(max_tokens=MAX_TOKENS), token_budget=TOKEN_BUDGET)
    run = _Reflecting(store, llm, settings, how, encoder, progress, stop)
    if dry_run:
        return run.forecast()
    config = {"llm": run.port.name, "cases": len(run.cases), "nomination": settings.nomination}
    with store.runs.recording("reflect", config, stats=store.tasks.counts) as recorded:
        run.ask(recorded.run_id)
        found = run.found()
        recorded.status = "partial" if found.quarantined else "done"
    return found


class _Reflecting:
    """The state of one run."""

    def __init__(
        self,
        store: Store,
        llm: ChatPort | None,
        settings: ReflectSettings,
        options: AskingOptions,
        encoder: Encoder | None,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> None:
        self.store, self.settings, self.encoder, self.stop = store, settings, encoder, stop
        self.tell: Progress = progress or (lambda step, done, total: None)
        self.template, self.turns, self.options = _templates(settings.prompts, options)
        nominated = nominated_cases(store, settings.nomination, settings.cases)
        self.cases = {one.name: one for one in nominated if one.mendable}
        self.out_of_reach = len(nominated) - len(self.cases)
        self.port: ChatPort = llm or OfflineHints(self.cases)
        self.asking: dict[str, AskingSummary] = {}

    def ask(self, run_id: int) -> None:
        """Make all three steps."""
        self.run_id = run_id
        if self.settings.retry:
            for task in (Recommendation.name, Reflection.name):
                self.store.tasks.retry(task)
        self._try(Recommendation.name, [HintedCase(case) for case in self.cases.values()])
        self._reflect()
        self._try(TRIALS, self._with_each_hint())

    def forecast(self) -> Reflected:
        """What each step would take, as far as it is known before the one that goes before."""
        told = partial(forecast_questions, port=self.port, options=self.options)
        lists, due = self._lists([HintedCase(case) for case in self.cases.values()])
        later, waves = self._reflections()
        trials, untried = self._lists(self._with_each_hint())
        unlike = Hint("ranking", UNLIKE, "active", self.port.name)
        other, each = self._lists([HintedCase(case, unlike) for case in self.cases.values()])
        one_list = told(other, each)
        more = max(0, self.settings.max_hints - len(in_use(self.store, self.port.name)))
        unknown = len(due) * (1 + len(TURNS) + MOST_HINTS - 1) if more else 0
        steps = {
            Recommendation.name: told(lists, due),
            Reflection.name: widened(
                told(later, waves[0] if waves else []),
                told(later, [one for wave in waves for one in wave]),
                one_list,
                unknown / max(len(each), 1),
            ),
            TRIALS: widened(told(trials, untried), told(trials, untried), one_list, more),
        }
        return replace(self.found(), forecast=steps)

    def found(self) -> Reflected:
        """What is in the store now."""
        own = [one for one in self.store.hints.load("ranking") if one.source == self.port.name]
        every: Counter[str] = Counter(one.status for one in own)
        failed = [
            one
            for task in (Recommendation.name, Reflection.name)
            for one in self.store.tasks.load(task, ("quarantined",))
        ]
        return Reflected(
            model=self.port.name,
            cases=len(self.cases),
            out_of_reach=self.out_of_reach,
            missed=len(self._missed()),
            asking=self.asking,
            hints=dict(every),
            quarantined=len(failed),
        )

    def _lists(self, asked: Sequence[HintedCase]) -> tuple[Questions, list[ShownSubject]]:
        """Questions for lists, and those of them without a trial."""
        task = Recommendation(asked, self.port.name, self.template.digest)
        questions = questions_of(
            self.store, self.template, Addressee.of_port(self.port), self.options, task
        )
        done = {(one.subject, one.hint_id, one.text_digest) for one in self._trials()}
        failed = self._failed(Recommendation.name)
        due = [
            one.case.shown(name, None)
            for name, one in task.asked.items()
            if name not in failed and (one.case.name, *_key(one.hint)) not in done
        ]
        return questions, due

    def _try(self, step: str, asked: Sequence[HintedCase]) -> None:
        """Ask for lists and keep them as trials."""
        questions, due = self._lists(asked)
        cases = {one.name: one.case for one in asked}
        self._run(step, questions, with_rows(self.store, Recommendation.name, due, cases))

    def _reflections(self) -> tuple[Questions, list[list[ShownSubject]]]:
        """The conversations, in waves, until as many hints are in use as there may be."""
        task = Reflection(self.cases, self.turns, self.port.name, self.template.digest)
        questions = questions_of(
            self.store, self.template, Addressee.of_port(self.port), self.options, task
        )
        missed, failed = self._missed(), self._failed(Reflection.name)
        waves = [missed[start : start + WAVE] for start in range(0, len(missed), WAVE)]
        shown = [
            [self.cases[one].shown(one, None) for one in wave if one not in failed]
            for wave in waves
        ]
        full = len(in_use(self.store, self.port.name)) >= self.settings.max_hints
        return questions, [] if full else shown

    def _reflect(self) -> None:
        questions, waves = self._reflections()
        self._compare()
        for wave in waves:
            if len(in_use(self.store, self.port.name)) >= self.settings.max_hints:
                return
            self._run(
                Reflection.name, questions, with_rows(self.store, Reflection.name, wave, self.cases)
            )
            self._compare()

    def _compare(self) -> None:
        nearest: Nearest = by_words
        if self.encoder is not None:
            # Encoded before the transaction that compares them, which must not wait for weights.
            hints = self.store.hints.load("ranking", ("mends", "active"))
            encode_cached(self.store, self.encoder, [one.text for one in hints])
            nearest = by_meaning(self.store, self.encoder)
        take_into_use(
            self.store,
            list(self.cases),
            self.port.name,
            limit=self.settings.max_hints,
            nearest=nearest,
        )

    def _run(self, step: str, questions: Questions, due: Sequence[ShownSubject]) -> None:
        def told(summary: AskingSummary) -> None:
            self.tell(STEPS[step], summary.ok + summary.quarantined, summary.subjects)

        summary = run_task(
            questions,
            due,
            self.port,
            self.options,
            run_id=self.run_id,
            progress=told,
            stop=self.stop,
        )
        self.asking[step] = self.asking.get(step, AskingSummary()) + summary

    def _with_each_hint(self) -> list[HintedCase]:
        hints = in_use(self.store, self.port.name)
        return [HintedCase(case, hint) for hint in hints for case in self.cases.values()]

    def _trials(self) -> list[Trial]:
        trials = self.store.hints.trials(Recommendation.name, self.port.name)
        return [one for one in trials if one.template_digest == self.template.digest]

    def _missed(self) -> list[str]:
        """Cases whose list without a hint missed, in the order of the nomination."""
        lists = [one for one in self._trials() if one.hint_id is None and one.rank is None]
        missed = {one.subject for one in lists}
        return [name for name in self.cases if name in missed]

    def _failed(self, task: str) -> set[str]:
        return {one.name for one in self.store.tasks.load(task, ("quarantined",))}


def _templates(
    folder: Path | None, options: AskingOptions
) -> tuple[Template, dict[str, Template], AskingOptions]:
    """The question, the later turns, and options that name the correction."""
    refuse_unused(folder, [Recommendation.template, *TURNS.values()])
    question = Recommendation().load_template(folder=folder)
    turns = {turn: Reflection().load_template(name, folder) for turn, name in TURNS.items()}
    if options.reask_policy.template is None:
        policy = ReaskPolicy(template=load_template("reask", folder))
        options = replace(options, reask_policy=policy)
    return question, turns, options


def _key(hint: Hint | None) -> tuple[int | None, str]:
    return (None, "") if hint is None else (hint.hint_id, hint.text_digest)
