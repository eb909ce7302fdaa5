"""Options and words of lists that a language model puts in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from store.console.options import given, option

if TYPE_CHECKING:
    from recommender.hints.serving import HintedList
    from recommender.serving.results import Recommendation
    from recommender.serving.service import Service


@dataclass(frozen=True)
class LanguageModelOptions:
    """A language model that puts the list in order."""

    HEADING: ClassVar[str] = "Language model"

    llm: Annotated[
        str | None,
        option("PROVIDER:MODEL that puts the list in order; by default no model is called."),
    ] = None
    hints: Annotated[
        bool | None,
        option("Give the model the hint that fits the user (recommender hints train).", "--hints"),
    ] = None
    base_url: Annotated[
        str | None, option("Address of an OpenAI-compatible server (vLLM, Ollama).")
    ] = None
    time_limit: Annotated[
        float | None,
        option("Seconds after which the recommender's own list is served.", min=0.1, default="10"),
    ] = None
    budget_usd: Annotated[
        float | None, option("Call no model once the store has spent this many dollars.", min=0)
    ] = None


RERANKED = 50
"""Items of the plain list that a language model puts in order."""


def refuse_half_asked(
    language_model: LanguageModelOptions, user: str | None, all_users: Path | None
) -> None:
    """Refuse options that say nothing without a language model, or that it cannot follow.

    Raises
    ------
    UserError
        That names the option that is missing or too many.
    """
    from store.errors import UserError

    if language_model.llm is None:
        if given(language_model):
            raise UserError(
                "`hints`, base_url, time_limit and budget_usd need --llm PROVIDER:MODEL"
            )
        return
    if all_users is not None or user is None:
        raise UserError(
            "--llm re-ranks the list of one user of the store, whose answer is kept there: give "
            "--user, and leave out --history and --all"
        )


def in_its_order(
    context: typer.Context,
    language_model: LanguageModelOptions,
    service: Service,
    user: str,
    k: int,
    plain: list[Recommendation],
) -> HintedList:
    """Put a list in a language model's order, with the hint that fits the user where asked for."""
    from recommender.hints.serving import hint_for, reranked_list
    from store.errors import UserError
    from store.recommending import RerankingOptions

    open_reranking = getattr(context.obj, "open_reranking", None)
    if open_reranking is None:
        raise UserError("no language model can be asked from here; use the program recommender")
    if service.store is None:
        raise UserError(f"a language model needs the store: {service.without_store}")
    chosen: dict[str, Any] = given(language_model)
    seconds = chosen.get("time_limit")
    options = RerankingOptions(
        llm=str(language_model.llm),
        base_url=language_model.base_url,
        budget_usd=language_model.budget_usd,
        **({} if seconds is None else {"seconds": seconds}),
    )
    hint = hint_for(service, user) if language_model.hints else None
    port = open_reranking(service.store.path, options)
    try:
        return reranked_list(plain, user, k, hint, port)
    finally:
        port.close()


def told(reranked: HintedList) -> dict[str, Any]:
    """How a list came about, as JSON."""
    return {
        "hint": None if reranked.hint is None else reranked.hint.model_dump(),
        "reranked": reranked.reranked,
        "stored": reranked.stored,
        "problem": reranked.problem or None,
    }


def say_how(reranked: HintedList, llm: str) -> None:
    """Say whose order it is, and which hint was given."""
    from store.console import note, plain, say

    if reranked.problem:
        note(f"the plain list: {reranked.problem}")
        return
    given_hint = "without a hint" if reranked.hint is None else f"hint: {plain(reranked.hint.text)}"
    say(f"in the order of {llm}, {given_hint}")
