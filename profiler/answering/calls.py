"""One turn of the model, bought once: reserved, entered in the ledger, stored before it is used.

The same conversation with the same model is found in the store the next time and costs nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from profiler.answering.instructions import NAME, SYSTEM
from profiler.llm.budget import Budget, Cost, refusal
from profiler.llm.errors import as_call_error
from profiler.llm.langchain import LangChainPort
from profiler.llm.port import CallError, storable, text_or_none
from profiler.llm.prices import Prices
from profiler.llm.retry import RetryPolicy
from prompts.items import estimate_tokens
from store.digests import json_digest, text_digest
from store.errors import BudgetReachedError, ProviderRefusedError, UserError
from store.store import Store
from store.tables.leases import owner_name
from store.tables.ledger import NewAttempt, NewResponse, Prompt, StoredResponse

LEASE_S = 60.0
Turn = dict[str, str]


@dataclass(frozen=True)
class ToolCall:
    """A look-up the model asks for; ``arguments`` are None where they were not JSON."""

    id: str
    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True)
class Said:
    """What the model said: look-ups, or the text of an answer."""

    text: str
    calls: tuple[ToolCall, ...]

    @property
    def turn(self) -> Turn:
        """The turn as it is stored and sent again."""
        calls = [[call.id, call.name, call.arguments] for call in self.calls]
        return {"role": "assistant", "content": self.text, "tool_calls": json.dumps(calls)}


@dataclass
class Tally:
    """Calls sent, answers found stored, tokens, known dollars, answers of unknown cost."""

    calls: int = 0
    cached: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0


@dataclass
class Caller:
    """Everything one turn needs.

    Attributes
    ----------
    store, port, tools
        Where answers are kept, who is asked, and the LangChain tools it may call.
    budget, prices, policy
        Caps, cost, patience.
    max_tokens, temperature
        Of each turn.
    run_id
        Of the store's table ``runs``.
    """

    store: Store
    port: LangChainPort
    tools: Sequence[Any]
    budget: Budget
    prices: Prices
    policy: RetryPolicy
    max_tokens: int
    temperature: float
    run_id: int
    owner: str = field(default_factory=owner_name)
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self._model = self.port.model.bind_tools(list(self.tools))
        self._schema = {tool.name: tool.get_input_jsonschema() for tool in self.tools}

    async def say(self, turns: Sequence[Turn]) -> Said:
        """Return the model's next turn, from the store or after buying it.

        Raises
        ------
        BudgetReachedError
            If the turn does not fit the caps.
        ProviderRefusedError
            If the provider refuses, or gives no answer after all attempts.
        """
        digest = self._digest(turns)
        found = self.store.responses.find(digest)
        if found is not None:
            self.tally.cached += 1
            return _read(found.raw_text)
        try:
            return await self.policy.persist(lambda: self._attempt(turns, digest))
        except CallError as error:
            raise ProviderRefusedError(f"no answer from {self.port.name}: {error}") from None
        finally:
            self.store.responses.release(self.owner, digest)

    async def _attempt(self, turns: Sequence[Turn], digest: str) -> Said:
        reserved = self._reservation(turns)
        await self.budget.reserve(reserved)
        actual = reserved
        try:
            ticket = self.store.responses.open_call(
                NewAttempt(digest, None, self.run_id, "ask", reserved.usd, reserved.tokens),
                owner=self.owner,
                clock=time.time(),
                lease_s=LEASE_S,
                refuse=refusal(self.budget.caps, reserved),
            )
            if ticket.attempt_id is None:
                actual = Cost(0.0, 0, 0)
                if ticket.refused is not None:
                    raise BudgetReachedError(ticket.refused)
                return self._elsewhere(ticket.answer)
            message, seconds = await self._send(turns, ticket.attempt_id)
            actual, said = self._keep(message, turns, digest, ticket.attempt_id, seconds, reserved)
            return said
        except CallError as error:
            actual = Cost(0.0, 0) if error.free else reserved
            raise
        finally:
            await self.budget.settle(reserved, actual)

    def _elsewhere(self, answer: StoredResponse | None) -> Said:
        if answer is None:
            raise UserError("another process is asking this very question; try again in a minute")
        self.tally.cached += 1
        return _read(answer.raw_text)

    async def _send(self, turns: Sequence[Turn], attempt_id: int) -> tuple[Any, float]:
        started = time.perf_counter()
        self.tally.calls += 1
        try:
            async with asyncio.timeout(self.port.timeout):
                message = await self._model.ainvoke(
                    _messages(turns), temperature=self.temperature, max_tokens=self.max_tokens
                )
        except Exception as error:
            problem = as_call_error(error, self.port.name)
            self.store.responses.close_failed(
                attempt_id,
                problem.outcome,
                error=str(problem),
                status_code=problem.status_code,
                free=problem.free,
                latency_s=time.perf_counter() - started,
            )
            # "from None": a provider's exception holds the request, and so the key.
            raise problem from None
        return message, time.perf_counter() - started

    def _keep(
        self,
        message: Any,
        turns: Sequence[Turn],
        digest: str,
        attempt_id: int,
        seconds: float,
        reserved: Cost,
    ) -> tuple[Cost, Said]:
        """Store a turn; return what it cost and what it says."""
        usage = message.usage_metadata or {}
        tokens_in, tokens_out = usage.get("input_tokens"), usage.get("output_tokens")
        cost = self.prices.cost(self.port.name, tokens_in, tokens_out)
        said = _said(message)
        meta = message.response_metadata
        response_id = self.store.responses.close_answered(
            attempt_id,
            NewResponse(
                digest,
                Prompt(turns, self._schema, NAME, text_digest(SYSTEM)),
                None,
                self.run_id,
                self.port.name,
                json.dumps(said.turn, ensure_ascii=False),
                base_url=self.port.base_url,
                method="tool",
                params={"max_tokens": self.max_tokens, "temperature": self.temperature},
                finish_reason=text_or_none(meta.get("finish_reason") or meta.get("stop_reason")),
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                cost_usd=cost,
                latency_s=seconds,
            ),
            owner=self.owner,
        )
        self.store.responses.settle(response_id, "ok", {})
        self.tally.tokens += (tokens_in or 0) + (tokens_out or 0)
        self.tally.cost_usd += cost or 0.0
        self.tally.unpriced += cost is None
        known = tokens_in is not None and tokens_out is not None
        tokens = (tokens_in or 0) + (tokens_out or 0) if known else reserved.tokens
        return Cost(reserved.usd if cost is None else cost, tokens), said

    def _digest(self, turns: Sequence[Turn]) -> str:
        return json_digest(
            {
                "turns": list(turns),
                "tools": self._schema,
                "model": self.port.name,
                "base_url": self.port.base_url,
                "max_tokens": self.max_tokens,
                "temperature": self.temperature,
            }
        )

    def _reservation(self, turns: Sequence[Turn]) -> Cost:
        text = json.dumps([*turns, self._schema], ensure_ascii=False)
        prompt = estimate_tokens(text)
        price = self.prices.of(self.port.name)
        usd = 0.0 if price is None else price.cost(prompt, self.max_tokens)
        return Cost(usd, prompt + self.max_tokens)


def _messages(turns: Sequence[Turn]) -> list[Any]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    found: list[Any] = []
    for turn in turns:
        content = turn["content"]
        if turn["role"] == "tool":
            found.append(ToolMessage(content, tool_call_id=turn["tool_call_id"]))
        elif turn["role"] == "assistant":
            calls = [
                {"id": call[0], "name": call[1], "args": call[2] or {}}
                for call in json.loads(turn["tool_calls"])
            ]
            found.append(AIMessage(content, tool_calls=calls))
        else:
            found.append((SystemMessage if turn["role"] == "system" else HumanMessage)(content))
    return found


def _said(message: Any) -> Said:
    """Look-ups and text of a LangChain message, storable; a call without an id gets one."""
    calls = [(call.get("id"), call["name"], call["args"]) for call in message.tool_calls]
    calls += [(call.get("id"), call.get("name") or "", None) for call in message.invalid_tool_calls]
    calls = json.loads(storable(json.dumps(calls, ensure_ascii=False)))
    return Said(
        storable(str(message.text)),
        tuple(
            ToolCall(id_ or f"call-{n}", name, arguments)
            for n, (id_, name, arguments) in enumerate(calls)
        ),
    )


def _read(raw: str) -> Said:
    turn: Mapping[str, str] = json.loads(raw)
    calls = json.loads(turn["tool_calls"])
    return Said(turn["content"], tuple(ToolCall(*call) for call in calls))
