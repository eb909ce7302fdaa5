"""Items a page names, numbered in the order in which they turn up, each title once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.data.dataset import Dataset


class ItemTitles:
    """Titles of items by a number of this page's own.

    Parameters
    ----------
    dataset
        Where the titles are.
    noun
        What an item is called, for those without a title.
    """

    def __init__(self, dataset: Dataset, noun: str = "item") -> None:
        self._dataset = dataset
        self._noun = noun
        self._numbers: dict[int, int] = {}

    def number(self, item_ix: int) -> int:
        """Number of an item on this page."""
        return self._numbers.setdefault(int(item_ix), len(self._numbers))

    def numbers(self, items: Iterable[int]) -> list[int]:
        """Numbers of several items, in their order."""
        return [self.number(item) for item in items]

    def titles(self) -> list[str]:
        """Titles by number."""
        return [self.title(item) for item in self._numbers]

    def title(self, item_ix: int) -> str:
        """Title of an item; one without a title is named by its id."""
        known = self._dataset.titles[item_ix]
        noun = self._noun[:1].upper() + self._noun[1:]
        return known or f"{noun} {self._dataset.item_ids[item_ix]} (no title)"
