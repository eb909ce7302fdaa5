"""What the pages in docs/ show is true: their examples run, in order, and print what is shown.

Each page runs in a folder of its own, in which the sample shop is made and built as the page says;
making and building that shop is the same in every page and done once.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import cli
from store.console.progress import Lines
from tests.docs_examples import APPS, ROOT, Block, blocks, fits, spelled_commands, unknown_options
from tests.docs_preparations import PREPARATIONS

PAGES = sorted((ROOT / "docs").glob("*.md"))
WITH_EXAMPLES = [p for p in PAGES if any(b.language in ("console", "python") for b in blocks(p))]
MAKE_SHOP = ["profiler", "sample", "shop"]
BUILD_SHOP = ["profiler", "build", "shop", "--store", "shop.db"]
TRAINING = (["recommender", "train"], ["recommender", "compare"])


class Shop:
    """The sample shop and its store, made once; other pages get copies of what was made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed: dict[str, str] = {}

    def run(self, words: list[str]) -> tuple[int, str]:
        made = "shop.db" if words == BUILD_SHOP else "shop"
        if made not in self.printed:
            with contextlib.chdir(self.folder):
                code, self.printed[made] = run_program(words)
            assert code == 0, self.printed[made]
        if made == "shop":
            shutil.copytree(self.folder / made, made, dirs_exist_ok=True)
        else:
            source = sqlite3.connect(self.folder / made)
            target = sqlite3.connect(made)
            source.backup(target)
            source.close()
            target.close()
        return 0, self.printed[made]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"))


def run_program(words: list[str]) -> tuple[int, str]:
    """Exit code and all that one of the two programs prints, in the order printed.

    Without the lines of progress: a terminal shows bars instead, and how many lines there are is
    decided by how busy the machine is.
    """
    screen = io.StringIO()
    with (
        contextlib.redirect_stdout(screen),
        contextlib.redirect_stderr(screen),
        mock.patch.object(Lines, "tell"),
    ):
        code = cli.run(APPS[words[0]], words[0], words[1:])
    return code, screen.getvalue()


class Session:
    """A reader who types what one page shows."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.code = 0
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.context = contextlib.ExitStack()

    def run(self, block: Block) -> None:
        if name := block.how.get("prepare"):
            PREPARATIONS[name](self)
        if block.language == "python":
            self.python(block)
            return
        for command, shown in block.steps():
            printed = self.command(command, block)
            failure = "profiler: " in shown or "$ echo $?" in block.text
            assert self.code == 0 or failure, f"{command} left with {self.code}: {printed}"
            if shown and "output varies" not in block.how:
                figures = not ({"run with", "figures vary"} & set(block.how))
                assert fits(shown, printed, figures=figures), difference(command, shown, printed)

    def command(self, command: str, block: Block) -> str:
        if command == "echo $?":
            return f"{self.code}\n"
        words = shlex.split(command, comments=True)
        if not words or words[0] == "pip":
            return ""
        if ">" in words:
            words, target = words[:-2], Path(words[-1])
            printed = self.program(words, block)
            target.write_text(printed, "utf-8")
            return ""
        return self.program(words, block)

    def program(self, words: list[str], block: Block) -> str:
        if words in (MAKE_SHOP, BUILD_SHOP):
            self.code, printed = self.shop.run(words)
        elif words[0] in APPS:
            if words[:2] in TRAINING and "run with" in block.how:
                words = shortened(words, shlex.split(block.how["run with"]))
            self.code, printed = run_program(words)
        elif words[0] == "sqlite3":
            self.code, printed = 0, query(*words[1:])
        else:
            words = [sys.executable, *words[1:]] if words[0] == "python" else words
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
            self.code, printed = done.returncode, done.stdout + done.stderr
        return printed

    def python(self, block: Block) -> None:
        screen = io.StringIO()
        old, _, new = block.how.get("replaced", "").partition(" => ")
        assert old in block.text
        text = block.text.replace(old, new) if old else block.text
        with contextlib.redirect_stdout(screen):
            # our own text, read from our own file
            exec(compile(text, f"line {block.line}", "exec"), self.names)
        shown = re.findall(r"^print\(.*\n# (.*\n)", block.text, re.M)
        if shown:
            assert fits("".join(shown), screen.getvalue()), difference(
                "python", "".join(shown), screen.getvalue()
            )


def shortened(words: list[str], options: list[str]) -> list[str]:
    """The command with these options in place of its own of the same name."""
    for name, value in zip(options[::2], options[1::2], strict=True):
        if name in words and name != "--set":
            words = [*words[: words.index(name)], *words[words.index(name) + 2 :]]
        words = [*words, name, value]
    return words


def query(file: str, sql: str) -> str:
    """What the sqlite3 shell prints."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(sql).fetchall()
    return "".join("|".join(str(value) for value in row) + "\n" for row in rows)


