"""Which column holds what: the usual names of a format, and those a user gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW


@dataclass(frozen=True)
class Columns:
    """Names of the columns of one format."""

    user: str = "user_id"
    item: str = "item_id"
    time: str = "timestamp"
    position: str = "position"
    title: str = "title"
    categories: str = "categories"

    def chosen(self, options: ReadOptions, names: Sequence[str] = ()) -> Columns:
        """Take the columns that the user named, or numbered, over these.

        Parameters
        ----------
        names
            The columns there are; a name that is none of them and a number is a place among them.
        """
        given = {role.name: getattr(options, parameter(role.name)) for role in fields(self)}
        return Columns(
            **{
                role: column_at(name, names) if name else getattr(self, role)
                for role, name in given.items()
            }
        )


def parameter(role: str) -> str:
    """Name of the parameter of :class:`ReadOptions` that names the column of a role."""
    return f"{role}_column"


def column_at(name: str, names: Sequence[str]) -> str:
    """Name of a column given by name or by number, from 1."""
    there = [column for column in names if column != ROW]
    if name not in there and name.isascii() and name.isdigit() and 1 <= int(name) <= len(there):
        return there[int(name) - 1]
    return name


def refuse_repeated(
    names: Sequence[str], used: Sequence[str], file: str, problems: Problems
) -> None:
    """Refuse a column that is used and whose name stands in the header twice.

    Raises
    ------
    UnusableFileError
        There is one.
    """
    for name in used:
        if name in names and f"{name} (2)" in names:
            raise problems.fatal(
                Kind.COLUMN,
                file,
                "two columns have this name; rename one, or give the column by its number",
                column=name,
            )
