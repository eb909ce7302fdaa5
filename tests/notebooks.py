"""Runs a notebook's cells in one process: no kernel, so that no notebook server is needed."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

_SHOWN = "_shown"


def run_notebook(path: Path) -> list[str]:
    """Run the code cells in order; return what each would show: HTML, else text, else nothing.

    Raises
    ------
    AssertionError
        Naming the cell that failed.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    cells = json.loads(path.read_text("utf-8"))["cells"]
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        try:
            shown.append(_run("".join(cell["source"]), f"{path.name}, cell {number}", names))
        except Exception as error:
            raise AssertionError(f"{path.name}, cell {number}: {error!r}") from error
    return shown


def _run(source: str, place: str, names: dict[str, Any]) -> str:
    tree = ast.parse(source, place)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):  # what a cell ends with is shown, so it gets a name
        kept = ast.Assign([ast.Name(_SHOWN, ast.Store())], last.value)
        tree.body[-1] = ast.copy_location(kept, last)
    exec(compile(ast.fix_missing_locations(tree), place, "exec"), names)
    if not isinstance(last, ast.Expr):
        return ""
    value = names.pop(_SHOWN)
    as_html = getattr(value, "_repr_html_", None)
    return as_html() if as_html is not None else repr(value)
