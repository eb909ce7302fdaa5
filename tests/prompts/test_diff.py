"""The difference of two templates: content, not comments or layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from prompts import load_template
from prompts.diff import compare
from store.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = load_template("exemplar_interests").path
    assert path is not None
    text = path.read_text(encoding="utf-8")
    (tmp_path / "exemplar_interests.yaml").write_text("# mine\n" + text, encoding="utf-8")
    return tmp_path


def test_a_comment_is_no_difference(folder: Path) -> None:
    assert compare("exemplar_interests", "exemplar_interests", folder) == []


def test_a_changed_line_is_shown_with_both_files(folder: Path) -> None:
    file = folder / "exemplar_interests.yaml"
    text = file.read_text(encoding="utf-8").replace("two to five words that", "three words that")
    file.write_text(text, encoding="utf-8")
    lines = compare("exemplar_interests", "exemplar_interests", folder)
    assert lines[0].startswith("--- ")
    assert lines[1] == f"+++ {file}"
    assert '-  - "label": two to five words that set it apart from the others,' in lines
    assert '+  - "label": three words that set it apart from the others,' in lines
    assert lines[2:] == compare("exemplar_interests", str(file))[2:]


@pytest.mark.parametrize("name", ["absent/exemplar_interests.yaml", "reask.yaml", "x/reask"])
def test_a_path_must_be_that_of_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match=r"no template file '.*reask"):
        compare("exemplar_interests", str(tmp_path / name))


def test_a_file_may_lie_among_others(folder: Path) -> None:
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    assert compare("exemplar_interests", str(folder / "exemplar_interests.yaml")) == []


def test_two_templates_of_the_toolkit_differ() -> None:
    lines = compare("exemplar_interests", "allocate_items")
    assert "-task: interests" in lines
    assert "+task: allocation" in lines


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(UserError, match="there is no prompt template 'none'"):
        compare("none", "reask")
