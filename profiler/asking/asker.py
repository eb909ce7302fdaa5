"""One answer to one request: found in the store, or bought once and stored before it is used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from profiler.asking.addressing import (
    prompt_of,
    request_digest,
    reservation,
    sent_params,
)
from profiler.asking.writer import Writer
from profiler.llm.budget import Budget, Cost, refusal
from profiler.llm.port import OFFLINE, CallError, ChatPort, Reply, Request
from profiler.llm.prices import Prices
from profiler.llm.rate_limits import Limiter
from profiler.llm.retry import RetryPolicy
from store.errors import BudgetReachedError
from store.store import Store
from store.tables.ledger import NewAttempt, NewResponse, Purpose, StoredResponse, Ticket

LEASE_S = 60.0
NO_ROOM_S = 0.1


class LeasedElsewhereError(Exception):
    """Another process is asking exactly this now."""


class _NoRoomError(Exception):
    """A call does not fit under a cap, given what all processes have spent."""

    def __init__(self, reason: str, *, others: bool) -> None:
        super().__init__(reason)
        self.reason, self.others = reason, others


class HaltedError(Exception):
    """The run is stopping: no new call is made."""


@dataclass
class Tally:
    """What a run did: calls sent, answers found stored, tokens billed, dollars known to be spent.

    ``unpriced`` counts answers whose cost is unknown, ``in_vain`` the requests that in a row, up to
    now, got no answer after all attempts.
    """

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    failed_calls: int = 0
    in_vain: int = 0


@dataclass
class Asker:
    """Everything one call needs; made once a run.

    Attributes
    ----------
    store, writer, port
        Where answers are kept, who writes them, who is asked.
    limiter, budget, prices, policy
        Pace, caps, cost, patience.
    in_flight
        Bounds the calls under way at once; storing is not counted.
    owner
        Of this run's leases.
    run_id
        Of the store's table ``runs``.
    halted
        Whether the run is stopping.
    stored
        Addresses of the requests that were answered when the run began.
    under_way
        Calls of this run that are entered in the ledger and not settled.
    """

    store: Store
    writer: Writer
    port: ChatPort
    limiter: Limiter
    budget: Budget
    prices: Prices
    policy: RetryPolicy
    in_flight: asyncio.Semaphore
    owner: str
    run_id: int | None
    halted: Callable[[], bool]
    tally: Tally
    stored: set[str]
    under_way: int = 0

    async def answer(self, request: Request, purpose: Purpose) -> StoredResponse:
        """Return the stored answer to ``request``, after buying it where there is none.

        Raises
        ------
        CallError
            No answer after all attempts.
        ProviderRefusedError, BudgetReachedError
            The run must stop.
        LeasedElsewhereError
            Another process is asking this now.
        HaltedError
            The run is stopping and a call would be needed.
        """
        digest = request_digest(self.port, request)
        # Looking up costs more than knowing; what others store meanwhile, opening a call finds.
        found = self.store.responses.find(digest) if digest in self.stored else None
        if found is not None:
            self.tally.cached += 1
            return found
        try:
            return await self.policy.persist(lambda: self._attempt(request, digest, purpose))
        except LeasedElsewhereError:
            raise
        except BaseException as error:
            self.tally.in_vain += isinstance(error, CallError)
            # Whoever stops asking for good gives the lease back, whatever stopped it.
            self.writer.soon(lambda: self.store.responses.release(self.owner, digest))
            raise

    async def _attempt(self, request: Request, digest: str, purpose: Purpose) -> StoredResponse:
        while True:
            try:
                return await self._within_caps(request, digest, purpose)
            except _NoRoomError as error:
                # Calls under way, here or in another process, may turn out smaller than reserved.
                if not (error.others or self.under_way):
                    raise BudgetReachedError(error.reason) from None
                await self.policy.sleep(NO_ROOM_S)

    async def _within_caps(self, request: Request, digest: str, purpose: Purpose) -> StoredResponse:
        if self.halted():
            raise HaltedError
        reserved = reservation(request, self.port.name, self.prices)
        await self.budget.reserve(reserved)
        actual = Cost(0.0, 0, 0)
        try:
            ticket = await self._open(request, digest, purpose, reserved)
            if ticket.answer is not None:
                self.tally.cached += 1
                return ticket.answer
            if ticket.refused is not None:
                raise _NoRoomError(ticket.refused, others=ticket.others)
            if ticket.attempt_id is None:
                raise LeasedElsewhereError
            # From here on the call counts, whatever comes of it.
            actual = reserved
            self.under_way += 1
            try:
                answer, actual = await self._paid(request, digest, ticket.attempt_id, reserved)
            finally:
                self.under_way -= 1
            return answer
        except CallError as error:
            actual = Cost(0.0, 0) if error.free else reserved
            raise
        except HaltedError:
            actual = Cost(0.0, 0, 0)
            raise
        finally:
            await self.budget.settle(reserved, actual)

    async def _open(
        self, request: Request, digest: str, purpose: Purpose, reserved: Cost
    ) -> Ticket:
        attempt = NewAttempt(
            digest,
            request.subject.subject_id,
            self.run_id,
            "offline" if self.port.name == OFFLINE else purpose,
            reserved.usd,
            reserved.tokens,
        )
        return await self.writer.do(
            lambda: self.store.responses.open_call(
                attempt,
                owner=self.owner,
                clock=time.time(),
                lease_s=LEASE_S,
                refuse=refusal(self.budget.caps, reserved),
            )
        )

    async def _paid(
        self, request: Request, digest: str, attempt_id: int, reserved: Cost
    ) -> tuple[StoredResponse, Cost]:
        """Send, wait, store; the answer is durable when this returns."""
        reply = await self._send(request, attempt_id, reserved)
        cost = self.prices.cost(self.port.name, reply.tokens_in, reply.tokens_out)
        params = {
            **sent_params(self.port, request),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "answered_by": reply.model,
            **self.prices.dated(self.port.name, cost),
        }
        response = NewResponse(
            request_digest=digest,
            prompt=prompt_of(request),
            subject_id=request.subject.subject_id,
            run_id=self.run_id,
            model=self.port.name,
            base_url=self.port.base_url,
            method=reply.method,
            params=params,
            shown=request.shown,
            raw_text=reply.text,
            refusal=reply.refusal,
            finish_reason=reply.finish_reason,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            cost_usd=cost,
            latency_s=reply.latency_s,
        )
        response_id = await self.writer.do(
            lambda: self.store.responses.close_answered(attempt_id, response, owner=self.owner)
        )
        self._count(reply, cost)
        stored = StoredResponse(
            response_id=response_id,
            request_digest=digest,
            subject_id=response.subject_id,
            model=response.model,
            method=response.method,
            raw_text=reply.text,
            refusal=reply.refusal,
            finish_reason=reply.finish_reason,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            cost_usd=cost,
            outcome="unread",
        )
        told = reply.tokens_in is not None and reply.tokens_out is not None
        tokens = (reply.tokens_in or 0) + (reply.tokens_out or 0) if told else reserved.tokens
        return stored, Cost(reserved.usd if cost is None else cost, tokens)

    async def _send(self, request: Request, attempt_id: int, reserved: Cost) -> Reply:
        sent = False
        try:
            async with self.in_flight:
                grant = await self.limiter.acquire(reserved.tokens)
                if self.halted():
                    raise HaltedError
                self.tally.calls += 1
                sent = True
                reply = await self._call(request, attempt_id)
        except (HaltedError, asyncio.CancelledError):
            if sent:
                raise
            await self.writer.do(lambda: self.store.responses.withdraw(attempt_id))
            raise HaltedError from None
        used = (reply.tokens_in or 0) + (reply.tokens_out or 0)
        self.limiter.settle(grant, used or reserved.tokens)
        return reply

    async def _call(self, request: Request, attempt_id: int) -> Reply:
        started = time.perf_counter()
        try:
            reply = await self.port.ask(request)
        except CallError as error:
            self.limiter.follow(error.headers)
            if error.outcome == "rate_limited" and error.retry_after is not None:
                self.limiter.pause(min(error.retry_after, self.policy.longest_told))
            await self._failed(attempt_id, error, time.perf_counter() - started)
            raise
        except asyncio.CancelledError:
            stopped = CallError("interrupted", "stopped by the user before the answer came")
            await self._failed(attempt_id, stopped, time.perf_counter() - started)
            raise
        self.limiter.follow(reply.headers)
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

    def _count(self, reply: Reply, cost: float | None) -> None:
        self.tally.in_vain = 0
        self.tally.tokens_in += reply.tokens_in or 0
        self.tally.tokens_out += reply.tokens_out or 0
        self.tally.cost_usd += cost or 0.0
        self.tally.unpriced += cost is None
