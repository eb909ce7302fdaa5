"""``profiler models``: what is known of language models, and what a store has learned of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.commands.options import PricesFile
from store.console.options import Json, option

if TYPE_CHECKING:
    from profiler.known_models import KnownModel, Learnt


def models(
    name: Annotated[
        str | None,
        typer.Argument(help="PROVIDER:MODEL, or a provider; else all.", show_default=False),
    ] = None,
    store: Annotated[
        Path | None, option("A store, for what it has learned of them.", "--store")
    ] = None,
    prices: PricesFile = None,
    json: Json = False,
) -> None:
    """Limits, structured output, parameters and price of models, each with its date.

    A model that is not listed can be asked all the same; what its service refuses is learned.

    $ profiler models openai:gpt-5-mini
    $ profiler models anthropic
    $ profiler models local
    """
    from profiler.known_models import known_model, known_models
    from profiler.llm.models import load_models
    from profiler.llm.prices import load_prices
    from store.console import print_json

    tables, listed = load_models(), load_prices(prices)
    learned = _learned(store)
    as_of = tables.as_of.isoformat()
    if name is not None and ":" in name:
        if not all(name.partition(":")):
            from store.errors import UserError

            raise UserError(f"{name!r}: write PROVIDER:MODEL, such as openai:gpt-5-mini")
        found = known_model(name, tables, listed, learned)
        if json:
            print_json({"as_of": as_of, **found.to_json()})
        else:
            _tell(found, as_of)
        return
    if name == "local":
        _local_files(json=json)
        return
    _check_provider(name, tables.providers)
    rows = known_models(tables, listed, learned, name)
    if json:
        print_json({"as_of": as_of, "models": [row.to_json() for row in rows]})
    else:
        _list(rows, as_of)


def _local_files(*, json: bool) -> None:
    """Files that are known to work with ``--llm local:FILE``; none is fetched."""
    from profiler.llm.local_model.files import known_files
    from store.console import print_json, say

    if json:
        print_json({"files": [one.model_dump() for one in known_files()]})
        return
    for one in known_files():
        say(f"{one.file}: {one.name}, {one.bytes:,} bytes, {one.licence}, sha256 {one.sha256}")
        say(f"  good for {one.good_for}")


def _learned(store: Path | None) -> Learnt:
    from store.store import open_store

    if store is None:
        return {}
    with open_store(store, read_only=True) as opened:
        learned: Learnt = opened.meta("learned_models", {})
    return learned


def _check_provider(name: str | None, providers: tuple[str, ...]) -> None:
    from store.errors import UserError
    from store.suggestions import did_you_mean

    if name is not None and name not in providers:
        raise UserError(
            f"{name!r} is no PROVIDER:MODEL, nor a provider that is known: "
            f"{', '.join(providers)}{did_you_mean(name, providers)}"
        )


def _tell(model: KnownModel, as_of: str) -> None:
    from store.console import note, number, plain, say

    def tokens(value: int | None) -> str:
        return "unknown" if value is None else f"{number(value)} tokens"

    say(plain(model.name))
    say(f"  context            {tokens(model.context)}")
    say(f"  longest answer     {tokens(model.longest)}, sent as {' and '.join(model.limit)}")
    say(f"  JSON               {', then '.join(model.methods)}")
    say(f"  temperature        {'taken' if model.temperature else 'not taken, so not sent'}")
    say(f"  seed               {model.seed or 'not taken'}")
    say(f"  key                {' or '.join(model.key) or 'none'}")
    if model.input_usd is None or model.output_usd is None:
        say("  price              unknown; give it with --prices FILE")
    else:
        say(
            f"  price              ${model.input_usd:g} in, ${model.output_usd:g} out for a "
            f"million tokens{f', of {model.price_of}' if model.price_of else ''}"
        )
    for place, told in model.learned.items():
        refused = ", ".join(word for words in told.values() for word in words)
        where = plain(place) or "the provider's own address"
        say(f"  learned            does not take {plain(refused)} ({where})")
    note(f"facts of {as_of}")
    if not model.listed:
        note("the model is in no table: these are the facts of its service")


def _list(rows: list[KnownModel], as_of: str) -> None:
    from store.console import note, print_table

    print_table(
        "",
        ["model", "context", "longest", "JSON", "temperature", "$ in", "$ out", "price of"],
        [
            [
                row.name,
                row.context,
                row.longest,
                row.methods[0],
                "yes" if row.temperature else "no",
                row.input_usd,
                row.output_usd,
                row.price_of,
            ]
            for row in rows
        ],
    )
    note(f"facts of {as_of}; * stands for any end of a name; dollars are for a million tokens")
