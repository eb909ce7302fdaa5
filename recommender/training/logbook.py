"""Metrics of a run as JSON lines, and for TensorBoard where that is wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from store.errors import UserError
from store.files import whole_file

NAME = "metrics.jsonl"


class Logbook:
    """One JSON object for each evaluation, each with its ``step``; a new run starts a new file.

    Parameters
    ----------
    folder : Path or None
        Where the file goes; None writes nothing.
    board : bool
        Write event files for TensorBoard into the same folder.

    Raises
    ------
    UserError
        Where TensorBoard is wanted and not installed.
    """

    def __init__(self, folder: Path | None, *, board: bool = False) -> None:
        self.path = None if folder is None else folder / NAME
        self.mode = "w"
        self.board = _board(folder) if board and folder is not None else None

    def write(self, line: dict[str, Any], terms: Mapping[str, float] | None = None) -> None:
        """Append a line; ``terms``, the last losses, go to TensorBoard only."""
        if self.path is None:
            return
        if self.board is not None:
            for name, value in line["metrics"].items():
                self.board.add_scalar(f"valid/{name}", value, line["step"])
            for name, value in (terms or {}).items():
                self.board.add_scalar(f"train/{name}", value, line["step"])
            self.board.flush()
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
        with whole_file(self.path) as partial:
            partial.write_text("".join(kept), encoding="utf-8")


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(
            "training.tensorboard needs the package tensorboard; "
            "pip install 'interest-profiler[tensorboard]', or train without it"
        ) from None
    return SummaryWriter(str(folder))
