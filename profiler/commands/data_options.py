"""Options about the data: how it is read, filtered, split, encoded, and who is chosen from it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from profiler.choices import HistoryVector, ItemText
from profiler.commands.refresh_options import DriftOptions
from store.choices import InteractionsIn
from store.console.options import given, option
from store.data.readers.base.choices import DateOrder

if TYPE_CHECKING:
    from store.data.readers.base.options import ReadOptions

_REPEATED = ("keep", "minimum")

if TYPE_CHECKING:
    Place = str | Path
else:
    Place = type("path", (), {})  # Typer knows no unions; the help shows this name


def place(text: str) -> Place:
    """A path, whose name may have any bytes, or an address, which stays text."""
    from store.data.readers.sources.location import location_of

    return Path(text) if location_of(text) is None else text


Source = Annotated[
    Place,
    typer.Argument(
        parser=place,
        help="Interactions: a folder, a file, or an address (postgresql://…, duckdb:FILE, "
        "https://…, s3://…).",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class DataOptions:
    """How to read a source."""

    HEADING: ClassVar[str] = "Reading the data"

    items: Annotated[
        Place | None,
        option("File or address with item titles and categories.", parser=place),
    ] = None
    table: Annotated[
        str | None,
        option("Table of a database, or configuration of a Hugging Face data set, to read."),
    ] = None
    query: Annotated[
        str | None, option("Query of a database to read, such as 'SELECT … FROM events'.")
    ] = None
    items_table: Annotated[
        str | None, option("Table of the same database, or configuration, with the items.")
    ] = None
    items_query: Annotated[str | None, option("Query of the same database for the items.")] = None
    layout: Annotated[
        str | None,
        option(
            "Published data set: movielens, amazon, steam, yelp, goodreads, mind, lastfm, hm, "
            "retailrocket or huggingface.",
            default="detected by its files",
        ),
    ] = None
    format: Annotated[
        str | None,
        option(
            "movielens, amazon, recbole, csv, tsv or parquet.", default="detected by its content"
        ),
    ] = None
    user_column: Annotated[str | None, option("Column of user ids.", default="user_id")] = None
    item_column: Annotated[str | None, option("Column of item ids.", default="item_id")] = None
    time_column: Annotated[str | None, option("Column of times.", default="timestamp")] = None
    position_column: Annotated[
        str | None, option("Column with the position in the history.", default="position")
    ] = None
    title_column: Annotated[str | None, option("Column of item titles.", default="title")] = None
    categories_column: Annotated[
        str | None, option("Column of item categories.", default="categories")
    ] = None
    item_file_column: Annotated[
        str | None,
        option("Column of item ids in the item file.", default="that of the interactions"),
    ] = None
    category_separator: Annotated[
        str | None, option("Separator between categories.", default="told by the column")
    ] = None
    separator: Annotated[
        str | None, option("Separator between columns of text.", default="detected")
    ] = None
    encoding: Annotated[
        str | None, option("Encoding of text, such as cp1250.", default="detected")
    ] = None
    header: Annotated[
        bool | None,
        option(
            "Whether the first line holds column names; without it, columns are numbered from 1.",
            "--header/--no-header",
            default="detected",
        ),
    ] = None
    date_order: Annotated[
        DateOrder | None,
        option("How to read 01/02/2014.", default="told by other dates of the column"),
    ] = None
    keep: Annotated[
        list[str] | None,
        option("Keep rows by a column's value, such as event=purchase,cart. Repeatable.", "--keep"),
    ] = None
    minimum: Annotated[
        list[str] | None,
        option("Keep rows with at least a number, such as rating=4. Repeatable.", "--min"),
    ] = None
    drop_incomplete: Annotated[
        bool | None,
        option("Leave out rows without a user, an item or a time.", "--drop-incomplete"),
    ] = None
    max_bytes: Annotated[
        int | None,
        option("Maximum size of a file in bytes, after unpacking.", min=1, default="4 GiB"),
    ] = None

    def read_options(self) -> ReadOptions:
        """Return them as the readers take them."""
        from store.data.readers.base.options import ReadOptions

        chosen = given(self)
        layout = chosen.pop("layout", None)
        if layout is not None:
            chosen["format"] = _layout(layout, self.format)
        lists = {name: tuple(value) for name, value in chosen.items() if name in _REPEATED}
        return ReadOptions(**chosen | lists)


def _layout(name: str, form: str | None) -> str:
    """Format of a published data set, which may be named by its edition, such as ``ml-1m``."""
    from store.data.readers.registry import layout_format
    from store.errors import UserError

    if form is not None:
        raise UserError(f"layout={name} and format={form} say the same thing; give one of them")
    return layout_format(name)


@dataclass(frozen=True)
class PreparingOptions:
    """What of the data is kept, and what is held back."""

    HEADING: ClassVar[str] = "Filter and split"

    filter: Annotated[
        str | None,
        option(
            "none, once:N (items, then users, with N or more) or core:N (k-core).", default="none"
        ),
    ] = None
    split: Annotated[
        str | None,
        option(
            "leave-one-out (trains on what others did after a user's target), users-811, "
            "time:DATE (no such leak), none, or a file of user_id and split.",
            default="leave-one-out",
        ),
    ] = None
    split_seed: Annotated[
        int | None, option("Seed of the user shuffle of users-811.", default="1230")
    ] = None
    drop_repeats: Annotated[
        bool | None,
        option(
            "Leave out interactions that repeat another one exactly.",
            "--drop-repeats/--keep-repeats",
            default="keep-repeats",
        ),
    ] = None
    max_history: Annotated[
        int | None,
        option(
            "Maximum number of interactions of a user; the latest are kept.", min=1, default="all"
        ),
    ] = None
    interactions_in: Annotated[
        InteractionsIn | None,
        option(
            "Keep interactions in the store's file, or as Parquet files in a folder beside it.",
            default="store",
        ),
    ] = None


@dataclass(frozen=True)
class VectorOptions:
    """How items and histories become vectors."""

    HEADING: ClassVar[str] = "Vectors"

    encoder: Annotated[
        str | None, option("Sentence encoder: name or folder.", default="all-MiniLM-L6-v2")
    ] = None
    item_text: Annotated[
        ItemText | None, option("What is encoded of an item.", default="title+categories")
    ] = None
    history: Annotated[
        HistoryVector | None,
        option("History vector: mean of the items' vectors, or text (the paper).", default="mean"),
    ] = None


@dataclass(frozen=True)
class ChoosingOptions(DriftOptions):
    """Whom to ask about."""

    HEADING: ClassVar[str] = "Exemplars and synthetic users"

    share: Annotated[
        float | None, option("Share of users to choose as exemplars.", default="0.03")
    ] = None
    exemplars: Annotated[int | None, option("Maximum number of exemplars.")] = None
    exemplars_usd: Annotated[
        float | None,
        option("Choose as many exemplars as this many dollars are expected to pay for."),
    ] = None
    exemplar_sample: Annotated[
        int | None,
        option(
            "Choose exemplars among a stratified sample of this many users.",
            min=1,
            default="all users",
        ),
    ] = None
    preference: Annotated[float | None, option("Preference of affinity propagation, below 0.")] = (
        None
    )
    damping: Annotated[float | None, option("Damping of affinity propagation.", default="0.5")] = (
        None
    )
    synthetic_users: Annotated[
        int | None,
        option("Maximum number of synthetic users; 0 for none.", default="3 % of the users"),
    ] = None
    max_titles: Annotated[
        int | None, option("Maximum number of items of a synthetic user.", default="60")
    ] = None
    seed: Annotated[int | None, option("Random seed.", "--seed", default="0")] = None
    assign: Annotated[
        bool | None,
        option(
            "Give users the stored interests that cover their history.",
            "--assign/--no-assign",
            default="assign",
        ),
    ] = None

    def settings(self) -> dict[str, object]:
        """Return what a build's settings are; drift is none of them."""
        drift = {one.name for one in fields(DriftOptions)}
        return {name: value for name, value in given(self).items() if name not in drift}
