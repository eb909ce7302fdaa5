"""``profiler ask``: a question about a store, answered with citations that were checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.commands import _llm_options as llm_options

if TYPE_CHECKING:
    from profiler.answering.agent import Answer


def ask(
    question: Annotated[str, typer.Argument(help="A question in plain words.")],
    store: Annotated[Path, typer.Option(help="The store file.")],
    llm: llm_options.Llm = None,
    base_url: llm_options.BaseUrl = None,
    max_tokens: llm_options.MaxTokens = 1000,
    temperature: llm_options.Temperature = 0.0,
    budget_usd: llm_options.BudgetUsd = None,
    budget_tokens: llm_options.BudgetTokens = None,
    budget_calls: llm_options.BudgetCalls = None,
    prices: llm_options.PricesFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Answer a question from the store; every sentence cites interests or items that exist.

    The model may only look things up, in at most ten steps.
    """
    from store.console import print_json
    from store.store import open_store

    with open_store(store) as opened:
        if llm is None or llm == "offline":
            _refuse(question, store)
        from profiler.answering.agent import AnsweringOptions
        from profiler.answering.agent import ask as run
        from profiler.llm.budget import Caps
        from profiler.llm.langchain import open_chat
        from profiler.llm.prices import load_prices

        options = AnsweringOptions(
            caps=Caps(budget_usd, budget_tokens, budget_calls),
            prices=load_prices(prices),
            max_tokens=max_tokens,
            temperature=temperature,
        )
        answer = run(opened, question, open_chat(str(llm), base_url=base_url), options)
    if json:
        print_json(answer.to_json())
    else:
        _tell(answer)
    return 0 if answer.sentences else 1


def _refuse(question: str, store: Path) -> None:
    """Say which look-ups come nearest, ready to be typed."""
    import shlex

    from profiler.reporting.words import words_of
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


def _tell(answer: Answer) -> None:
    from store.console import note, plain, say

    for sentence in answer.sentences:
        say(plain(sentence.text))
    if answer.sentences:
        say("")
    for row in answer.sources["interests"]:
        say(
            f"[i{row['interest_id']}] {plain(row['label'])} ({plain(row['subject'])}, "
            f"{plain(row['source'])})"
        )
    for row in answer.sources["items"]:
        say(f"[item {plain(row['item_id'])}] {plain(row['title'])}")
    if not answer.sentences:
        why = "no sentence could be proven" if answer.finished else "no answer within ten steps"
        say(f"nothing to show: {why}")
    for why, number in answer.dropped.items():
        note(f"sentences left out because each {why}: {number}")
    tally = answer.tally
    cost = "unknown cost" if tally.unpriced else f"${tally.cost_usd:.4f}"
    note(
        f"{answer.model}: {answer.steps} steps, {tally.calls} calls, {tally.cached} found stored, "
        f"{tally.tokens} tokens, {cost}"
    )
