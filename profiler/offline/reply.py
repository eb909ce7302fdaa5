"""The answer of a stand-in: made here, so without tokens or price."""

from __future__ import annotations

import json
import time
from typing import Any

from profiler.llm.port import Reply


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
