"""``profiler ask``: a question about a store, answered with citations that were checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.commands.options import (
    BudgetOptions,
    ModelOption,
    Temperature,
    TimeoutOption,
    answer_settings,
)
from store.console.options import Json, StoreFile, grouped, option

if TYPE_CHECKING:
    from profiler.answering.agent import Answer


@grouped
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="A question in plain words.")],
    store: StoreFile,
    budget: BudgetOptions,
    llm: Annotated[
        str | None, option("PROVIDER:MODEL that answers, such as openai:gpt-4o-mini.")
    ] = None,
    model: Annotated[
        Path | None, option("Folder of a trained recommender, whose lists may be looked up, too.")
    ] = None,
    base_url: Annotated[
        str | None, option("Address of an OpenAI-compatible server (vLLM, Ollama).")
    ] = None,
    max_tokens: Annotated[
        int | None, option("Maximum number of tokens of each step.", min=1, default="1000")
    ] = None,
    temperature: Temperature = None,
    model_option: ModelOption = None,
    timeout: TimeoutOption = None,
    json: Json = False,
) -> int:
    """Answer a question from the store; every sentence cites interests or items that exist.

    The model can only look things up in the store, in at most ten steps.

    $ profiler ask "What do readers of crime novels buy?" --store shop.db --llm openai:gpt-4o-mini
    $ profiler ask "Why this list for U042?" --store shop.db --model m --llm openai:gpt-4o-mini
    """
    from store.console import print_json
    from store.store import open_store

    with open_store(store) as opened:
        if llm is None or llm == "offline":
            _refuse(question, store)
        from profiler.answering.agent import AnsweringOptions
        from profiler.answering.agent import ask as run
        from profiler.llm.model_options import read_options
        from profiler.llm.registry import open_chat

        options = AnsweringOptions(
            caps=budget.caps(),
            prices=budget.price_table(),
            **answer_settings(max_tokens=max_tokens, temperature=temperature),
        )
        port = open_chat(
            str(llm),
            base_url=base_url,
            timeout=timeout,
            options=read_options(model_option or ()),
        )
        open_model = getattr(context.obj, "open_model", None)
        trained = open_model(model, store) if model is not None and open_model else None
        try:
            answer = run(opened, question, port, options, trained)
        finally:
            if trained is not None:
                trained.close()
    if json:
        print_json(answer.to_json())
    else:
        _tell(answer)
    return 0 if answer.sentences else 1


def _refuse(question: str, store: Path) -> None:
    """Say which look-ups come nearest, ready to be typed."""
    import shlex

    from profiler.words import words_of
    from store.errors import UserError

    words = [w for w in words_of(question) if w not in _ASKING]
    query = shlex.quote(" ".join(dict.fromkeys(words)) or question.strip() or "WORDS")
    where = shlex.quote(str(store))
    raise UserError(
        "a question in words needs a language model: add --llm PROVIDER:MODEL. Without one, use\n"
        f"  profiler search {query} --store {where}\n"
        f"  profiler interests --store {where}\n"
        f"  profiler show USER --store {where}\n"
        f"  profiler explain USER --item ITEM --store {where}\n"
        f"  profiler status --store {where}"
    )


_COMMON = """
about could did do does how know many me much our show should tell there think we what when where
which whom whose why
"""
_ASKING = frozenset(_COMMON.split())


def _why_not(answer: Answer) -> str:
    if not answer.looked_up:
        return (
            "the model answered without looking anything up, so nothing it said can be proven; "
            "ask a model that can call tools"
        )
    return "no sentence could be proven" if answer.finished else "no answer within ten steps"


def _tell(answer: Answer) -> None:
    from store.console import note, plain, say

    for sentence in answer.sentences:
        say(plain(sentence.text))
    if answer.sentences:
        say("")
    for row in answer.sources.interests:
        say(f"[i{row.interest_id}] {plain(row.label)} ({plain(row.subject)}, {plain(row.source)})")
    for item in answer.sources.items:
        say(f"[item {plain(item.item_id)}] {plain(item.title)}")
    if not answer.sentences:
        say(f"nothing to show: {_why_not(answer)}")
    for why, number in answer.dropped.items():
        note(f"sentences left out because each {why}: {number}")
    tally = answer.tally
    cost = "unknown cost" if tally.unpriced else f"${tally.cost_usd:.4f}"
    note(
        f"{answer.model}: {answer.steps} steps, {tally.calls} calls, {tally.cached} found stored, "
        f"{tally.tokens} tokens, {cost}"
    )
