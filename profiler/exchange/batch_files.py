"""Lines of a batch file: written whole or not at all, read one by one with their places."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from profiler.llm.port import storable, text_or_none
from store.data.readers.base.problems import Problems as FileProblems
from store.data.readers.base.problems import UnusableFileError
from store.data.readers.text.encoding import to_utf8
from store.data.readers.text.files import load, rereadable, shown_name
from store.errors import DataError
from store.files import Target, sync_file, whole_file


@dataclass(frozen=True)
class Answered:
    """One answer of a file.

    Attributes
    ----------
    line
        Its line in the file, from 1.
    custom_id
        The address of its question.
    text, refusal, finish_reason
        As the model gave them.
    tokens_in, tokens_out, model
        As far as the file tells.
    """

    line: int
    custom_id: str
    text: str
    refusal: str | None = None
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    model: str | None = None


class Problems(Protocol):
    """Where the reader counts what it cannot use."""

    failed: int
    malformed: int
    notes: list[str]


def read_answers(file: Path, problems: Problems) -> Iterator[Answered]:
    """Answers of a batch output, or of plain lines with ``custom_id`` and ``text``.

    Raises
    ------
    DataError
        The file does not exist or is not text.
    """
    for number, line in numbered_lines(file):
        try:
            answer = _answer(number, json.loads(line))
        except (
            ValueError,
            RecursionError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
        ) as error:
            problems.malformed += 1
            problems.notes.append(f"line {number}: not an answer: {_short(error)}")
            continue
        if isinstance(answer, str):
            problems.failed += 1
            problems.notes.append(f"line {number}: the provider gave no answer: {answer}")
        else:
            yield answer


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


def _answer(number: int, row: Any) -> Answered | str:
    """An answer, or why the provider gave none."""
    custom_id = row["custom_id"]
    if not isinstance(custom_id, str):
        raise TypeError("custom_id must be a text")
    custom_id = storable(custom_id)
    if "text" in row:
        if not isinstance(row["text"], str):
            raise TypeError("text must be a text")
        return Answered(
            number,
            custom_id,
            storable(row["text"]),
            refusal=text_or_none(row.get("refusal")),
            finish_reason=text_or_none(row.get("finish_reason")),
            tokens_in=_count(row.get("tokens_in")),
            tokens_out=_count(row.get("tokens_out")),
            model=text_or_none(row.get("model")),
        )
    response = row.get("response") or {}
    body = response.get("body") or {}
    if row.get("error") or response.get("status_code") != 200:
        return _short(
            row.get("error") or body.get("error") or f"status {response.get('status_code')}"
        )
    message = body["choices"][0]["message"]
    usage = body.get("usage") or {}
    return Answered(
        number,
        custom_id,
        text_or_none(message.get("content")) or "",
        refusal=text_or_none(message.get("refusal")),
        finish_reason=text_or_none(body["choices"][0].get("finish_reason")),
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
        model=text_or_none(body.get("model")),
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _short(value: object) -> str:
    text = f"no {value}" if isinstance(value, KeyError) else str(value)
    return " ".join(text.split())[:200]
