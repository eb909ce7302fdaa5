"""What the README shows is true: its commands run in order, and so does its Python."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

import cli
from tests.docs_examples import unknown_options

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str, heading: str) -> list[str]:
    section = README.split(f"## {heading}")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("five-minutes")


def test_five_minutes(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(folder)
    started = time.perf_counter()
    commands = [
        line[2:].split("#")[0] for line in blocks("console", "Five minutes")[0].splitlines()
    ]
    for command in commands:
        name, *arguments = shlex.split(command)
        if name == "pip":
            continue
        app = {"profiler": cli.profiler_app, "recommender": cli.recommender_app}[name]
        assert cli.run(app, name, arguments) == 0, (command, capsys.readouterr().err)
    printed = capsys.readouterr().out
    assert "interests by offline extractor, not a language model" in printed
    assert "Because of “" in printed
    assert (folder / "report.html").stat().st_size > 10_000
    with capsys.disabled():
        print(f"\nthe README's five minutes took {time.perf_counter() - started:.0f} s")


def test_the_same_in_python(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(folder)
    assert (folder / "shop").is_dir(), "runs after the commands"
    code = blocks("python", "Five minutes")[0]
    exec(compile(code, "README.md", "exec"), {})  # our own text, read from our own file
    assert "U042" in capsys.readouterr().out


def test_check_prints_the_readmes_command_for_one_csv(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(folder)
    section = README.split("## Your own CSV")[1].split("\n## ")[0]
    header, row = re.findall(r"```\n(.*?)```", section, re.S)[0].splitlines()
    rows = [row] + [row.replace("C00000", f"C{n:05d}") for n in range(1, 5)]
    rows.append(row.replace("purchase", "refund"))
    Path("orders.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    commands = [
        line[2:].split("  #")[0] for line in blocks("console", "Your own CSV")[0].splitlines()
    ]
    assert cli.run(cli.profiler_app, "profiler", shlex.split(commands[0])[1:]) in (0, 2)
    printed = capsys.readouterr().out
    assert f"next: {commands[1].removesuffix(' --keep Event=purchase')}" in printed
    assert "Event has purchase 5, refund 1" in printed
    for command in commands:
        assert not unknown_options(shlex.split(command)), command


def test_every_command_is_documented() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md")) + README
    missing = [f"profiler {name}" for name in cli.PROFILER if f"profiler {name}" not in pages]
    missing += [f"recommender {n}" for n in cli.RECOMMENDER if f"recommender {n}" not in pages]
    assert not missing


def test_every_page_the_readme_names_exists() -> None:
    for page in re.findall(r"\]\((docs/[a-z-]+\.md)\)", README):
        assert (ROOT / page).is_file(), page
