"""``rank``: a language model ranks a teacher's candidates for nominated cases of training.

What it answers can train a student (``recommender train --distil``). The rankings of cases whose
target was put among the candidates are marked, and count in no measurement.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.asking.conversation import ReaskPolicy
from profiler.asking.forecast import Forecast, forecast_questions
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Addressee, Questions, questions_of
from profiler.asking.runner import run_task
from profiler.asking.tasks.rank import EXPECTED_HINTS, AskedCase, Rank, RankChoice
from profiler.asking.tasks.teacher_lists import ListsChoice, TeacherLists
from profiler.offline.ranker import OfflineRanker
from profiler.ranked import AT, Ranked, RankSettings
from prompts import Template, load_template, refuse_unused
from store.errors import UserError
from store.suggestions import enumerated
from store.tables.tasks.cases import EXAMPLES, Case, Nomination, check_cases

if TYPE_CHECKING:
    from profiler.llm.port import ChatPort
    from store.store import Store

__all__ = ["RankSettings", "Ranked", "rank_cases"]

Progress = Callable[[str, int, int], None]
MAX_TOKENS = 1_000
"""Of an answer: 25 numbers take some 100, four sentences some 150."""


def rank_cases(
    store: Store,
    llm: ChatPort | None,
    *,
    settings: RankSettings | None = None,
    options: AskingOptions | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Ranked:
    """Ask a model to rank the candidates of every case that it has not ranked.

    One question about twenty of the teacher's lists comes first; what it says is quoted in the
    question about each case, whose answers are stored as following from it.

    Parameters
    ----------
    store
        With a nomination of ``recommender nominate``.
    llm
        A chat model; None is the stand-in, which is not a language model.
    settings, options
        What is asked, and how.
    dry_run
        Forecast calls, tokens and dollars by task; send nothing.
    progress
        Called with (step, done, total).
    stop
        Set from another thread to stop asking cleanly.

    Raises
    ------
    UserError
        The store has no such nomination, or a choice cannot be met.
    LeakageError
        A case shows what the store's split hides.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        Asking ended early; what was finished is kept.
    """
    settings = settings or RankSettings()
    tell = progress or (lambda step, done, total: None)
    refuse_unused(settings.prompts, [settings.prompt, settings.hints_prompt])
    chosen = find_nomination(store, settings.nomination)
    cases = store.cases.load(chosen.nomination_id)
    check_cases(store.datasets.load(), cases)
    port = llm or OfflineRanker.of_store(store)
    asker = _Asker(store, port, settings, _with_correction(options, settings.prompts), tell, stop)
    if dry_run:
        return asker.forecast(chosen, cases)
    config = {
        "llm": port.name,
        "nomination": chosen.nomination_id,
        "sessions": settings.sessions,
        "force_target": settings.force_target,
    }
    with store.runs.recording("rank", config, stats=store.tasks.counts) as run:
        ranked = asker.ask(chosen, cases, run.run_id)
        run.status = "partial" if ranked.open else "done"
    return ranked


def find_nomination(store: Store, number: int | None) -> Nomination:
    """A nomination of a store by its number, or the newest.

    Raises
    ------
    UserError
        There is none, or none of that number, or it has no case left.
    """
    known = store.cases.nominations()
    if not known:
        raise UserError(
            f"{store.path} has no nominated cases; choose some with: "
            f"recommender nominate MODEL --store {store.path}"
        )
    numbers = [str(one.nomination_id) for one in known]
    chosen = {one.nomination_id: one for one in known}.get(
        known[-1].nomination_id if number is None else number
    )
    if chosen is None:
        raise UserError(
            f"{store.path} has no nomination {number}; there are {enumerated(numbers, 'and')}"
        )
    if not chosen.cases:
        raise UserError(f"nomination {chosen.nomination_id} of {store.path} has no case left")
    return chosen


def _with_correction(options: AskingOptions | None, prompts: Path | None) -> AskingOptions:
    how = options or AskingOptions(max_tokens=MAX_TOKENS)
    if how.reask_policy.template is not None:
        return how
    return replace(how, reask_policy=ReaskPolicy(template=load_template("reask", prompts)))


@dataclass(frozen=True)
class _Asker:
    """The two tasks of a run, put to one model."""

    store: Store
    port: ChatPort
    settings: RankSettings
    options: AskingOptions
    tell: Progress
    stop: threading.Event | None

    def forecast(self, chosen: Nomination, cases: Sequence[Case]) -> Ranked:
        """What both tasks would take; hints that are still to be asked for have a usual length."""
        found = {}
        lists = self._lists(chosen)
        hints, response = lists.hints(self.store)
        if lists.is_due(self.store):
            found[TeacherLists.name] = self._forecast(lists.task, lists.template)
            hints, response = EXPECTED_HINTS, -1
        task, template = self._rank(cases, hints, response)
        found[Rank.name] = self._forecast(task, template)
        return self._ranked(chosen, task, {}, found)

    def ask(self, chosen: Nomination, cases: Sequence[Case], run_id: int) -> Ranked:
        """Ask for hints where there are none, then about the cases that are due."""
        asking = {}
        lists = self._lists(chosen)
        if lists.is_due(self.store):
            if self.settings.retry:
                self.store.tasks.set_aside(lists.template.name)
            lists.task.register(self.store)
            asking[TeacherLists.name] = self._run(
                lists.task, lists.template, run_id, "asking for hints"
            )
        hints, response = lists.hints(self.store)
        task, template = self._rank(cases, hints, response)
        if lists.is_due(self.store):  # ranked without hints, all cases would be paid for again
            return self._ranked(chosen, task, asking, {})
        task.register(self.store)
        if self.settings.retry:
            self.store.tasks.set_aside(template.name)
        asking[Rank.name] = self._run(task, template, run_id, "asking for rankings")
        return self._ranked(chosen, task, asking, {})

    def _lists(self, chosen: Nomination) -> _Lists:
        shown = self._examples(chosen) if self.settings.sessions else []
        template = TeacherLists().load_template(self.settings.hints_prompt, self.settings.prompts)
        task = TeacherLists(
            ListsChoice(
                model=self.port.name,
                template_digest=template.digest,
                cases=tuple(shown),
                token_budget=self.options.token_budget,
            )
        )
        return _Lists(task, template)

    def _examples(self, chosen: Nomination) -> list[Case]:
        """Cases that show the teacher's lists: those chosen with the nomination, or any of its."""
        mine = [
            one
            for one in self.store.cases.nominations(examples=True)
            if one.policy == EXAMPLES and one.teacher == chosen.teacher and one.cases
        ]
        if not mine:
            return []
        same = [one for one in mine if one.seed == chosen.seed]
        cases = self.store.cases.load((same or mine)[-1].nomination_id)
        check_cases(self.store.datasets.load(), cases)
        return cases[: self.settings.sessions]

    def _rank(
        self, cases: Sequence[Case], hints: Sequence[str], response: int | None
    ) -> tuple[Rank, Template]:
        template = Rank().load_template(self.settings.prompt, self.settings.prompts)
        force = self.settings.force_target
        task = Rank(
            RankChoice(
                model=self.port.name,
                template_digest=template.digest,
                cases=tuple(AskedCase.of(one, force_target=force) for one in cases),
                hints=tuple(hints),
                hints_response=response,
                token_budget=self.options.token_budget,
                only_pending=self.settings.only_pending,
                retry=self.settings.retry,
            )
        )
        return task, template

    def _questions(self, task: Any, template: Template) -> Questions:
        if isinstance(self.port, OfflineRanker):
            self.port.answers(**task.divided())
        to = Addressee.of_port(self.port)
        return questions_of(self.store, template, to, self.options, task)

    def _forecast(self, task: Any, template: Template) -> Forecast:
        questions = self._questions(task, template)
        return forecast_questions(questions, task.subjects(self.store), self.port, self.options)

    def _run(self, task: Any, template: Template, run_id: int, step: str) -> AskingSummary:
        questions = self._questions(task, template)
        return run_task(
            questions,
            task.subjects(self.store),
            self.port,
            self.options,
            run_id=run_id,
            progress=lambda summary: self.tell(
                step, summary.ok + summary.quarantined, summary.subjects
            ),
            stop=self.stop,
        )

    def _ranked(
        self,
        chosen: Nomination,
        task: Rank,
        asking: dict[str, AskingSummary],
        forecast: dict[str, Forecast],
    ) -> Ranked:
        cases = {one.case.case_id: one.case for one in task.choice.cases}
        rankings = self.store.rankings.load(list(cases), self.port.name)
        mine = {one.name(self.port.name) for one in task.choice.cases}
        failed = self.store.tasks.load(Rank.name, ("quarantined",))
        measured = [one for one in rankings if not one.forced]
        orders = {
            self.port.name: [(one.items, cases[one.case_id].target_ix) for one in measured],
            "teacher": [
                (cases[one.case_id].candidates, cases[one.case_id].target_ix) for one in measured
            ],
        }
        return Ranked(
            model=self.port.name,
            nomination=chosen.nomination_id,
            hints=task.choice.hints if asking else (),
            asking=asking,
            forecast=forecast,
            cases=len(cases),
            ranked=len({one.case_id for one in rankings}),
            quarantined=sum(one.name in mine for one in failed),
            forced=sum(one.forced for one in rankings),
            found={
                who: {str(k): sum(target in items[:k] for items, target in order) for k in AT}
                for who, order in orders.items()
            },
        )


@dataclass(frozen=True)
class _Lists:
    """The question about the teacher's lists."""

    task: TeacherLists
    template: Template

    def is_due(self, store: Store) -> bool:
        """Whether it is to be asked: there are lists to show, and no answer to this question."""
        if not self.task.choice.cases:
            return False
        stored = self.task.stored(store)
        return stored is None or stored.template_digest != self.template.digest

    def hints(self, store: Store) -> tuple[tuple[str, ...], int | None]:
        """What was answered, and by which response; nothing where no list is shown."""
        stored = self.task.stored(store) if self.task.choice.cases else None
        return ((), None) if stored is None else (stored.hints, stored.response_id)
