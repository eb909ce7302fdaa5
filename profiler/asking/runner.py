"""Asking about many subjects: paced, capped, resumable, and stopping cleanly.

A run can be stopped at any moment, by the user, a cap, the provider or ``kill -9``: what was
answered is stored, and the next run makes exactly the calls that are missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from profiler.asking.asker import LEASE_S, Asker, HaltedError, LeasedElsewhereError, Tally
from profiler.asking.conversation import KeptError, converse, quarantine
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import asking_of, to_ask
from profiler.asking.shown import shown_subjects
from profiler.asking.writer import Writer
from profiler.llm.budget import Budget, Caps
from profiler.llm.loops import run_sync
from profiler.llm.port import OFFLINE, ChatPort, ShownSubject
from profiler.llm.rate_limits import Limiter
from prompts import Template
from store.errors import (
    BudgetReachedError,
    InterruptedRunError,
    ProviderRefusedError,
    UserError,
)
from store.store import Store
from store.tables.leases import owner_name
from store.tables.subjects import Subject

__all__ = ["AskingOptions", "AskingSummary", "run_asking"]

Progress = Callable[[AskingSummary], None]
GRACE_S = 1.2
POLL_S = 0.1


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
        question (:mod:`profiler.asking.settled`). The others are only counted.
    port
        Who is asked.
    template
        The question.
    options
        Pace, caps, patience.
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
    _check_caps(port, options)
    run = _Run(store, subjects, port, template, options, run_id, progress, stop)
    run_sync(run.go(), lambda: run.halt(InterruptedRunError("stopped")))
    if run.error is not None:
        raise _told(run.error, run.summary())
    return run.summary()


class _Run:
    """The state of one run."""

    def __init__(
        self,
        store: Store,
        subjects: Sequence[Subject],
        port: ChatPort,
        template: Template,
        options: AskingOptions,
        run_id: int | None,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> None:
        self.store, self.port, self.options = store, port, options
        self.run_id, self.progress, self.stop = run_id, progress, stop
        self.total = len(subjects)
        self.quarantined = sum(subject.state == "quarantined" for subject in subjects)
        self.asking = asking_of(store, port, template, options)
        asked = to_ask(store, subjects, self.asking)
        self.ok = self.total - self.quarantined - len(asked)
        self.queue: deque[ShownSubject] = deque(shown_subjects(store, asked))
        self.tally = Tally()
        self.error: BaseException | None = None
        self.owner = owner_name()
        self.halting, self.interrupted = asyncio.Event(), asyncio.Event()

    def summary(self) -> AskingSummary:
        tally = self.tally
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

    async def go(self) -> None:
        """Work until all is settled or the run is halted; leave no lease behind."""
        async with Writer(self.store) as writer:
            asker = self._asker(writer)
            # Twice as many as calls may be under way: while one reads and stores, another asks.
            number = min(2 * self.options.concurrency, max(len(self.queue), 1))
            workers = [asyncio.create_task(self._work(asker)) for _ in range(number)]
            watch = asyncio.create_task(self._watch(writer))
            await self._finish(workers)
            watch.cancel()
            await writer.do(lambda: self.store.responses.release(self.owner))

    def halt(self, error: BaseException) -> None:
        """Stop making calls; the first reason counts, but the user's word goes before any."""
        if self.error is None or isinstance(error, InterruptedRunError):
            self.error = error
        self.halting.set()
        if isinstance(error, InterruptedRunError):
            self.interrupted.set()

    def _asker(self, writer: Writer) -> Asker:
        options = self.options
        policy = options.policy
        caps = Caps() if self.port.name == OFFLINE else options.caps
        if policy.sleep is asyncio.sleep:
            policy = replace(policy, sleep=self._sleep)
        return Asker(
            store=self.store,
            writer=writer,
            port=self.port,
            limiter=Limiter(options.rpm, options.tpm, sleep=self._sleep),
            budget=Budget(caps, self.store.responses.spent()),
            prices=options.prices,
            policy=policy,
            in_flight=asyncio.Semaphore(options.concurrency),
            owner=self.owner,
            run_id=self.run_id,
            halted=self.halting.is_set,
            tally=self.tally,
            stored=self.store.responses.digests(),
        )

    async def _sleep(self, seconds: float) -> None:
        """Sleep that a halt cuts short."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.halting.wait(), seconds)
            raise HaltedError

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

    async def _watch(self, writer: Writer) -> None:
        """Keep the leases alive and look for a stop from outside."""
        renewed = time.monotonic()
        while True:
            await asyncio.sleep(POLL_S)
            if self.stop is not None and self.stop.is_set():
                self.halt(InterruptedRunError("stopped"))
            if time.monotonic() - renewed > LEASE_S / 3:
                renewed = time.monotonic()
                await writer.do(
                    lambda: self.store.responses.renew(self.owner, time.time() + LEASE_S)
                )

    async def _work(self, asker: Asker) -> None:
        """Take subjects until none is left or the run halts."""
        while self.queue and not self.halting.is_set():
            subject = self.queue.popleft()
            try:
                await self._settle(asker, subject)
            except LeasedElsewhereError:
                # Another process asks this now; its answer will be in the store.
                self.queue.append(subject)
                await asyncio.sleep(POLL_S)
            except HaltedError:
                return
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self.halt(error)
                return

    async def _settle(self, asker: Asker, subject: ShownSubject) -> None:
        if subject.items:
            request = self.asking.question(subject)
            try:
                reason = await converse(asker, request, self.options.patience)
            except KeptError as error:
                self._look_for_outage(str(error))
                return
        else:
            reason = "it has no items to show"
            await asker.writer.do(lambda: quarantine(self.store, subject.subject_id, reason))
        self.ok += reason is None
        self.quarantined += reason is not None
        if self.progress is not None:
            self.progress(self.summary())
        self._look_for_outage(reason)

    def _look_for_outage(self, reason: str | None) -> None:
        most = self.options.give_up_after
        if self.tally.in_vain >= most:  # more, where calls were under way beside the last
            raise ProviderRefusedError(
                f"{most} requests in a row got no answer; the last: {reason}; "
                "when the service is back, for the quarantined ones: profiler retry --failed "
                f"--store {self.store.path} --llm {self.port.name}; for the pending ones: the same "
                "command again"
            )


def _check_caps(port: ChatPort, options: AskingOptions) -> None:
    if options.caps.usd is not None and options.prices.of(port.name) is None:
        raise UserError(
            f"--budget-usd needs the price of {port.name}, which is not in the price table; "
            "give it with --prices FILE, or cap with --budget-tokens or --budget-calls"
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
