"""Reading template files, the toolkit's own and a user's folder that overrides them by name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from prompts.plain_yaml import YamlError, read_yaml
from prompts.template import Template
from store.errors import UserError

BUILT_IN = Path(__file__).resolve().parent / "templates"
EARLIER = BUILT_IN / "earlier"
MAX_BYTES = 256 * 1024


def load_template(name: str, folder: Path | None = None) -> Template:
    """The template of that name: from ``folder`` if it has one, else the toolkit's own.

    Raises
    ------
    UserError
        There is none, or its file is not a valid template; the message names file and field.
    """
    for place in _folders(folder):
        path = place / f"{name}.yaml"
        if path.parent.resolve() == place.resolve() and path.is_file():
            return read_template(path)
    known = ", ".join(template.name for template in list_templates(folder))
    raise UserError(f"there is no prompt template {name!r}; known are: {known}")


def earlier_templates() -> list[dict[str, Template]]:
    """The toolkit's templates of each earlier release, by name; the newest release first.

    Answers to their questions may be in a store: they were paid for.
    """
    releases = sorted((path for path in EARLIER.iterdir() if path.is_dir()), key=_release)
    return [
        {path.stem: read_template(path) for path in sorted(folder.glob("*.yaml"))}
        for folder in reversed(releases)
    ]


def is_own(template: Template) -> bool:
    """Whether a template is the toolkit's own of its name, as it is now."""
    path = BUILT_IN / f"{template.name}.yaml"
    return path.is_file() and read_template(path).digest == template.digest


def _release(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split("."))


def list_templates(folder: Path | None = None) -> list[Template]:
    """All templates by name; one in ``folder`` stands in for the toolkit's own of that name.

    Raises
    ------
    UserError
        The folder does not exist or one of its files is not a valid template.
    """
    paths: dict[str, Path] = {}
    for place in reversed(_folders(folder)):
        files = [path for path in sorted(place.glob("*.yaml")) if not _overlooked(path)]
        paths.update({path.stem: path for path in files})
    return [read_template(paths[name]) for name in sorted(paths)]


def refuse_unused(folder: Path | None, asked: Iterable[str]) -> None:
    """Refuse a folder of which nothing is used, and a name that is nearly one of our own.

    Other names are fine, a folder may keep several variants; but where a name is misspelt the
    toolkit's own template would be used, and paid for, in its place.

    Parameters
    ----------
    folder
        A user's own templates.
    asked
        Names of the questions; the toolkit's own names are allowed, too.

    Raises
    ------
    UserError
        There is one; the message says which names are used.
    """
    if folder is None:
        return
    used = {*_own_names(), *asked}
    files = [path for path in sorted(_folders(folder)[0].glob("*.yaml")) if not _overlooked(path)]
    there = {path.stem for path in files}
    for path in files:
        near = get_close_matches(path.stem, used - there, n=1, cutoff=0.85)
        if path.stem not in used and (near or not there & used):
            meant = f" ({near[0]}?)" if near else ""
            raise UserError(
                f"{path}: no question is asked with a template of this name{meant}; used are: "
                f"{', '.join(sorted(used))}. Rename the file and its 'name', or move it away"
            )


def _folders(folder: Path | None) -> list[Path]:
    """Where to look, first come first."""
    if folder is None:
        return [BUILT_IN]
    if not folder.is_dir():
        raise UserError(f"the prompts folder {str(folder)!r} does not exist")
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != ".yaml" and not _overlooked(path):
            raise UserError(
                f"{path}: not a template, whose file is named NAME.yaml; rename it or move it "
                f"away (the toolkit's own are: {', '.join(_own_names())})"
            )
    return [folder, BUILT_IN]


def _own_names() -> list[str]:
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml"))


def _overlooked(path: Path) -> bool:
    """Whether a file is nobody's idea of a template: hidden, or a README."""
    return path.name.startswith(".") or path.name.lower().startswith("readme")


def read_template(path: Path) -> Template:
    """One file as a template, checked in every way that needs no values.

    Raises
    ------
    UserError
        It is not a valid template; the message names the field or the line.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: a template file has at most {MAX_BYTES // 1024} KiB")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8: {error}") from error
    return _parse(text, path)


@cache
def _parse(text: str, path: Path) -> Template:
    """YAML to template; cached, because a run renders one template thousands of times."""
    content, lines = _plain_yaml(text, path)
    try:
        template = Template.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise UserError(f"{path}: not a valid template: {problems}") from error
    if template.name != path.stem:
        raise UserError(f"{path}: the name {template.name!r} must be the file's name {path.stem!r}")
    return template.placed(path, lines).check()


def _plain_yaml(text: str, path: Path) -> tuple[Any, dict[str, int]]:
    """Value of a YAML text, and the line before each top-level text begins."""
    try:
        content, root = read_yaml(text)
    except YamlError as error:
        raise UserError(f"{path}{error.place}: {error}") from error
    return content, _text_lines(root)


def _text_lines(root: yaml.Node | None) -> dict[str, int]:
    """Lines of the file before the first line of each top-level text."""
    if not isinstance(root, yaml.MappingNode):
        return {}
    return {
        str(key.value): value.start_mark.line + (1 if value.style in ("|", ">") else 0)
        for key, value in root.value
        if isinstance(value, yaml.ScalarNode)
    }
