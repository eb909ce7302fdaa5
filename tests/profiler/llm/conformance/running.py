"""Runs cases against a service through the package that calls it, and says what came of each."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from profiler.asking.runner import run_asking
from profiler.llm.prices import Price, Prices
from profiler.llm.registry import open_chat
from profiler.llm.retry import RetryPolicy
from prompts import load_template
from store.errors import UserError
from store.store import Store
from tests.asking_store import fast, make_store
from tests.profiler.llm.conformance.cases import Case
from tests.profiler.llm.conformance.services import Service
from tests.profiler.llm.conformance.wire_server import Asked, Sent, WireServer

ITEMS = 4


class PassingTime:
    """Time limits of calls that pass when the server says so: no test waits, none is a race."""

    def __init__(self) -> None:
        self._limit: Any = asyncio.timeout
        self._last: tuple[asyncio.AbstractEventLoop, asyncio.Timeout] | None = None

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """What ``asyncio.timeout`` gives, noted."""
        limit: asyncio.Timeout = self._limit(seconds)
        if sys._getframe(1).f_globals["__name__"].startswith("profiler.llm."):
            self._last = asyncio.get_running_loop(), limit  # clients have limits of their own
        return limit

    def passes(self) -> None:
        """The time of the call under way is over."""
        if self._last is not None:
            loop, limit = self._last
            loop.call_soon_threadsafe(limit.reschedule, loop.time())


@dataclass(frozen=True)
class Cell:
    """What came of a case.

    Attributes
    ----------
    state
        Of the subject.
    outcomes
        Of the calls, as stored.
    usd
        Dollars in the store's books.
    said
        What the user reads: the reason of the subject, or the error that ended the run; with the
        service's own words left out.
    """

    state: str
    outcomes: tuple[str, ...]
    usd: float
    said: str


@dataclass(frozen=True)
class Ran:
    """Several cases, run as one: the cells, the calls as they came, the seconds waited."""

    cells: dict[str, Cell]
    asked: list[Asked]
    waits: list[float]
    rows: list[dict[str, Any]]
    thoughts: dict[int, str]


def run_cases(service: Service, cases: Sequence[Case], folder: Path) -> Ran:
    """Ask a service about one subject a case; the server plays the cases."""
    waits: list[float] = []
    time = PassingTime()

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    def script(asked: Asked) -> Sent:
        return cases[asked.subject].script(service, asked)

    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **service.keys}
    said = ""
    with (
        make_store(folder / "s.db", len(cases), ITEMS) as store,
        WireServer(script, time.passes) as server,
        patch.dict(os.environ, environment, clear=True),
        patch.object(asyncio, "timeout", time.timeout),
    ):
        port = open_chat(service.spec, base_url=server.url + service.address)
        options = fast(
            concurrency=1,
            policy=RetryPolicy(first_wait=0.001, longest_wait=0.001, sleep=wait),
            prices=Prices({service.spec: Price(input=1.0, output=2.0)}, {}),
        )
        template = load_template("exemplar_interests")
        try:
            run_asking(store, store.subjects.load(), port, template=template, options=options)
        except UserError as error:
            said = str(error).splitlines()[0]
        cells = {case.name: _cell(store, n, said) for n, case in enumerate(cases)}
        rows = _rows(store)
        numbers = [row["response_id"] for row in rows]
        thoughts = {one: store.responses.reasoning(one) for one in numbers}
        told = {one: words for one, words in thoughts.items() if words is not None}
        return Ran(cells, server.asked, waits, rows, told)


def _cell(store: Store, number: int, said: str) -> Cell:
    with store.read() as connection:
        subject = connection.exec_driver_sql(
            "SELECT subject_id, state, reason FROM subjects WHERE name = ?",
            (f"exemplar:u{number}",),
        ).one()
        calls = connection.exec_driver_sql(
            "SELECT coalesce(r.outcome, a.outcome), coalesce(r.cost_usd, a.cost_usd, 0) "
            "FROM attempts a LEFT JOIN responses r ON r.response_id = a.response_id "
            "WHERE a.subject_id = ? ORDER BY a.attempt_id",
            (subject[0],),
        ).all()
    return Cell(
        subject[1],
        tuple(row[0] for row in calls),
        round(sum(row[1] for row in calls), 6),
        subject[2] or (said if subject[1] == "pending" else ""),
    )


def _rows(store: Store) -> list[dict[str, Any]]:
    with store.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT s.name, r.* FROM responses r JOIN subjects s USING (subject_id) "
            "ORDER BY response_id"
        )
        return [dict(row) for row in found.mappings()]
