"""Metrics of a run as JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "metrics.jsonl"


class Logbook:
    """One JSON object for each evaluation, each with its ``step``; a new run starts a new file.

    Parameters
    ----------
    folder : Path or None
        Where the file goes; None writes nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / NAME
        self.mode = "w"

    def write(self, line: dict[str, Any]) -> None:
        """Append a line."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open(self.mode, encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.mode = "a"

    def resume(self, step: int) -> None:
        """Go on after a step: lines that a killed run wrote beyond it are dropped."""
        self.mode = "a"
        if self.path is None or not self.path.is_file():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                continue  # the kill cut this line short
        self.path.write_text("".join(kept), encoding="utf-8")
