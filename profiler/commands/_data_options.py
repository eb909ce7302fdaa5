"""Options that say how to read a source, the same for every command that reads one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from store.data.readers.base.options import ReadOptions

Source = Annotated[
    Path, typer.Argument(help="A folder or file of interactions.", show_default=False)
]
Items = Annotated[Path | None, typer.Option(help="File with item titles and categories.")]
Format = Annotated[
    str | None,
    typer.Option(help="movielens, amazon, recbole, csv, tsv or parquet; detected by default."),
]
UserColumn = Annotated[str | None, typer.Option(help="Column of user ids [user_id].")]
ItemColumn = Annotated[str | None, typer.Option(help="Column of item ids [item_id].")]
TimeColumn = Annotated[str | None, typer.Option(help="Column of times [timestamp].")]
PositionColumn = Annotated[
    str | None, typer.Option(help="Column of places in the history [position].")
]
TitleColumn = Annotated[str | None, typer.Option(help="Column of item titles [title].")]
CategoriesColumn = Annotated[
    str | None, typer.Option(help="Column of item categories [categories].")
]
Filter = Annotated[
    str,
    typer.Option(help="none, once:N (items, then users, with N or more) or core:N (k-core)."),
]
SplitBy = Annotated[
    str,
    typer.Option(
        help="leave-one-out (trains on what others did after a user's target), users-811, "
        "time:DATE (no such leak), none, or a file of user_id and split."
    ),
]


def read_options(
    format: str | None = None,
    items: Path | None = None,
    user_column: str | None = None,
    item_column: str | None = None,
    time_column: str | None = None,
    position_column: str | None = None,
    title_column: str | None = None,
    categories_column: str | None = None,
) -> ReadOptions:
    """Gather the options; the parameters are named as the command-line options are."""
    from store.data.readers.base.options import ReadOptions

    return ReadOptions(
        format,
        items,
        user_column,
        item_column,
        time_column,
        position_column,
        title_column,
        categories_column,
    )
