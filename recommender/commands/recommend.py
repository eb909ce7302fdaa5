"""``recommender recommend``: top-k for a user or a raw history."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from recommender.commands.options import (
    History,
    Model,
    ModelStore,
    User,
    require_model,
    require_store,
)
from recommender.commands.reranking import (
    RERANKED,
    LanguageModelOptions,
    in_its_order,
    refuse_half_asked,
    say_how,
    told,
)
from store.console.options import Detail, Json, On, Overwrite, grouped, option

if TYPE_CHECKING:
    from recommender.hints.serving import HintedList
    from recommender.serving.results import Recommendation
    from recommender.serving.service import Service


@dataclass(frozen=True)
class SteeringOptions:
    """What the list is asked to hold beside the best items."""

    HEADING: ClassVar[str] = "Steering"

    diversity: Annotated[
        float, typer.Option(help="Weight of different categories in the list; 0 is off.")
    ] = 0.0
    without: Annotated[
        list[str] | None,
        option("Leave out an interest, by its id, such as i41; may stand several times."),
    ] = None
    more: Annotated[
        list[str] | None, option("Ask for more of an interest; may stand several times.")
    ] = None


@grouped
def recommend(
    context: typer.Context,
    model: Model,
    steering: SteeringOptions,
    language_model: LanguageModelOptions,
    user: User = None,
    history: History = None,
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 10,
    explain: Annotated[bool, option("Say why, in a sentence each.", "--explain")] = False,
    detail: Detail = False,
    seen: Annotated[bool, option("Also recommend items the history holds.", "--seen")] = False,
    all_users: Annotated[
        Path | None,
        option("Write lists of all users to a Parquet file.", "--all", metavar="FILE"),
    ] = None,
    on: On = None,
    store: ModelStore = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Recommend items to a user of the store, or for a history given on the command line.

    $ recommender recommend models/remi --user U042 -k 3 --explain
    $ recommender recommend models/remi --user U042 -k 1 --explain --detail
    $ recommender recommend models/remi --history P096,P170
    $ recommender recommend models/remi --user U042 --without i41 --more i12
    $ recommender recommend models/remi --user U042 --llm openai:gpt-4o-mini --hints
    """
    require_model(model)
    require_store(store)
    from recommender.serving.service import Service
    from store.console import note, print_json
    from store.engines.engine import working_on
    from store.errors import UserError

    if all_users is not None and any((user, history, explain, detail, *vars(steering).values())):
        raise UserError(
            "--all writes plain lists of all users; leave out --user, --history, --explain, "
            "--detail, --diversity, --without and --more"
        )
    refuse_half_asked(language_model, user, all_users)
    if on is not None and all_users is None:
        raise UserError("--on does nothing without --all: one list is made in this process")
    off, wanted = parse_interests(steering.without), parse_interests(steering.more)
    reranked: HintedList | None = None
    with Service(model, store=store) as service:
        if all_users is not None:
            with working_on(on):
                _write_all(service, all_users, k, seen=seen, overwrite=overwrite, json=json)
            return
        found = service.recommend(
            user=user,
            history=parse_history(history),
            k=k if language_model.llm is None else max(k, RERANKED),
            filter_seen=not seen,
            diversity=steering.diversity,
            explain=explain or detail,
            without=off,
            more=wanted,
        )
        if language_model.llm is not None:
            reranked = in_its_order(context, language_model, service, str(user), k, found)
            found = reranked.items
        for line in steering_notes(service, user, history, k, off, wanted, seen=seen):
            note(line)
        for line in service.notes(steering.diversity):
            note(line)
    if json:
        print_json(
            {
                "model": str(model),
                "user": user,
                "history": parse_history(history),
                "recommendations": [item.to_json() for item in found],
                **({} if reranked is None else {"language_model": told(reranked)}),
            }
        )
        return
    if reranked is not None:
        say_how(reranked, str(language_model.llm))
    _say_items(found, explain=explain, detail=detail)


def _say_items(found: Sequence[Recommendation], *, explain: bool, detail: bool) -> None:
    """Print a list, with reasons where they were asked for."""
    from recommender.text import detail_lines, item_name, reason_lines
    from store.console import say, say_lines

    for item in found:
        score = "" if explain and not detail else f"  {item.score:.3f}"
        say(f"{item.rank:>3}. {item_name(item.title, item.item_id)}{score}")
        if item.explanation is not None:
            say_lines(reason_lines(item.explanation), "     ")
            if detail:
                say_lines(detail_lines(item.explanation, most=3), "       ")


def _write_all(
    service: Service, file: Path, k: int, *, seen: bool, overwrite: bool, json: bool
) -> None:
    """Write lists of all users and say how many rows."""
    from recommender.serving.export import ends_early, export_target, write_parquet
    from store.console import note, print_json, say

    target = export_target(service, file, overwrite=overwrite)
    rows = write_parquet(service, target, k, filter_seen=not seen)
    if warning := ends_early(service):
        note(warning)
    if json:
        print_json({"file": str(file), "rows": rows})
    else:
        say(f"{file}: {rows:,} rows")


def parse_history(text: str | None) -> list[str] | None:
    """Read item ids joined by commas; an id that holds a comma stands in double quotes.

    >>> parse_history('I1, "lamp, brass"')
    ['I1', 'lamp, brass']
    """
    if text is None:
        return None
    ids = next(csv.reader([text], skipinitialspace=True), [])
    return [one.strip() for one in ids if one.strip()]


def parse_interests(texts: list[str] | None) -> list[int]:
    """Read ids of interests, with or without the letter that ``ask`` and reports put before them.

    Raises
    ------
    UserError
        Naming what is no id.
    """
    from store.errors import UserError

    found = []
    for text in [part.strip() for one in texts or [] for part in one.split(",")]:
        digits = text.removeprefix("i")
        if not digits.isascii() or not digits.isdigit():
            raise UserError(f"interest {text!r}: write its id, such as i41 (profiler interests)")
        found.append(int(digits))
    return found


def steering_notes(
    service: Service,
    user: str | None,
    history: str | None,
    k: int,
    without: list[int],
    more: list[int],
    *,
    seen: bool,
) -> list[str]:
    """Say where leaving an interest out, or asking for more of it, changed nothing."""
    if not (without or more):
        return []
    if not service.steers():
        return ["this model does not look at the history, so --without and --more change nothing"]
    who = {"user": user, "history": parse_history(history), "k": k, "filter_seen": not seen}
    plain = service.recommend(**who)  # type: ignore[arg-type]
    steered = service.recommend(**who, without=without, more=more)  # type: ignore[arg-type]
    if [one.item_id for one in plain] == [one.item_id for one in steered]:
        return ["the list does not rest on these interests: it stays as it is"]
    return []
