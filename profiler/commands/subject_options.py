"""Options of commands that ask: which subjects, and the filter of what answers say about people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from profiler.commands.options import OnlyPending, PrivateWords


@dataclass(frozen=True)
class SubjectOptions:
    """Which subjects are asked about, and which words no answer may hold."""

    HEADING: ClassVar[str] = "Subjects and private words"

    only_pending: OnlyPending = False
    private_words: PrivateWords = None
