"""What look-ups return: frozen rows with named fields, and the same as JSON for the edge."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A row that a look-up returns; its fields are the keys of its JSON."""

    def to_json(self) -> dict[str, Any]:
        """The row as a dictionary, rows inside it too."""
        return asdict(self)
