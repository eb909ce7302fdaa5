"""The list of modules in ``docs/architecture.md``, written from the modules' own first sentences.

``python tests/docs_modules.py`` writes it again; a test holds the page to it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("store", "prompts", "profiler", "recommender")
PLACE = re.compile(r"(<!-- modules -->\n).*?(<!-- end -->)", re.S)


def first_sentence(path: Path) -> str:
    """Of a module's docstring, on one line and fit for a cell of a table."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.rstrip(".").replace("``", "`").replace("|", "\\|")


def rooms() -> list[Path]:
    """Every folder with modules, a package before its rooms."""
    folders = {path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    order = {name: place for place, name in enumerate(PACKAGES)}
    return sorted(folders, key=lambda folder: (order[parts_of(folder)[0]], parts_of(folder)))


def parts_of(folder: Path) -> tuple[str, ...]:
    return folder.relative_to(ROOT).parts


def listing() -> str:
    """A heading, a sentence and a table for each room."""
    lines = ["`cli.py`: " + first_sentence(ROOT / "cli.py") + ".", ""]
    for folder in rooms():
        parts = parts_of(folder)
        modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        lines += [f"{'#' * (2 + min(len(parts), 3))} `{'/'.join(parts)}/`", ""]
        lines += [first_sentence(folder / "__init__.py") + ".", ""]
        if modules:
            lines += ["| module | what it does |", "|---|---|"]
            lines += [f"| `{path.name}` | {first_sentence(path)} |" for path in modules]
            lines.append("")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with today's list in its place."""
    return PLACE.sub(lambda place: f"{place[1]}\n{listing()}\n{place[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
