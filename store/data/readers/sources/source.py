"""What a kind of address must offer: it brings data onto this machine, where readers read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from store.data.readers.base.options import ReadOptions

if TYPE_CHECKING:
    from store.data.readers.sources.address import Location

__all__ = ["Brought", "Source"]

Tell = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is (0: not known)."""


@dataclass(frozen=True)
class Brought:
    """Data that were brought into a private folder.

    Attributes
    ----------
    interactions
        A file, or a folder with a data set.
    items
        The items that the same address gives; None where it gives none.
    notes
        What was read, as sentences: sizes and digests, never credentials.
    detail
        What of the address was read, such as ``table events`` or a digest; stores keep it.
    """

    interactions: Path
    items: Path | None = None
    notes: list[str] = field(default_factory=list)
    detail: str = ""


@dataclass(frozen=True)
class Source:
    """How one kind of address is read.

    Attributes
    ----------
    bring
        Copies the data into a folder that is only the user's and is removed afterwards. Called
        with the address, the options, the folder and the callback of progress. Whatever goes
        wrong is a :class:`store.errors.UserError` without credentials in its message.
    has_tables
        Whether ``table`` and ``query`` say what is read.
    """

    bring: Callable[[Location, ReadOptions, Path, Tell], Brought]
    has_tables: bool = False
