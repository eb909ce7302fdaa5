"""Lines of a batch file: written whole or not at all, read one by one with their places."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from profiler.exchange.batch_rows import Failed, read_row, short
from profiler.llm.adapters.reading import UNREADABLE
from profiler.llm.port import Reply
from store.data.readers.base.problems import Problems as FileProblems
from store.data.readers.base.problems import UnusableFileError
from store.data.readers.text.encoding import to_utf8
from store.data.readers.text.files import load, rereadable, shown_name
from store.errors import DataError
from store.files import Target, sync_file, whole_file


@dataclass(frozen=True)
class Answered:
    """One answer of a file, its line, from 1, and whether a batch service gave it."""

    line: int
    address: str
    reply: Reply
    batch: bool


class Problems(Protocol):
    """Where the reader counts what it cannot use."""

    failed: int
    malformed: int
    notes: list[str]
    reasons: Counter[str]


def read_answers(file: Path, problems: Problems) -> Iterator[Answered]:
    """Answers of a provider's batch output, or of plain lines with ``custom_id`` and ``text``.

    Raises
    ------
    DataError
        The file does not exist or is not text.
    """
    for number, line in numbered_lines(file):
        try:
            found = read_row(json.loads(line))
        except (*UNREADABLE, RecursionError) as error:
            problems.malformed += 1
            problems.notes.append(f"line {number}: not an answer: {short(error)}")
            continue
        if isinstance(found, Failed):
            problems.failed += 1
            problems.reasons[found.reason] += 1
            problems.notes.append(f"line {number}: the provider gave no answer: {found.reason}")
        else:
            yield Answered(number, found.address, found.reply, found.batch)


def numbered_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers; packed files are unpacked.

    Encodings and byte-order marks are told as in the files of a data set.

    Raises
    ------
    DataError
        The file does not exist, is damaged, or is not text.
    """
    problems = FileProblems()
    name = shown_name(file)
    try:
        with rereadable(file) as path:
            text = to_utf8(load(path, problems), name, problems).decode()
    except UnusableFileError as error:
        raise DataError(f"{name}: {error}") from error
    if problems.first:
        raise DataError(f"{problems.first[0]}")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def write_lines(
    target: Target, lines: Iterable[str], on_disk: Callable[[], None] = lambda: None
) -> None:
    """Write a text file so that it is whole or not there.

    Parameters
    ----------
    target, lines
        Where to, and what.
    on_disk
        Called once all is on disk and before the file takes its name; if it fails, there is none.

    Raises
    ------
    UserError
        It cannot be written.
    """
    with whole_file(target) as partial:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(line + "\n" for line in lines)
        sync_file(partial)
        on_disk()
