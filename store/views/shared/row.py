"""What look-ups return: frozen rows with named fields, and the same as JSON for the edge."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

from store.moved import UNTIL
from store.notebook import InNotebooks

__all__ = ["KeyedRow", "Row"]


@dataclass(frozen=True)
class Row(InNotebooks):
    """A row that a look-up returns; its fields are the keys of its JSON."""

    def to_json(self) -> dict[str, Any]:
        """The row as a dictionary, rows inside it too."""
        return asdict(self)


@dataclass(frozen=True)
class KeyedRow(Row):
    """A row that was a dictionary before; its keys can still be read for one release."""

    def __getitem__(self, key: str) -> Any:
        """Return what stood under a key, with a notice; rows inside are dictionaries, too."""
        document = self.to_json()
        value = document[key]
        warnings.warn(
            f"{type(self).__name__} is an object now: write .{key} for [{key!r}], which works "
            f"until {UNTIL}",
            FutureWarning,
            stacklevel=2,
        )
        return value
