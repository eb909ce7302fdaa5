"""Asking about many subjects: paced, capped, resumable, and stopping cleanly.

A run can be stopped at any moment, by the user, a cap, the provider or ``kill -9``: what was
answered is stored, and the next run makes exactly the calls that are missing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from profiler.asking.ledger.call_options import refuse_unpriced_cap
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Addressee, Questions, not_asked_yet, questions_of, to_ask
from profiler.asking.run import Progress, Run
from profiler.asking.subjects import shown_subjects
from profiler.llm.port import ChatPort
from profiler.shown import ShownSubject
from prompts import Template
from store.store import Store
from store.tables.subjects import Kind, State, Subject

__all__ = [
    "AskingOptions",
    "AskingSummary",
    "ask_in_turn",
    "retry_failed",
    "run_asking",
    "run_task",
]


def run_asking(
    store: Store,
    subjects: Sequence[Subject],
    port: ChatPort,
    *,
    template: Template,
    options: AskingOptions,
    run_id: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> AskingSummary:
    """Ask about every pending subject and store what comes of it.

    Parameters
    ----------
    store
        Where subjects, answers and interests are.
    subjects
        Whom to ask about: those that are pending, and those whose interests answer another
        question (:mod:`profiler.asking.plan`). The others are only counted.
    port
        Who is asked.
    template
        The question.
    options
        Pace, caps, retries.
    run_id
        Row of the table ``runs`` that calls and answers belong to.
    progress
        Called after each subject.
    stop
        Set from outside to stop as Ctrl-C does.

    Raises
    ------
    InterruptedRunError
        Stopped by the user, within two seconds.
    BudgetReachedError
        The next call might pass a cap.
    ProviderRefusedError
        The provider refuses all calls, or too many in a row brought no answer.
    UserError
        A cap in dollars for a model of unknown price; a template that cannot be rendered.
    """
    refuse_unpriced_cap(port, options)
    questions = questions_of(store, template, Addressee.of_port(port), options)
    asked = to_ask(questions, subjects)
    quarantined = sum(subject.state == "quarantined" for subject in subjects)
    settled = AskingSummary(
        ok=len(subjects) - quarantined - len(asked), quarantined=quarantined, pending=len(asked)
    )
    out = store.batches.subjects_out()  # their answers are awaited from a batch service
    here = [one for one in asked if one.subject_id not in out]
    run = Run(questions, port, options, shown_subjects(store, here), settled)
    return run.to_its_end(run_id, progress, stop)


def run_task(
    questions: Questions,
    asked: Sequence[ShownSubject],
    port: ChatPort,
    options: AskingOptions,
    *,
    settled: AskingSummary | None = None,
    run_id: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> AskingSummary:
    """Ask the questions of a task about subjects and store what comes of it.

    Parameters
    ----------
    questions
        How they are made and read: :func:`profiler.asking.plan.questions_of`.
    asked
        Whom to ask about.
    port, options, run_id, progress, stop
        As for :func:`run_asking`.
    settled
        Subjects that were settled earlier, to be counted beside these.

    Raises
    ------
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        The run ended early; run it again to go on.
    UserError
        A cap in dollars for a model of unknown price; a template that cannot be rendered.
    """
    refuse_unpriced_cap(port, options)
    before = replace(settled or AskingSummary(), pending=len(asked))
    asked = _not_out(questions, asked)
    asked = questions.task.entered(questions.store, asked)
    return Run(questions, port, options, asked, before).to_its_end(run_id, progress, stop)


def _not_out(questions: Questions, asked: Sequence[ShownSubject]) -> Sequence[ShownSubject]:
    """Those whose next question is not with a batch service now."""
    out = questions.store.batches.requests_out()
    if not out:
        return asked
    steps = ((one, questions.replay(one).next if one.items else None) for one in asked)
    return [
        one
        for one, step in steps
        if step is None or questions.address(step.request, questions.to.base_url) not in out
    ]


def ask_in_turn(
    store: Store,
    kind: Kind,
    ports: Sequence[ChatPort],
    *,
    template: Template,
    options: AskingOptions,
    run_id: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    states: Sequence[State] | None = None,
    again: bool = False,
) -> AskingSummary:
    """Ask a first model about subjects, then each next one about whom those before failed at.

    Parameters
    ----------
    store, template, options, run_id, progress, stop
        As for :func:`run_asking`.
    kind, states
        The subjects: of which kind, and for the first model in which states; None is any.
    ports
        Who is asked, in turn.
    again
        Ask a later model also what it left without an answer before.

    Raises
    ------
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        As :func:`run_asking`.
    UserError
        A cap in dollars for a model of unknown price; a template that cannot be rendered.
    """
    for port in ports:
        refuse_unpriced_cap(port, options)
    subjects = [
        one for one in store.subjects.load(kinds=(kind,)) if states is None or one.state in states
    ]
    total = run_asking(
        store,
        subjects,
        ports[0],
        template=template,
        options=options,
        run_id=run_id,
        progress=progress,
        stop=stop,
    )
    for port in ports[1:]:
        questions = questions_of(store, template, Addressee.of_port(port), options)
        failed = [one for one in store.subjects.load(kinds=(kind,)) if one.state == "quarantined"]
        asked = not_asked_yet(questions, failed, again=again)
        later = run_task(
            questions,
            asked,
            port,
            options,
            settled=AskingSummary(quarantined=len(failed) - len(asked)),
            run_id=run_id,
            progress=progress,
            stop=stop,
        )
        total = total.then(later)
    return total


def retry_failed(
    store: Store,
    port: ChatPort,
    *,
    then: ChatPort | None = None,
    templates: Mapping[str, Template],
    options: AskingOptions,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> AskingSummary:
    """Ask anew about every quarantined subject; return what came of these and the pending ones.

    Their unusable answers are kept, but set aside in the same transaction that makes the subjects
    pending: the questions are sent again, and a retry that is stopped resumes like any run.

    Parameters
    ----------
    store, port, options, progress, stop
        As for :func:`run_asking`.
    templates
        The question for each kind of subject.
    then
        Who is asked about whom ``port`` fails at.

    Raises
    ------
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        The run ended early; run it again to go on.
    """
    failed = store.subjects.load(states=("quarantined",))
    total = AskingSummary()
    with store.runs.recording(
        "retry",
        {"llm": port.name, "then": then and then.name, "subjects": len(failed)},
        stats=lambda: {"subjects": store.subjects.counts()},
    ) as run:
        with store.write():
            store.responses.set_aside([subject.subject_id for subject in failed])
            for subject in failed:
                store.subjects.set_state(subject.subject_id, "pending")
        for kind, template in templates.items():
            total += ask_in_turn(
                store,
                cast("Kind", kind),
                [port] if then is None else [port, then],
                template=template,
                options=options,
                run_id=run.run_id,
                progress=progress,
                stop=stop,
                states=("pending",),
                again=True,
            )
        run.status = "partial" if total.quarantined else "done"
    return total
