"""Prompts that a service cuts without a word, noticed by the tokens that it bills."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from profiler.llm.port import Reply, Request
from prompts.items import estimate_tokens

log = logging.getLogger(__name__)
SMALLEST = 2_000
"""Tokens of a prompt, by estimate, below which no service cuts it."""
SHARE = 0.5
"""Billed of estimated tokens below which a prompt was cut: texts of all languages lie above."""


def cut_prompt(request: Request, reply: Reply) -> tuple[int, int] | None:
    """Billed and estimated tokens of a prompt that was surely cut; None where it was not.

    A server whose context is too small for a prompt leaves out its beginning, or its end, and
    answers all the same: about items that it was never shown. A stand-in for a model bills none.
    """
    billed = None if reply.method == "offline" else reply.tokens_in
    estimated = estimate_tokens("".join(turn.content for turn in request.messages))
    if (
        reply.method == "offline"
        or billed is None
        or estimated < SMALLEST
        or billed >= SHARE * estimated
    ):
        return None
    return billed, estimated


def cut_in_words(model: str, billed: int, estimated: int) -> str:
    """What to tell the user of it."""
    return (
        f"{model} read only {billed} tokens of a prompt of about {estimated}: the server's context "
        "is too small and cuts prompts. Give it a larger one (Ollama: --model-option "
        f"num_ctx={2 * estimated}; llama.cpp: --ctx-size), or show less with --token-budget"
    )


class CutNotice:
    """Says once that a service cuts prompts; each answer to such a prompt is marked."""

    def __init__(self) -> None:
        self._told = False

    def tell(self, model: str, params: Mapping[str, Any]) -> None:
        """Say it, where the parameters of a stored answer do and nobody has been told.

        Parameters
        ----------
        model
            ``PROVIDER:MODEL``.
        params
            Of the answer; ``prompt_cut`` holds billed and estimated tokens.
        """
        cut = params.get("prompt_cut")
        if cut is not None and not self._told:
            self._told = True
            log.warning("%s", cut_in_words(model, *cut))
