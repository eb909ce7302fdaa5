"""One run of asking: workers take subjects in turn until none is left or the run is halted.

Calls under way may come in once it is halted, but where the user stops it, not for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from profiler.asking.conversation import Ending, Quarantined, cut_reason
from profiler.asking.ledger.interruptions import HaltedError, LeasedElsewhereError
from profiler.asking.ledger.ledger import Ledger
from profiler.asking.ledger.records import question_about
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Questions
from profiler.asking.recording import record_before, record_ending
from profiler.llm.loops import run_sync
from profiler.llm.port import CallError, ChatPort
from profiler.shown import ShownSubject
from store.errors import (
    BudgetReachedError,
    ForgottenError,
    InterruptedRunError,
    ProviderRefusedError,
)
from store.tables.ledger import StoredResponse

Progress = Callable[[AskingSummary], None]
GRACE_S = 1.2
POLL_S = 0.1
TELL_S = 1.0


class KeptError(Exception):
    """No answer came; the subject keeps what answered another question."""


class Run:
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
        """Return what was done so far."""
        tally = self.ledger.tally
        under_way, longest_s = self.ledger.out_now()
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
            asked_again=tally.asked_again,
            under_way=under_way,
            longest_s=longest_s,
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
            number = min(2 * self.ledger.pace.most, max(len(self.queue), 1))
            workers = [asyncio.create_task(self._work()) for _ in range(number)]
            watching = [asyncio.create_task(self._watch()), asyncio.create_task(self._report())]
            await self._finish(workers)
            for watch in watching:
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

    async def _report(self) -> None:
        """Tell how the run stands from its first second on, also where no call comes in."""
        while self.progress is not None:
            self.progress(self.summary())
            await asyncio.sleep(TELL_S)

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
        try:
            ending = await self._converse(subject)
        except CallError as error:
            reason = cut_reason(f"{error.outcome}: {error}")
            if await self._write(partial(self._unanswered, subject, reason)):
                raise KeptError(reason) from None
            return reason
        await self._write(partial(record_ending, self.questions, subject, ending))
        return ending.reason if isinstance(ending, Quarantined) else None

    async def _converse(self, subject: ShownSubject) -> Ending:
        """Drive a conversation by calls; what comes of each answer is recorded."""
        conversation = self.questions.answered_way(subject).conversation(subject)
        step = next(conversation)
        while True:
            question = question_about(self.port, step.request, step.purpose)
            response: StoredResponse = await self.ledger.answer(question)
            try:
                step = conversation.send(response)
            except StopIteration as stop:
                ending: Ending = stop.value
                return ending
            await self._write(partial(record_before, self.store, step))

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


def _told(error: BaseException, summary: AskingSummary) -> BaseException:
    """The error that ends the run, with what was reached until then."""
    if isinstance(error, InterruptedRunError):
        return InterruptedRunError(
            f"stopped: {summary.in_words()}; run the same command again to go on"
        )
    if isinstance(error, BudgetReachedError | ProviderRefusedError):
        return type(error)(f"{error}\n{summary.in_words()}")
    return error
