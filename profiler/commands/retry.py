"""``profiler retry``: ask again about the subjects whose answers were not usable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from profiler.commands import _llm_options as llm_options


def retry(
    store: Annotated[Path, typer.Option(help="The store file.")],
    failed: Annotated[
        bool, typer.Option("--failed", help="Ask again about all quarantined subjects.")
    ] = False,
    llm: llm_options.Llm = None,
    base_url: llm_options.BaseUrl = None,
    method: llm_options.Method = None,
    concurrency: llm_options.Concurrency = 8,
    rpm: llm_options.Rpm = None,
    tpm: llm_options.Tpm = None,
    max_tokens: llm_options.MaxTokens = 2000,
    temperature: llm_options.Temperature = 0.0,
    token_budget: llm_options.TokenBudget = 6000,
    cut: llm_options.Cut = "recent",
    budget_usd: llm_options.BudgetUsd = None,
    budget_tokens: llm_options.BudgetTokens = None,
    budget_calls: llm_options.BudgetCalls = None,
    prices: llm_options.PricesFile = None,
    prompts: llm_options.Prompts = None,
    exemplar_prompt: Annotated[str, typer.Option(help="Template for exemplars and users.")] = (
        "exemplar_interests"
    ),
    synthetic_prompt: Annotated[str, typer.Option(help="Template for synthetic users.")] = (
        "allocate_items"
    ),
    encoder: Annotated[
        str | None, typer.Option(help="The store's sentence encoder, where it has moved.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Ask again about quarantined subjects; leaves with 1 where some are quarantined again."""
    from dataclasses import asdict

    from profiler.asking.runner import retry_failed
    from profiler.exchange.save_interests import encode_imported, encoder_of
    from prompts import load_template, refuse_unused
    from store.console import print_json, say
    from store.errors import UserError
    from store.store import open_store

    if not failed:
        raise UserError("say what to retry: profiler retry --failed --store FILE --llm MODEL")
    port = llm_options.open_port(llm, base_url, method)
    if port is None:
        raise UserError("profiler retry needs --llm PROVIDER:MODEL, such as openai:gpt-4o-mini")
    options = llm_options.asking_options(
        concurrency=concurrency,
        rpm=rpm,
        tpm=tpm,
        max_tokens=max_tokens,
        temperature=temperature,
        token_budget=token_budget,
        cut=cut,
        budget_usd=budget_usd,
        budget_tokens=budget_tokens,
        budget_calls=budget_calls,
        prices=prices,
        prompts=prompts,
    )
    refuse_unused(prompts, [exemplar_prompt, synthetic_prompt])
    one, many = load_template(exemplar_prompt, prompts), load_template(synthetic_prompt, prompts)
    templates = {"exemplar": one, "user": one, "synthetic": many}
    with open_store(store) as opened:
        own = encoder_of(opened, encoder)  # before asking: a failure then costs nothing
        summary = retry_failed(opened, port, templates=templates, options=options)
        encode_imported(opened, own)
    if json:
        print_json(asdict(summary))
    else:
        say(summary.in_words())
    return 1 if summary.quarantined else 0