def difference(command: str, shown: str, printed: str) -> str:
    lines = difflib.unified_diff(
        shown.splitlines(), printed.splitlines(), "the page", "printed", lineterm="", n=1
    )
    return "\n".join([f"$ {command}", *lines])


def find_data(path: str) -> Path | None:
    """Where ``../shared/data/NAME`` of a page lies, if it does."""
    folder = Path(os.environ.get("INTEREST_PROFILER_DATA", ROOT.parent / "shared" / "data"))
    found = folder / Path(path).relative_to("../shared/data")
    return found if found.exists() else None


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(
    page: Path, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    data = find_data("../shared/data")
    if data is not None:
        (tmp_path / "shared").mkdir()
        (tmp_path / "shared" / "data").symlink_to(data)
    session = Session(shop)
    ran = 0
    with session.context:
        for block in blocks(page):
            check_words(page, block)
            needed = block.how.get("needs")
            if block.language not in ("console", "python") or "not run" in block.how:
                continue
            if needed and find_data(needed) is None:
                continue
            try:
                session.run(block)
            except Exception as error:
                raise AssertionError(f"{page.name}, line {block.line}: {error}") from error
            ran += 1
    assert ran or all(b.how for b in blocks(page) if b.language in ("console", "python"))


def check_words(page: Path, block: Block) -> None:
    """Every command and option of a block exists, whether it is run or not."""
    if block.language != "console":
        return
    for command, _ in block.steps():
        words = shlex.split(command, comments=True)
        if words and words[0] in APPS:
            assert not unknown_options(words), (page.name, command, unknown_options(words))
        elif words[:1] == ["python"] and words[1].startswith("benchmarks/"):
            source = (ROOT / words[1]).read_text("utf-8")
            for option in (word for word in words if word.startswith("--")):
                assert f'"{option}"' in source, (page.name, command, option)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_commands_that_a_page_mentions_exist(page: Path) -> None:
    for command in spelled_commands(page):
        words = command.split("#")[0].split()
        assert not unknown_options(words), (command, unknown_options(words))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a 0.50 b\n", "a 0.51 b\n", True),
        ("a 0.50 b\n", "a 0.53 b\n", False),
        ("5 users\n", "6 users\n", False),
        ("a\n…\nz\n", "a\nb\nc\nz\n", True),
        ("a\n…\nz\n", "a\nb\nc\n", False),
        ("a … z\n", "a b c z\n", True),
        ("a\n", "a\nb\n", False),
        ("a\nb\n", "a\n", False),
        ("1,234 rows\n", "1,235 rows\n", False),
    ],
)
def test_comparing(shown: str, printed: str, same: bool) -> None:
    assert fits(shown, printed) is same


def test_comparing_without_figures() -> None:
    assert fits("loss 6.3615, 1,000 steps\n", "loss 0.1, 20 steps\n", figures=False)
    assert not fits("loss 6.3615\n", "gain 0.1\n", figures=False)


def test_an_option_that_does_not_exist_is_found() -> None:
    assert unknown_options(["profiler", "show", "U1", "--stroe", "x"]) == ["--stroe"]
    assert unknown_options(["profiler", "shows"]) == ["profiler shows"]
    assert not unknown_options(["profiler", "prompts", "list", "--prompts", "x"])
