"""The page on the architecture names every module and no other: 51 of 99 were missing once."""

from __future__ import annotations

import re

import pytest

from tests.docs_modules import PACKAGES, PAGE, ROOT, first_sentence, rooms, written


def test_the_page_lists_every_module_as_it_describes_itself() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "run: python tests/docs_modules.py"


@pytest.mark.parametrize("name", ["architecture", "one-history", "how-to-add"])
def test_a_page_names_no_module_that_is_not_there(name: str) -> None:
    page = (PAGE.parent / f"{name}.md").read_text("utf-8")
    for named in re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w/]*(?:\.py)?)`", page):
        assert (ROOT / named).exists(), named


def test_every_module_says_in_a_sentence_what_it_does() -> None:
    for room in rooms():
        for path in room.glob("*.py"):
            said = first_sentence(path)
            assert 10 < len(said) <= 200, f"{path.relative_to(ROOT)}: {said!r}"
