"""Options that say whom to ask and how, the same for every command that calls a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profiler.asking.options import AskingOptions
    from profiler.llm.port import ChatPort

Llm = Annotated[
    str | None,
    typer.Option(help="PROVIDER:MODEL, such as openai:gpt-4o-mini; else no model is called."),
]
BaseUrl = Annotated[
    str | None, typer.Option(help="Address of an OpenAI-compatible server (vLLM, Ollama).")
]
Method = Annotated[
    str | None, typer.Option(help="json_schema, json_mode or text; by model where not given.")
]
Concurrency = Annotated[int, typer.Option(min=1, help="Most calls under way at once.")]
Rpm = Annotated[int | None, typer.Option(min=1, help="Most requests per minute.")]
Tpm = Annotated[int | None, typer.Option(min=1, help="Most tokens per minute.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")]
Temperature = Annotated[float, typer.Option(min=0, help="Sampling temperature.")]
TokenBudget = Annotated[int, typer.Option(min=50, help="Most tokens of a prompt's item list.")]
Cut = Annotated[str, typer.Option(help="Items that stay in a long list: recent or spread.")]
_COVERS = "in this store, by all runs and processes together, failed calls included."
BudgetUsd = Annotated[
    float | None, typer.Option(min=0, help=f"Stop before more dollars are spent {_COVERS}")
]
BudgetTokens = Annotated[
    int | None, typer.Option(min=0, help=f"Stop before more tokens are used {_COVERS}")
]
BudgetCalls = Annotated[
    int | None, typer.Option(min=0, help=f"Stop before more calls are made {_COVERS}")
]
OnlyPending = Annotated[
    bool,
    typer.Option(
        "--only-pending",
        help="Leave subjects whose interests another model, the extractor or another prompt made.",
    ),
]
PricesFile = Annotated[Path | None, typer.Option(help="Price table that goes before the built-in.")]
Prompts = Annotated[Path | None, typer.Option(help="Folder whose templates go before ours.")]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Store the data and the choice of subjects, in place of an earlier choice; print "
        "calls, tokens and dollars; send nothing.",
    ),
]


def open_port(llm: str | None, base_url: str | None, method: str | None) -> ChatPort | None:
    """Open the chat model of ``--llm``; None where no model is to be called."""
    from store.errors import UserError

    if llm is None:
        if base_url or method:
            raise UserError("--base-url and --method need --llm PROVIDER:MODEL")
        return None
    from profiler.llm.langchain import open_chat

    return open_chat(llm, base_url=base_url, method=method)


def asking_options(
    *,
    concurrency: int,
    rpm: int | None,
    tpm: int | None,
    max_tokens: int,
    temperature: float,
    budget_usd: float | None,
    budget_tokens: int | None,
    budget_calls: int | None,
    prices: Path | None,
    token_budget: int = 6_000,
    cut: str = "recent",
    prompts: Path | None = None,
    only_pending: bool = False,
) -> AskingOptions:
    """Gather pace, caps, prices and the correction."""
    from profiler.asking.conversation import ReaskPolicy
    from profiler.asking.options import AskingOptions
    from profiler.llm.budget import Caps
    from profiler.llm.prices import load_prices
    from prompts import load_template
    from store.errors import UserError

    if cut not in ("recent", "spread"):
        raise UserError(f"--cut {cut}: use recent or spread")
    return AskingOptions(
        concurrency=concurrency,
        rpm=rpm,
        tpm=tpm,
        caps=Caps(budget_usd, budget_tokens, budget_calls),
        prices=load_prices(prices),
        max_tokens=max_tokens,
        temperature=temperature,
        token_budget=token_budget,
        cut="spread" if cut == "spread" else "recent",
        reask_policy=ReaskPolicy(template=load_template("reask", prompts)),
        only_pending=only_pending,
    )
