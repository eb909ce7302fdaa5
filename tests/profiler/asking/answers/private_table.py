"""Print the table of docs/privacy.md: ``python -m tests.profiler.asking.answers.private_table``."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from profiler.asking.answers.sensitive import private_attribute

LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish"}
_HEAD = """\
| language | statements found | unlike the rules | new | tastes taken wrongly | precision | recall |
|---|--:|--:|--:|--:|--:|--:|
"""


def labelled() -> dict[str, dict[str, list[str]]]:
    """The list, by language and by what its texts are."""
    file = Path(__file__).with_name("labelled_sensitive.yaml")
    found: dict[str, dict[str, list[str]]] = yaml.safe_load(file.read_text("utf-8"))
    return found


def table() -> str:
    """Precision and recall on the list, as the page shows them."""
    return _HEAD + "".join(_row(LANGUAGES[code], lists) for code, lists in labelled().items())


def _row(language: str, lists: dict[str, list[str]]) -> str:
    found = {name: sum(map(bool, map(private_attribute, texts))) for name, texts in lists.items()}
    private = [name for name in lists if name != "taste"]
    hits = sum(found[name] for name in private)
    cells = [f"{found[name]} of {len(lists[name])}" for name in (*private, "taste")]
    precision = hits / (hits + found["taste"])
    recall = hits / sum(len(lists[name]) for name in private)
    return f"| {language} | {' | '.join(cells)} | {precision:.2f} | {recall:.2f} |\n"


if __name__ == "__main__":
    sys.stdout.write(table())
