"""Asking about many subjects: paced, capped, resumable, and stopping cleanly.

A run can be stopped at any moment, by the user, a cap, the provider or ``kill -9``: what was
answered is stored, and the next run makes exactly the calls that are missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from profiler.asking.conversation import Ending, Quarantined, Rejected, cut_reason
from profiler.asking.ledger import (
    HaltedError,
    LeasedElsewhereError,
    Ledger,
    question_about,
    refuse_unpriced_cap,
)
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Addressee, Questions, questions_of, to_ask
from profiler.asking.subjects import shown_subjects
from profiler.llm.loops import run_sync
from profiler.llm.port import CallError, ChatPort, Request, ShownSubject
from prompts import Template
from store.errors import (
    BudgetReachedError,
    ForgottenError,
    InterruptedRunError,
    ProviderRefusedError,
)
from store.store import Store
from store.tables.ledger import StoredResponse
from store.tables.subjects import Subject

__all__ = ["AskingOptions", "AskingSummary", "retry_failed", "run_asking"]

Progress = Callable[[AskingSummary], None]
GRACE_S = 1.2
POLL_S = 0.1


class KeptError(Exception):
    """No answer came; the subject keeps what answered another question."""


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
    run = _Run(questions, port, options, shown_subjects(store, asked), settled)
    return run.to_its_end(run_id, progress, stop)


def retry_failed(
    store: Store,
    port: ChatPort,
    *,
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

    Raises
    ------
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        The run ended early; run it again to go on.
    """
    failed = store.subjects.load(states=("quarantined",))
    total = AskingSummary()
    with store.runs.recording(
        "retry",
        {"llm": port.name, "subjects": len(failed)},
        stats=lambda: {"subjects": store.subjects.counts()},
    ) as run:
        with store.write():
            store.responses.set_aside([subject.subject_id for subject in failed])
            for subject in failed:
                store.subjects.set_state(subject.subject_id, "pending")
        for kind, template in templates.items():
            waiting = [one for one in store.subjects.load(states=("pending",)) if one.kind == kind]
            total += run_asking(
                store,
                waiting,
                port,
                template=template,
                options=options,
                run_id=run.run_id,
                progress=progress,
                stop=stop,
            )
        run.status = "partial" if total.quarantined else "done"
    return total


