"""The examples of a page in docs/: fenced blocks, the comments before them, and how to compare.

A comment on the lines before a block, invisible on the page, says how the block is to be treated::

    <!-- example: prepare: NAME -->       a preparation of tests/docs_preparations.py comes first
    <!-- example: run with: --steps 20 --> these options are added to the commands that train
    <!-- example: replaced: OLD => NEW -->  the same for Python
    <!-- example: figures vary: WHY -->   numbers are not compared, words are
    <!-- example: output varies: WHY -->  it runs and leaves with 0; what it prints is not compared
    <!-- example: needs: PATH -->         runs where the real data is there
    <!-- example: not run: WHY -->        only checked: every command and option exists
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

import cli

ROOT = Path(__file__).resolve().parent.parent
APPS = {"profiler": cli.profiler_app, "recommender": cli.recommender_app}

_FENCE = re.compile(r"((?:<!-- example: [^\n]* -->\n)*)```(\w*)\n(.*?)^```$", re.S | re.M)
_HOW = re.compile(r"<!-- example: ([a-z ]+): (.*) -->")
_ELLIPSIS = re.compile(r"\s*(?:…|\.\.\.)\s*")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?|-?\.\d+")


@dataclass(frozen=True)
class Block:
    """One fenced block: its line in the page, language, text, and how to treat it."""

    line: int
    language: str
    text: str
    how: dict[str, str]

    def steps(self) -> Iterator[tuple[str, str]]:
        """Commands of a console block, each with the output shown below it ('' if none)."""
        for step in re.split(r"^\$ ", self.text, flags=re.M)[1:]:
            command, _, output = step.partition("\n")
            yield command, output


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            text[: found.start(3)].count("\n") + 1,
            found[2],
            found[3],
            dict(_HOW.findall(found[1])),
        )
        for found in _FENCE.finditer(text)
    ]


def spelled_commands(page: Path) -> list[str]:
    """Commands that the page only mentions: inline code and blocks without a language."""
    text = page.read_text("utf-8")
    plain = [line for b in blocks(page) if not b.language for line in b.text.splitlines()]
    inline = re.findall(r"`([^`]+)`", _FENCE.sub("", text).replace("\n", " "))
    found = [*inline, *plain]
    return [one for one in found if re.match(r"(profiler|recommender) [a-z]", one)]


def fits(expected: str, printed: str, *, figures: bool = True) -> bool:
    """Whether output is what the page shows; ``…`` and ``...`` stand for anything.

    A line of nothing else stands for any number of lines. Numbers with a decimal point may differ
    by two units of the last place shown, because processors round differently; whole numbers may
    not. Without ``figures`` any number stands for any number.
    """
    numbers: list[str] = []
    pattern = "".join(_line_pattern(line, numbers, figures) for line in expected.splitlines())
    found = re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in printed.splitlines()))
    return found is not None and all(
        _near(shown, got) for shown, got in zip(numbers, found.groups(), strict=True)
    )


def _line_pattern(line: str, numbers: list[str], figures: bool) -> str:
    if _ELLIPSIS.fullmatch(line):
        return r"(?:[^\n]*\n)*?"
    pattern, place = "", 0
    line = line.rstrip()
    for found in re.finditer(rf"…|\.\.\.|{_NUMBER.pattern}", line):
        pattern += re.escape(line[place : found.start()])
        place = found.end()
        if found[0] in ("…", "..."):
            pattern += r"[^\n]*?"
        elif not figures:
            pattern += rf"(?:{_NUMBER.pattern})"
        elif "." in found[0]:
            numbers.append(found[0])
            pattern += rf"({_NUMBER.pattern})"
        else:
            pattern += re.escape(found[0])
    return pattern + re.escape(line[place:]) + r"\n"


def _near(shown: str, got: str) -> bool:
    places = len(shown.rpartition(".")[2])
    try:
        apart = abs(float(shown.replace(",", "")) - float(got.replace(",", "")))
    except ValueError:  # an exponent
        return shown == got
    return apart <= 2.01 * 10.0**-places


def unknown_options(words: list[str]) -> list[str]:
    """What of a typed command ``--help`` does not know: its name, or options of it."""
    name, *arguments = words
    if not arguments or arguments[0].startswith("-"):
        return []
    command = typer.main.get_command(APPS[name]())
    known = {"-h", "--help", "--debug"}
    while (find := getattr(command, "get_command", None)) and arguments:
        child = find(None, arguments[0])
        if child is None:
            return [] if arguments[0].isupper() else [f"{name} {arguments[0]}"]
        command = child
        arguments.pop(0)
    for parameter in command.params:
        known.update([*parameter.opts, *parameter.secondary_opts])
    typed = [word.split("=")[0].rstrip(".,;:)…") for word in arguments]
    typed = [option for word in typed for option in word.strip("[]").split("|")]
    return [word for word in typed if re.match(r"--?[a-z]", word) and word not in known]
