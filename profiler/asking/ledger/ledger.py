"""The ledger: every call to a model is reserved, opened, sent, closed and settled here.

Whoever asks, about subjects or about the store, buys an answer through :meth:`Ledger.answer`. What
it costs is reserved before it is sent and the answer is durable before it is returned. A lease
keeps two processes from paying for the same answer; it is renewed for as long as the ledger is
open, however slow the service is.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Set
from dataclasses import replace
from typing import Any

from profiler.asking.ledger.call_options import CallOptions
from profiler.asking.ledger.call_spans import ask_traced, one_question
from profiler.asking.ledger.cut_prompts import CutNotice, cut_prompt
from profiler.asking.ledger.interruptions import HaltedError, LeasedElsewhereError, NoRoomError
from profiler.asking.ledger.records import Question, received, stored_response
from profiler.asking.ledger.tally import Tally
from profiler.asking.ledger.writer import Writer
from profiler.llm.budget import Budget, Caps, Cost, refusal, reservation
from profiler.llm.models import Learned
from profiler.llm.pace import Pace, calls_at_once
from profiler.llm.port import OFFLINE, CallError, ChatPort, Reply, Request
from profiler.llm.rate_limits import Limiter
from store.errors import BudgetReachedError, ForgottenError
from store.store import Store
from store.tables.leases import owner_name
from store.tables.ledger import NewAttempt, Purpose, StoredResponse, Ticket

LEARNED = "learned_models"
LEASE_S = 60.0
MOST_AT_ONCE = 10_000
"""Calls under way at once of a port that does not say how many it can answer."""
NO_ROOM_S = 0.1
ELSEWHERE_S = 0.1


class Ledger:
    """Buys answers from one port for one store: ``async with Ledger(...) as ledger``.

    Parameters
    ----------
    store, port
        Where answers are kept; who is asked.
    options
        Pace, caps, prices and retries.
    run_id
        Of the store's table ``runs``.
    stored
        Addresses known to be answered when the run began. Only these are looked up before a call is
        opened, since looking up costs more than knowing; what others store meanwhile, opening a
        call finds. None looks up every address.

    Attributes
    ----------
    tally
        What was done so far.
    writer
        Writes to the store while the ledger is open.
    under_way
        Calls that are entered in the store and not settled.
    """

    def __init__(
        self,
        store: Store,
        port: ChatPort,
        options: CallOptions,
        *,
        run_id: int | None,
        stored: Set[str] | None = None,
    ) -> None:
        self.store, self.port, self.run_id = store, port, run_id
        self.tally = Tally()
        self.writer = Writer(store)
        self.under_way = 0
        self._reached = False
        self._cuts = CutNotice()
        self._sent_at: dict[int, float] = {}
        self._prices, self._stored = options.prices.at(port.base_url), stored
        self._halting = asyncio.Event()
        self._policy = options.policy
        if self._policy.sleep is asyncio.sleep:
            self._policy = replace(self._policy, sleep=self.sleep)
        self._limiter = Limiter(options.rpm, options.tpm, sleep=self.sleep)
        self.pace = Pace(
            min(
                calls_at_once(options.concurrency, port.base_url),
                getattr(port, "at_once", MOST_AT_ONCE),
            ),
            self._limiter,
            first_wait=self._policy.first_wait,
            longest_wait=self._policy.longest_wait,
        )
        caps = Caps() if port.name == OFFLINE else options.caps
        self._budget = Budget(caps, store.responses.spent())
        self._owner = owner_name()
        self._learned_key = f"{port.name} {port.base_url or ''}".strip()
        self._learned: Learned | None = getattr(port, "learned", None)
        if self._learned is not None:
            self._learned.update(store.meta(LEARNED, {}).get(self._learned_key, {}))

    async def __aenter__(self) -> Ledger:
        await self.writer.__aenter__()
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, *error: Any) -> None:
        """Stop renewing, give back every lease, and wait for what is still to be written."""
        self._renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._renewing
        await self.writer.do(lambda: self.store.responses.release(self._owner))
        await self.writer.__aexit__(*error)

    @property
    def halted(self) -> bool:
        """Whether no new call is made."""
        return self._halting.is_set()

    def out_now(self) -> tuple[int, float]:
        """Calls that are sent and not answered, and the seconds that the oldest has taken."""
        now = time.perf_counter()
        return len(self._sent_at), now - min(self._sent_at.values(), default=now)

    def halt(self) -> None:
        """Make no new call; those that are sent may come in."""
        self._halting.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep that :meth:`halt` cuts short with :class:`HaltedError`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._halting.wait(), seconds)
            raise HaltedError

    async def answer(self, question: Question, *, wait: bool = False) -> StoredResponse:
        """Return the stored answer to a question, after buying it where there is none.

        Parameters
        ----------
        question
            What to ask.
        wait
            Wait where another process is asking exactly this now, instead of raising.

        Raises
        ------
        CallError
            No answer after all attempts.
        ProviderRefusedError, BudgetReachedError
            No other call would fare better.
        LeasedElsewhereError
            Another process is asking this now.
        HaltedError
            The ledger is halted and a call would be needed.
        ForgottenError
            Whoever the question is about was forgotten meanwhile; what was paid is in the ledger.
        """
        while True:
            try:
                return await self._answer(question)
            except LeasedElsewhereError:
                if not wait:
                    raise
            await self.sleep(ELSEWHERE_S)

    async def _answer(self, question: Question) -> StoredResponse:
        known = self._stored is None or question.address in self._stored
        found = self.store.responses.find(question.address) if known else None
        if found is not None:
            self.tally.cached += 1
            return found
        try:
            with one_question():
                return await self._policy.persist(
                    lambda: self._attempt(question), reached=lambda: self._reached
                )
        except LeasedElsewhereError:
            raise
        except BaseException as error:
            self.tally.in_vain += isinstance(error, CallError)
            # Whoever stops asking for good gives the lease back, whatever stopped it.
            self.writer.soon(lambda: self.store.responses.release(self._owner, question.address))
            raise

    async def _attempt(self, question: Question) -> StoredResponse:
        while True:
            try:
                return await self._within_caps(question)
            except NoRoomError as error:
                # Calls under way, here or in another process, may turn out smaller than reserved.
                if not (error.others or self.under_way):
                    raise BudgetReachedError(error.reason) from None
                await self._policy.sleep(NO_ROOM_S)

    async def _within_caps(self, question: Question) -> StoredResponse:
        if self.halted:
            raise HaltedError
        reserved = reservation(question.request, self.port.name, self._prices)
        await self._budget.reserve(reserved)
        actual = Cost(0.0, 0, 0)
        try:
            ticket = await self._open(question, reserved)
            if ticket.answer is not None:
                self.tally.cached += 1
                return ticket.answer
            if ticket.forgotten:
                raise ForgottenError(f"{question.request.subject.name} was forgotten meanwhile")
            if ticket.refused is not None:
                raise NoRoomError(ticket.refused, others=ticket.others)
            if ticket.attempt_id is None:
                raise LeasedElsewhereError
            # From here on the call counts, whatever comes of it.
            actual = reserved
            self.under_way += 1
            try:
                answer, actual = await self._paid(question, ticket.attempt_id, reserved)
                self._reached = True
            finally:
                self.under_way -= 1
            return answer
        except CallError as error:
            self._reached |= error.status_code is not None
            actual = Cost(0.0, 0) if error.free else reserved
            raise
        except HaltedError:
            actual = Cost(0.0, 0, 0)
            raise
        finally:
            await self._budget.settle(reserved, actual)

    async def _open(self, question: Question, reserved: Cost) -> Ticket:
        attempt = NewAttempt(
            question.address,
            question.request.subject.subject_id,
            self.run_id,
            "offline" if self.port.name == OFFLINE else question.purpose,
            reserved.usd,
            reserved.tokens,
            question.request.subject.task_subject_id,
        )
        return await self.writer.do(
            lambda: self.store.responses.open_call(
                attempt,
                owner=self._owner,
                clock=time.time(),
                lease_s=LEASE_S,
                refuse=refusal(self._budget.caps, reserved),
            )
        )

    async def _paid(
        self, question: Question, attempt_id: int, reserved: Cost
    ) -> tuple[StoredResponse, Cost]:
        """Send, wait, store; the answer is durable when this returns."""
        reply = await self._send(question.request, attempt_id, reserved, question.purpose)
        response = received(
            question.put_to(self.port),
            reply,
            run_id=self.run_id,
            prices=self._prices,
            text=question.raw_text(reply),
            cut=cut_prompt(question.request, reply),
        )
        response_id = await self.writer.do(
            lambda: self.store.responses.close_answered(attempt_id, response, owner=self._owner)
        )
        self.tally.count(response)
        self._cuts.tell(self.port.name, response.params)
        if response_id is None:
            raise ForgottenError(f"{question.request.subject.name} was forgotten meanwhile")
        usd = reserved.usd if response.cost_usd is None else response.cost_usd
        stored = stored_response(response_id, response)
        return stored, Cost(usd, reserved.tokens if reply.tokens is None else reply.tokens)

    async def _send(
        self, request: Request, attempt_id: int, reserved: Cost, purpose: Purpose
    ) -> Reply:
        sent = False

        async def call() -> Reply:
            nonlocal sent
            if self.halted:
                raise HaltedError
            self.tally.calls += 1
            self.tally.asked_again += purpose in ("reask", "longer")
            sent = True
            return await self._call(request, attempt_id)

        try:
            reply, grant = await self.pace.send(call, reserved.tokens)
        except (HaltedError, asyncio.CancelledError):
            if sent:
                raise
            await self.writer.do(lambda: self.store.responses.withdraw(attempt_id))
            raise HaltedError from None
        used = (reply.tokens_in or 0) + (reply.tokens_out or 0)
        self._limiter.settle(grant, used or reserved.tokens)
        return reply

    async def _call(self, request: Request, attempt_id: int) -> Reply:
        started = self._sent_at[attempt_id] = time.perf_counter()
        try:
            reply = await ask_traced(self.port, request, self._prices)
        except CallError as error:
            if error.outcome == "unsupported":
                await self.writer.do(self._record_learned)
            self._limiter.follow(error.headers)
            await self._failed(attempt_id, error, time.perf_counter() - started)
            raise
        except asyncio.CancelledError:
            stopped = CallError("interrupted", "stopped by the user before the answer came")
            await self._failed(attempt_id, stopped, time.perf_counter() - started)
            raise
        finally:
            self._sent_at.pop(attempt_id, None)
        self._limiter.follow(reply.headers)
        return reply

    async def _failed(self, attempt_id: int, error: CallError, seconds: float) -> None:
        self.tally.failed_calls += 1
        await self.writer.do(
            lambda: self.store.responses.close_failed(
                attempt_id,
                error.outcome,
                error=str(error),
                status_code=error.status_code,
                free=error.free,
                latency_s=seconds,
            )
        )

    def _record_learned(self) -> None:
        """Keep what a service refused: later runs do not ask for it again."""
        if self._learned is not None:
            known = self.store.meta(LEARNED, {})
            self.store.set_meta(**{LEARNED: known | {self._learned_key: self._learned.as_json()}})

    async def _renew(self) -> None:
        """Put off the end of the leases, well before they run out."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            await self.writer.do(
                lambda: self.store.responses.renew(self._owner, time.time() + LEASE_S)
            )
