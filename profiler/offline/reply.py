"""What all stand-ins for a model share: nothing is called, and an answer has no price."""

from __future__ import annotations

import json
import time
from typing import Any

from profiler.llm.port import OFFLINE, Method, Reply, Request


class StandIn:
    """The part of a :class:`profiler.llm.port.ChatPort` that is alike for all that ask nobody."""

    @property
    def name(self) -> str:
        """``offline``: the name under which the answers are stored."""
        return OFFLINE

    @property
    def base_url(self) -> str | None:
        """None: nothing is called."""
        return None

    def method_for(self, request: Request) -> Method:
        """Return ``offline``."""
        return "offline"


def made_reply(document: dict[str, Any], name: str, started: float) -> Reply:
    """Return a document as the reply of a model that asks nobody.

    Parameters
    ----------
    document
        What is answered.
    name
        Of the stand-in.
    started
        ``time.perf_counter()`` when it began.
    """
    return Reply(
        text=json.dumps(document, ensure_ascii=False),
        finish_reason="stop",
        tokens_in=0,
        tokens_out=0,
        model=name,
        method="offline",
        latency_s=time.perf_counter() - started,
    )
