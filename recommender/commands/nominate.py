"""``recommender nominate``: which cases of training a language model is to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from recommender.choices import Policy
from recommender.commands.options import Model, require_model, require_store
from store.console.options import Json, StoreFile, given, grouped, option

if TYPE_CHECKING:
    from pathlib import Path

    from recommender.distilling.nominate import Nominated


@dataclass(frozen=True)
class GainOptions:
    """What is assumed of a language model's answers."""

    HEADING: ClassVar[str] = "Assumed gains"

    mu: Annotated[
        float | None,
        option(
            "How steeply the gain falls with the rank of difficulty; .25 to 2 spread the cases.",
            min=0,
            default="10, as published",
        ),
    ] = None
    answers: Annotated[
        str | None,
        option(
            "Proportions of answers that help, repeat the teacher, and mislead.",
            metavar="HELP:SAME:WRONG",
            default="1:5:4",
        ),
    ] = None


@grouped
def nominate(
    model: Model,
    store: StoreFile,
    gains: GainOptions,
    n: Annotated[int, typer.Option("-n", help="Number of cases to choose.", min=1)] = 500,
    policy: Annotated[Policy, typer.Option(help="How cases are chosen.")] = "paper",
    candidates: Annotated[int, typer.Option(help="Number of candidates of each case.", min=2)] = 50,
    seed: Annotated[int, typer.Option(help="Random seed.", min=0)] = 0,
    dry_run: Annotated[bool, option("Choose cases but store nothing.", "--dry-run")] = False,
    json: Json = False,
) -> None:
    """Choose training cases for a language model to rank, by how hard they are for a trained model.

    $ recommender nominate models/sasrec --store shop.db
    $ recommender nominate models/sasrec --store shop.db -n 100 --policy equaliser --mu 1
    """
    require_model(model)
    require_store(store)
    from store.console import print_json, show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)  # what is imported next takes seconds
        from recommender.base.config_checks import checked
        from recommender.distilling.gains import GainSettings
        from recommender.distilling.nominate import nominate as run

        shares = {} if gains.answers is None else proportions(gains.answers)
        found = run(
            model,
            store,
            n=n,
            policy=policy,
            seed=seed,
            candidates=candidates,
            gains=checked(GainSettings, given(mu=gains.mu) | shares, "gains"),
            dry_run=dry_run,
            progress=tell,
        )
    if json:
        print_json(found.to_json())
        return
    _print(found, store)


def proportions(text: str) -> dict[str, float]:
    """Read ``1:5:4`` as proportions of effective, similar and incorrect answers.

    Raises
    ------
    UserError
        It is not three numbers.
    """
    from store.errors import UserError

    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise UserError(f"--answers {text!r}: write three numbers joined by colons, such as 1:5:4")
    return dict(zip(("effective", "similar", "incorrect"), numbers, strict=True))


def _print(found: Nominated, store: Path) -> None:
    from store.console import print_table, say
    from store.console.shell import in_shell

    kept = "not stored" if found.nomination is None else f"nomination {found.nomination}"
    say(
        f"{kept}: {len(found.cases)} of {found.pool:,} training cases, policy {found.policy}, "
        f"seed {found.seed}, teacher {found.backbone} {found.teacher[-12:]}"
    )
    rows = [
        [name, *(f"{value:.4f}" for value in values)] for name, values in found.quartiles().items()
    ]
    print_table(
        "difficulty (-1 easy, 0 hard)",
        ["cases", "lower quartile", "median", "upper quartile"],
        rows,
    )
    most = max(len(case.candidates) for case in found.cases)
    say(f"the target is among the teacher's first {most} in {found.reached} of them")
    if found.nomination is not None:
        say("next: " + in_shell(["profiler", "rank", "--store", str(store), "--dry-run"]))
