"""``profiler build``: from interactions to stored interests, in one command that can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profiler.commands import _data_options as data
from profiler.commands import _llm_options as llm_options

if TYPE_CHECKING:
    from profiler.pipeline import BuildReport


def build(
    source: data.Source,
    store: Annotated[Path, typer.Option(help="The store file; made where it is missing.")],
    items: data.Items = None,
    format: data.Format = None,
    user_column: data.UserColumn = None,
    item_column: data.ItemColumn = None,
    time_column: data.TimeColumn = None,
    position_column: data.PositionColumn = None,
    title_column: data.TitleColumn = None,
    categories_column: data.CategoriesColumn = None,
    filter: data.Filter = "none",
    split: data.SplitBy = "leave-one-out",
    split_seed: Annotated[int, typer.Option(help="Seed of the user shuffle of users-811.")] = 1230,
    encoder: Annotated[
        str | None, typer.Option(help="Sentence encoder: name or folder [all-MiniLM-L6-v2].")
    ] = None,
    item_text: Annotated[
        str, typer.Option(help="What is encoded of an item: title or title+categories.")
    ] = "title+categories",
    history: Annotated[
        str, typer.Option(help="History vector: mean of the items' vectors, or text (the paper).")
    ] = "mean",
    share: Annotated[float, typer.Option(help="Share of users to be exemplars.")] = 0.03,
    exemplars: Annotated[int | None, typer.Option(help="Number of exemplars at most.")] = None,
    exemplars_usd: Annotated[
        float | None, typer.Option(help="As many exemplars as so many dollars are expected to pay.")
    ] = None,
    preference: Annotated[float | None, typer.Option(help="Preference p, below 0.")] = None,
    damping: Annotated[float, typer.Option(help="Damping of the messages.")] = 0.5,
    synthetic_users: Annotated[
        int | None, typer.Option(help="Synthetic users at most [3 % of the users]; 0 for none.")
    ] = None,
    max_titles: Annotated[int, typer.Option(help="Items a synthetic user may hold.")] = 60,
    assign: Annotated[
        bool, typer.Option(help="Give users the stored interests that cover their history.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
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
    only_pending: llm_options.OnlyPending = False,
    dry_run: llm_options.DryRun = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Populate the store: data, exemplars, synthetic users, interests, assignments.

    Run it again to go on after a stop; what is stored is neither asked nor encoded again.
    """
    from profiler.config import BuildConfig
    from profiler.pipeline import build as run
    from store.console import note, plain

    config = BuildConfig.checked(
        filter=filter,
        split=str(split),
        split_seed=split_seed,
        encoder=encoder,
        item_text=item_text,
        history=history,
        share=share,
        exemplars=exemplars,
        exemplars_usd=exemplars_usd,
        preference=preference,
        damping=damping,
        synthetic_users=synthetic_users,
        max_titles=max_titles,
        assign=assign,
        seed=seed,
        prompts=prompts,
    )
    options = data.read_options(
        format=format,
        items=items,
        user_column=user_column,
        item_column=item_column,
        time_column=time_column,
        position_column=position_column,
        title_column=title_column,
        categories_column=categories_column,
    )
    port = llm_options.open_port(llm, base_url, method)
    asking = llm_options.asking_options(
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
        only_pending=only_pending,
    )
    with _steps(quiet=json) as tell:
        chosen: dict[str, Any] = {"config": config, "options": options, "llm": port}
        if not json:  # else they are in the document
            chosen["note"] = lambda line: note(f"note: {plain(line)}")
        report = run(source, store, asking=asking, dry_run=dry_run, progress=tell, **chosen)
    _tell(report, store, json=json)
    asked = report.asking
    return 1 if asked and (asked.quarantined or asked.pending) else 0


@contextmanager
def _steps(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """One progress bar after another, on a terminal only."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield tell


def _tell(report: BuildReport, store: Path, *, json: bool) -> None:
    from dataclasses import asdict

    from store.console import print_json, say

    if json:
        print_json(asdict(report))
        return
    data_line = f"{report.users} users, {report.items} items, {report.interactions} interactions"
    say(data_line + ("" if report.changed else " (unchanged)"))
    say(f"texts encoded now: {report.encoded}")
    if report.chosen:
        kept = "" if report.chosen.anew else " (as chosen before)"
        say(
            f"{report.chosen.exemplars} exemplars, {report.chosen.synthetic_users} synthetic "
            f"users{kept}"
        )
        for line in report.chosen.notes:
            say(f"  {line}")
    if report.asking:
        say(f"asking {report.asked}: {report.asking.in_words()}")
    for kind, forecast in report.forecast.items():
        say(f"{kind}: {forecast.in_words()}")
    if report.forecast:
        say("the data and the choice of subjects are stored; nothing was sent")
        return
    say(f"{report.assigned} users have stored interests that cover their own history")
    say(f"store: {store}; look with: profiler show USER --store {store}")
    if report.asking and report.asking.quarantined:
        say(f"some answers were not usable: profiler retry --failed --store {store}")
