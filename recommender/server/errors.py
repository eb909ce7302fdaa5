"""What the service answers where it has no answer: kinds of errors, with their HTTP status."""

from __future__ import annotations

from typing import Literal

ErrorKind = Literal[
    "request",
    "unauthorised",
    "unknown_user",
    "unknown_item",
    "no_history",
    "overloaded",
    "timeout",
    "source",
]

STATUS: dict[ErrorKind, int] = {
    "request": 422,
    "unauthorised": 401,
    "unknown_user": 404,
    "unknown_item": 404,
    "no_history": 422,
    "overloaded": 503,
    "timeout": 504,
    "source": 503,
}


class ServiceError(Exception):
    """An error that the service answers.

    Parameters
    ----------
    kind
        What it is, for programs.
    message
        What it is, for people.
    """

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.status = STATUS[kind]
