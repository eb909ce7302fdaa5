"""``recommender hints``: learn which hint a language model is given, and show what was learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from recommender.choices import ChooserMethod
from recommender.commands.options import Model, require_model, require_store
from store.console.help import SETTINGS, Command, Group
from store.console.options import Json, StoreFile, option

if TYPE_CHECKING:
    from recommender.hints.chooser import Facts

app = typer.Typer(
    cls=Group,
    help="Learn which hint to give a language model that re-ranks a list.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)


@app.command(cls=Command, context_settings=SETTINGS)
def train(
    model: Model,
    store: StoreFile,
    method: Annotated[ChooserMethod, typer.Option(help="Learning method.")] = "linucb",
    of: Annotated[
        str | None,
        option("PROVIDER:MODEL whose lists are learned from.", default="the one with most trials"),
    ] = None,
    steps: Annotated[
        int, typer.Option(help="Steps of ppo; the paper has 500000.", min=32)
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="Random seed.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Learn from the stored trials which hint to give, and save the chooser in the model's folder.

    No language model is called, because profiler reflect has made the trials. The figures are of
    cases that the chooser has not learned from.

    $ recommender hints train models/sasrec --store shop.db
    """
    require_model(model)
    require_store(store)
    from store.console import show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)
        from recommender.hints.learn import Learning, learn_chooser

        chooser = learn_chooser(model, store, Learning(method, of, steps, seed), tell)
    _tell(chooser.facts, json=json)


@app.command(cls=Command, context_settings=SETTINGS)
def show(model: Model, json: Json = False) -> None:
    """Show the chooser in a model's folder: its hints and its gain.

    $ recommender hints show models/sasrec
    """
    require_model(model)
    from recommender.hints.chooser import load_chooser

    _tell(load_chooser(model).facts, json=json)


def _tell(facts: Facts, *, json: bool) -> None:
    from store.console import plain, print_json, print_table, say

    if json:
        print_json(facts.model_dump())
        return
    say(f"{facts.method} over {len(facts.hints)} hints, learned from lists of {facts.source}")
    say(f"NDCG@10 without a hint {facts.figures['without a hint']:.4f}, {facts.cases} cases")
    rows = [
        [name, f"{said['gain']:+.4f}", f"± {said['margin']:.4f}"]
        for name, said in facts.figures.items()
        if isinstance(said, dict)
    ]
    best = facts.figures["best choice of each case"]
    rows.append(["best possible", f"{best:+.4f}", ""])
    print_table("", ["on cases not seen", "gain", "95 %"], rows)
    say(f"it gives a hint to {facts.figures['share with a hint']:.0%} of the lists")
    for hint in facts.hints:
        say(f"{hint.hint_id:>4}. {plain(hint.text)}")
