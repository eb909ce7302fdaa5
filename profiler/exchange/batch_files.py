"""Lines of a batch file: written whole or not at all, read one by one with their places."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from profiler.llm.port import storable, text_or_none
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
    """Lines that are not blank, with their numbers; ``.gz`` files are unpacked.

    Raises
    ------
    DataError
        The file does not exist or is not UTF-8 text.
    """
    try:
        with _open(file) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: is not UTF-8 text: {error}") from error
    except (OSError, EOFError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error


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


def _open(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8")
    return file.open(encoding="utf-8")


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
