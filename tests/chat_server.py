"""The loopback server of ``llm_server`` for conversations with tools: a script gives each turn.

A turn is a list of look-ups ``(tool, arguments)`` or the text of an answer; a script maps the
messages received so far to a turn, or names a fault of :data:`tests.llm_server.ERRORS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.llm_server import Call, LlmServer, Step

LookUps = list[tuple[str, dict[str, Any]]]
Turn = str | LookUps
Script = Callable[[list[dict[str, Any]]], Turn | Step]


class ChatServer(LlmServer):
    """Answers by ``script``: ``with ChatServer(script) as server: ... server.base_url``."""

    def __init__(self, script: Script) -> None:
        super().__init__(lambda call: Step())
        self.turns = script

    def _payload(self, call: Call, step: Step) -> tuple[int, dict[str, Any]]:
        turn = self.turns(call.body["messages"])
        if isinstance(turn, Step):
            return super()._payload(call, turn)
        body = super()._payload(call, Step(text=turn if isinstance(turn, str) else ""))[1]
        if not isinstance(turn, str):
            choice = body["choices"][0]
            choice["finish_reason"] = "tool_calls"
            choice["message"] |= {
                "content": None,
                "tool_calls": [
                    {
                        "id": f"call_{call.total}_{number}",
                        "type": "function",
                        "function": {"name": name, "arguments": json.dumps(arguments)},
                    }
                    for number, (name, arguments) in enumerate(turn)
                ],
            }
        return 200, body


def results(messages: list[dict[str, Any]]) -> list[Any]:
    """What the look-ups so far returned."""
    return [json.loads(m["content"]) for m in messages if m["role"] == "tool"]


def scripted(*turns: Turn | Step) -> Script:
    """The given turns in order, the last one for ever."""

    def script(messages: list[dict[str, Any]]) -> Turn | Step:
        said = sum(m["role"] == "assistant" for m in messages)
        return turns[min(said, len(turns) - 1)]

    return script
