"""Turns of the model: a conversation with tools as the ledger buys it and the store keeps it.

The same conversation with the same model is found in the store the next time and costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from profiler.answering.instructions import NAME, SYSTEM
from profiler.asking.ledger.ledger import Ledger
from profiler.asking.ledger.records import Question
from profiler.llm.port import CallError, Message, Reply, Request, Role, ToolCall
from profiler.shown import ShownSubject
from store.digests import json_digest, text_digest
from store.errors import ProviderRefusedError
from store.tables.ledger import Prompt

Turn = dict[str, str]
"""A turn as it is stored and addressed; the tool calls of an assistant's are JSON in a text."""

_STORE = ShownSubject(None, "store", "store", ())


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


@dataclass(frozen=True)
class Caller:
    """Says turns to the model.

    Attributes
    ----------
    ledger
        Buys the answers.
    tools
        What the model may call, in OpenAI's format.
    schemas
        JSON schema of each tool's arguments; part of the address of a turn.
    max_tokens, temperature
        Of each turn.
    """

    ledger: Ledger
    tools: tuple[dict[str, object], ...]
    schemas: Mapping[str, Any]
    max_tokens: int
    temperature: float | None

    async def say(self, turns: Sequence[Turn]) -> Said:
        """Return the model's next turn, from the store or after buying it.

        Raises
        ------
        BudgetReachedError
            If the turn does not fit the caps.
        ProviderRefusedError
            If the provider refuses, or gives no answer after all attempts.
        """
        ledger = self.ledger
        try:
            answer = await ledger.answer(self._question(turns), wait=True)
        except CallError as error:
            raise ProviderRefusedError(f"no answer from {ledger.port.name}: {error}") from None
        if answer.outcome == "unread":
            number = answer.response_id
            await ledger.writer.do(lambda: ledger.store.responses.settle(number, "ok", {}))
        return _read(answer.raw_text)

    def is_stored(self, turns: Sequence[Turn]) -> bool:
        """Whether the store holds the model's next turn, offered these tools."""
        return self.ledger.store.responses.find(self._address(turns)) is not None

    def _question(self, turns: Sequence[Turn]) -> Question:
        template_digest = text_digest(SYSTEM)
        request = Request(
            subject=_STORE,
            messages=tuple(map(_message, turns)),
            schema={},
            schema_name=NAME,
            task=NAME,
            template=NAME,
            template_digest=template_digest,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            tools=self.tools,
        )
        prompt = Prompt(list(turns), self.schemas, NAME, template_digest)
        return Question(request, self._address(turns), prompt, raw_text=_stored)

    def _address(self, turns: Sequence[Turn]) -> str:
        port = self.ledger.port
        return json_digest(
            {
                "turns": list(turns),
                "tools": self.schemas,
                "model": port.name,
                "base_url": port.base_url,
                "max_tokens": self.max_tokens,
                "temperature": self.temperature,
                **{name: value for name, value in port.params.items() if name == "options"},
            }
        )


_ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def _message(turn: Turn) -> Message:
    calls = json.loads(turn.get("tool_calls", "[]"))
    return Message(
        _ROLES[turn["role"]],
        turn["content"],
        tuple(ToolCall(*call) for call in calls),
        turn.get("tool_call_id"),
    )


def _stored(reply: Reply) -> str:
    """A reply as the text of the stored answer."""
    return json.dumps(Said(reply.text, reply.tool_calls).turn, ensure_ascii=False)


def _read(raw: str) -> Said:
    turn: Turn = json.loads(raw)
    return Said(turn["content"], tuple(ToolCall(*call) for call in json.loads(turn["tool_calls"])))
