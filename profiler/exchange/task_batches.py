"""Tasks other than interests in files and batches: their questions, and their answers read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from profiler.asking.plan import Addressee, Questions, QuestionSettings, questions_of
from profiler.asking.task import TASKS, Approach
from profiler.shown import ShownSubject
from prompts import Template
from store.store import Store


def stages_of(
    store: Store,
    name: str,
    template: Template,
    to: Addressee,
    settings: QuestionSettings,
    choices: Mapping[str, Any],
) -> Iterator[Questions]:
    """How a task is asked, stage by stage, each with what the store holds when it is reached.

    Parameters
    ----------
    store
        Where answers are looked up.
    name, template
        The task, and its question.
    to, settings
        Whom it is put to, and how.
    choices
        What the task itself leaves open.

    Raises
    ------
    UserError
        There is no such task, it is not asked in batches, or a choice cannot be met.
    """
    task = TASKS.get_known(name)
    approach = Approach(
        model=to.model,
        template_digest=template.digest,
        token_budget=settings.token_budget,
        only_pending=settings.only_pending,
        choices=choices,
    )
    for stage in task.stages(approach):
        yield questions_of(store, template, to, settings, stage)


def due(stages: Iterator[Questions]) -> Iterator[tuple[Questions, ShownSubject]]:
    """Subjects that a run would ask about now, with their rows of the store."""
    for questions in stages:
        subjects = questions.task.subjects(questions.store)
        for subject in questions.task.entered(questions.store, subjects):
            yield questions, subject


def written(
    stages: Iterator[Questions], name: str, addresses: set[str]
) -> Iterator[tuple[Questions, ShownSubject]]:
    """Subjects of the questions that were written under these addresses.

    Parameters
    ----------
    stages
        From :func:`stages_of`.
    name
        The task: questions of other tasks are passed over.
    addresses
        Of answers that came.
    """
    for questions in stages:
        shown = _shown(questions.store, name, addresses)
        if shown:
            for subject in questions.task.asked_before(questions.store, shown):
                yield questions, subject


def _shown(store: Store, name: str, addresses: set[str]) -> list[Sequence[int]]:
    asked = filter(None, map(store.questions.find, sorted(addresses)))
    return [one.shown for one in asked if store.runs.config(one.run_id).get("task") == name]
