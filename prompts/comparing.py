"""What differs between two templates, line by line."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml

from prompts.loader import BUILT_IN, load_template
from prompts.template import Template


def compare(one: str, two: str, folder: Path | None = None) -> list[str]:
    """Unified diff of two templates' content; empty where they are the same.

    Parameters
    ----------
    one
        A built-in template's name, or the path of a template file.
    two
        The same; a name is looked up in ``folder`` first.
    folder
        A user's own templates.

    Raises
    ------
    UserError
        One of them does not exist or is not valid.
    """
    first, second = _load(one, None if one == two else folder), _load(two, folder)
    if first.digest == second.digest:
        return []
    return list(
        difflib.unified_diff(
            _lines(first), _lines(second), _place(first), _place(second), lineterm="", n=2
        )
    )


def _place(template: Template) -> str:
    """Where a template is from; ours are named as in the sources, wherever they are installed."""
    if template.path is not None and template.path.parent == BUILT_IN:
        return f"prompts/templates/{template.path.name}"
    return str(template.path)


def _load(name: str, folder: Path | None) -> Template:
    path = Path(name)
    if path.suffix == ".yaml":
        return load_template(path.stem, path.parent)
    return load_template(name, folder)


def _lines(template: Template) -> list[str]:
    """The content as YAML, texts in block form, without comments and layout."""
    lines: list[str] = []
    for name, value in template.model_dump(mode="json").items():
        if isinstance(value, str) and "\n" in value:
            lines += [f"{name}: |", *(f"  {line}" for line in value.splitlines())]
        else:
            text = yaml.safe_dump({name: value}, allow_unicode=True, sort_keys=False, width=100)
            lines += text.rstrip().splitlines()
    return lines
