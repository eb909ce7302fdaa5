"""What differs between two templates, line by line."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml

from prompts.loader import BUILT_IN, list_templates, load_template, read_template
from prompts.template import Template
from store.errors import UserError


def compare(one: str, two: str, folder: Path | None = None) -> list[str]:
    """Unified diff of two templates' content; empty where they are the same.

    Parameters
    ----------
    one
        A built-in template's name, or the path of a template file, which must exist.
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
    if not path.suffix and path.name == name:
        return load_template(name, folder)
    if not path.is_file():
        known = ", ".join(template.name for template in list_templates(folder))
        raise UserError(
            f"there is no template file {name!r}; give a file's path, or one of: {known}"
        )
    return read_template(path)


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