class _Run:
    """The state of one run.

    Parameters
    ----------
    questions, port, options
        What is asked, whom, and how.
    subjects
        Whom to ask about.
    settled
        The summary before anything is asked: ``pending`` are the subjects to ask about.
    """

    def __init__(
        self,
        questions: Questions,
        port: ChatPort,
        options: AskingOptions,
        subjects: Sequence[ShownSubject],
        settled: AskingSummary,
    ) -> None:
        self.questions, self.port, self.options = questions, port, options
        self.store, self.task = questions.store, questions.task
        self.queue = deque(subjects)
        self.total = settled.subjects
        self.ok, self.quarantined = settled.ok, settled.quarantined
        self.error: BaseException | None = None
        self.interrupted = asyncio.Event()

    def to_its_end(
        self,
        run_id: int | None,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> AskingSummary:
        """Work until all is settled or the run is halted."""
        self.progress, self.stop = progress, stop
        self.ledger = Ledger(
            self.store,
            self.port,
            self.options,
            run_id=run_id,
            stored=self.store.responses.digests(),
        )
        run_sync(self._go(), lambda: self.halt(InterruptedRunError("stopped")))
        if self.error is not None:
            raise _told(self.error, self.summary())
        return self.summary()

    def summary(self) -> AskingSummary:
        tally = self.ledger.tally
        return AskingSummary(
            ok=self.ok,
            quarantined=self.quarantined,
            pending=self.total - self.ok - self.quarantined,
            calls=tally.calls,
            failed_calls=tally.failed_calls,
            cached=tally.cached,
            tokens_in=tally.tokens_in,
            tokens_out=tally.tokens_out,
            cost_usd=tally.cost_usd,
            unpriced=tally.unpriced,
        )

    def halt(self, error: BaseException) -> None:
        """Stop making calls; the first reason counts, but the user's word goes before any."""
        if self.error is None or isinstance(error, InterruptedRunError):
            self.error = error
        self.ledger.halt()
        if isinstance(error, InterruptedRunError):
            self.interrupted.set()

    async def _go(self) -> None:
        async with self.ledger:
            # Twice as many as calls may be under way: while one reads and stores, another asks.
            number = min(2 * self.options.concurrency, max(len(self.queue), 1))
            workers = [asyncio.create_task(self._work()) for _ in range(number)]
            watch = asyncio.create_task(self._watch())
            await self._finish(workers)
            watch.cancel()

    async def _finish(self, workers: list[asyncio.Task[None]]) -> None:
        """Wait for the workers; once the user wants to stop, not for long."""
        everyone = asyncio.ensure_future(asyncio.gather(*workers, return_exceptions=True))
        user = asyncio.create_task(self.interrupted.wait())
        both: set[asyncio.Future[Any]] = {everyone, user}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not everyone.done():
            await asyncio.wait({everyone}, timeout=GRACE_S)
            for worker in workers:
                worker.cancel()
            await everyone
        user.cancel()

    async def _watch(self) -> None:
        """Look for a stop from outside."""
        while self.stop is not None:
            await asyncio.sleep(POLL_S)
            if self.stop.is_set():
                self.halt(InterruptedRunError("stopped"))

    async def _work(self) -> None:
        """Take subjects until none is left or the run halts."""
        while self.queue and not self.ledger.halted:
            subject = self.queue.popleft()
            try:
                await self._settle(subject)
            except LeasedElsewhereError:
                # Another process asks this now; its answer will be in the store.
                self.queue.append(subject)
                with contextlib.suppress(HaltedError):
                    await self.ledger.sleep(POLL_S)
            except HaltedError:
                return
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self.halt(error)
                return

    async def _settle(self, subject: ShownSubject) -> None:
        try:
            reason = await self._ask_about(subject)
        except ForgottenError:  # by another process, while the question was under way
            self.total -= 1
            return
        except KeptError as error:
            self._look_for_outage(str(error))
            return
        self.ok += reason is None
        self.quarantined += reason is not None
        if self.progress is not None:
            self.progress(self.summary())
        self._look_for_outage(reason)

    async def _ask_about(self, subject: ShownSubject) -> str | None:
        """Settle one subject; what comes of it is committed in one transaction.

        Returns
        -------
        str or None
            None: what its answer says is kept. A reason: it is quarantined.

        Raises
        ------
        ProviderRefusedError, BudgetReachedError, LeasedElsewhereError, HaltedError, KeptError
            It stays as it is.
        """
        if not subject.items:
            reason = "it has no items to show"
            await self._write(partial(self.task.quarantine, self.store, subject, reason))
            return reason
        first = self.questions.make(subject)
        try:
            ending = await self._converse(first)
        except CallError as error:
            reason = cut_reason(f"{error.outcome}: {error}")
            if await self._write(partial(self._unanswered, subject, reason)):
                raise KeptError(reason) from None
            return reason
        await self._write(partial(record_ending, self.questions, subject, ending))
        return ending.reason if isinstance(ending, Quarantined) else None

    async def _converse(self, first: Request) -> Ending:
        """Drive a conversation by calls; each answer that is not accepted is recorded as such."""
        conversation = self.questions.conversation(first)
        step = next(conversation)
        while True:
            question = question_about(self.port, step.request, step.purpose)
            response: StoredResponse = await self.ledger.answer(question)
            try:
                step = conversation.send(response)
            except StopIteration as stop:
                ending: Ending = stop.value
                return ending
            if step.rejected is not None:
                await self._write(partial(record_rejected, self.store, step.rejected))

    async def _write(self, job: Callable[[], Any]) -> Any:
        return await self.ledger.writer.do(job)

    def _unanswered(self, subject: ShownSubject, reason: str) -> bool:
        """Record that no answer came. True: the subject keeps what it has, and its state."""
        if self.task.keeps(self.store, subject):
            return True
        self.task.quarantine(self.store, subject, reason)
        return False

    def _look_for_outage(self, reason: str | None) -> None:
        most = self.options.give_up_after
        if self.ledger.tally.in_vain >= most:  # more, where calls were under way beside the last
            raise ProviderRefusedError(
                f"{most} requests in a row got no answer; the last: {reason}; "
                "when the service is back, for the quarantined ones: profiler retry --failed "
                f"--store {self.store.path} --llm {self.port.name}; for the pending ones: the same "
                "command again"
            )


def record_rejected(store: Store, rejected: Rejected) -> None:
    """Record that an answer is not accepted, and why."""
    detail = {"kind": rejected.error.kind, "errors": list(rejected.error.errors)}
    store.responses.settle(rejected.response.response_id, rejected.outcome, detail)


def record_ending(questions: Questions, subject: ShownSubject, ending: Ending) -> None:
    """Keep what a conversation ended with, in one transaction."""
    store, task = questions.store, questions.task
    last = ending.last.response if isinstance(ending, Quarantined) else ending.response
    with store.write():
        if store.responses.get(last.response_id) is None:
            raise ForgottenError(f"{subject.name} was forgotten meanwhile")
        if isinstance(ending, Quarantined):
            record_rejected(store, ending.last)
            task.quarantine(store, subject, ending.reason)
        else:
            task.write(store, subject, ending.reading.value, ending.response)
            store.responses.settle(ending.response.response_id, "ok", ending.reading.detail)


def _told(error: BaseException, summary: AskingSummary) -> BaseException:
    """The error that ends the run, with what was reached until then."""
    if isinstance(error, InterruptedRunError):
        return InterruptedRunError(
            f"stopped: {summary.in_words()}; run the same command again to go on"
        )
    if isinstance(error, BudgetReachedError | ProviderRefusedError):
        return type(error)(f"{error}\n{summary.in_words()}")
    return error
