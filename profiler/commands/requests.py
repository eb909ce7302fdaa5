"""``profiler requests``: what would be asked next, written for a batch service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from profiler.commands import _llm_options as llm_options


def requests(
    store: Annotated[Path, typer.Option(help="The store file.")],
    out: Annotated[Path, typer.Option(help="File to write, one request a line.")],
    llm: Annotated[str, typer.Option(help="provider:model that will answer.")],
    base_url: Annotated[str | None, typer.Option(help="Address of the service.")] = None,
    method: llm_options.Method = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Folder of templates that override by name.")
    ] = None,
    exemplar_prompt: Annotated[str, typer.Option(help="Template for exemplars and users.")] = (
        "exemplar_interests"
    ),
    synthetic_prompt: Annotated[str, typer.Option(help="Template for synthetic users.")] = (
        "allocate_items"
    ),
    max_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 2_000,
    temperature: Annotated[float, typer.Option(help="Sampling temperature.", min=0)] = 0.0,
    seed: Annotated[int | None, typer.Option(help="Sampling seed, if it is to be sent.")] = None,
    token_budget: Annotated[int, typer.Option(help="Most tokens of an item list.", min=1)] = 6_000,
    cut: Annotated[str, typer.Option(help="recent or spread: which items of a long list.")] = (
        "recent"
    ),
    only_pending: llm_options.OnlyPending = False,
    again: Annotated[
        bool, typer.Option("--all", help="Also imported, edited and quarantined subjects.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file where it exists.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write what ``build --llm`` would ask next, in the OpenAI batch format; nothing is sent."""
    from typing import cast

    from profiler.asking.questions import Cut
    from profiler.exchange.batch_options import BatchOptions
    from profiler.exchange.batches import write_requests
    from profiler.llm.langchain import METHODS, method_for
    from prompts import load_template, refuse_unused
    from store.console import print_json, say
    from store.errors import UserError
    from store.store import open_store

    if method not in (None, *METHODS):
        raise UserError(f"--method {method!r}: one of {', '.join(METHODS)}")
    if cut not in ("recent", "spread"):
        raise UserError(f"--cut {cut!r}: one of recent, spread")
    if not all(llm.partition(":")):
        raise UserError(f"--llm {llm!r}: write provider:model, such as openai:gpt-4o-mini")
    refuse_unused(prompts, [exemplar_prompt, synthetic_prompt])
    one, many = load_template(exemplar_prompt, prompts), load_template(synthetic_prompt, prompts)
    options = BatchOptions(
        llm=llm,
        templates={"exemplar": one, "user": one, "synthetic": many},
        reask=load_template("reask", prompts),
        base_url=base_url,
        method=method or method_for(llm, base_url),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        token_budget=token_budget,
        cut=cast("Cut", cut),
        only_pending=only_pending,
        everyone=again,
    )
    with open_store(store) as opened:
        count = write_requests(opened, out, options, overwrite=overwrite)
    if json:
        print_json({"requests": count, "out": str(out)})
    elif count:
        say(f"{count} requests written to {out}")
        say(f"when they are answered: profiler import-responses FILE --store {store}")
    else:
        say("no subject is waiting for an answer of this model (--all asks about the others again)")
