"""The language model of the fault suite: a loopback server that answers about the sample shop."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from store.store import open_store
from tests.chat_server import ChatServer, scripted
from tests.llm_server import Call, LlmServer, Step

MODEL = ("--llm", "openai:gpt-4o-mini", "--base-url", "{llm}", "--concurrency", "2")
ASK = ("--llm", "openai:gpt-4o-mini", "--base-url", "{llm}")

_ITEM = re.compile(r"\((P\d+)\)|\b(P\d+)\b")


class ShopModel(ChatServer):
    """Answers every question about items of the shop, and conversations about the other store.

    Attributes
    ----------
    useless
        Whether it answers in prose, so that what is asked about is quarantined.
    """

    def __init__(self) -> None:
        looked_up = [("search_interests", {"query": "refillable pens"})]
        super().__init__(scripted(looked_up, "Customers of the pens group like refills [i1]."))
        self.useless = False

    def _payload(self, call: Call, step: Step) -> tuple[int, dict[str, Any]]:
        if call.body.get("tools"):
            return super()._payload(call, step)
        return LlmServer._payload(self, call, Step(text=self._answer_about(call)))

    def _answer_about(self, call: Call) -> str:
        if self.useless:
            return "This person enjoys a good many different things, I would say."
        shown = str(call.body["messages"][-1]["content"])
        items = list(dict.fromkeys(a or b for a, b in _ITEM.findall(shown)))
        asked = json.dumps(call.body.get("response_format", {})) + call.text
        allocation = '"clusters"' in asked
        evidence, outer = ("items", "clusters") if allocation else ("evidence", "interests")
        half = max(1, len(items) // 2)
        parts = [part for part in (items[:half], items[half:]) if part]
        groups = [
            {"label": f"Taste of {part[0]}", "description": "Likes such things.", evidence: part}
            for part in parts
        ]
        return json.dumps({outer: groups})


def stored_questions(store: Path) -> set[str]:
    """Every question whose answer the store holds and may use, as it was sent.

    ``retry`` is there to ask again where an answer was of no use.
    """
    if not store.is_file():
        return set()
    with open_store(store, read_only=True) as opened, opened.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT messages FROM prompts JOIN responses ON prompt_digest = digest "
            "WHERE outcome IN ('unread', 'ok')"
        ).all()
    return {_canonical(json.loads(messages)) for (messages,) in rows}


def sent_questions(model: ShopModel, since: int = 0) -> list[str]:
    """The questions that the model was sent after the first ``since`` calls."""
    return [_canonical(call.body["messages"]) for call in model.record.calls[since:]]


def _canonical(messages: list[dict[str, Any]]) -> str:
    """Who says what: ids of tool calls are the provider's."""
    return json.dumps([(one["role"], one.get("content") or "") for one in messages])
