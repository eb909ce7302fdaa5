"""The table of docs/asking.md: what comes of each case at each service.

``python -m tests.profiler.llm.conformance.table`` runs all services that can be called here, keeps
what came of them in ``cells.json``, and writes the table again. Services whose package is missing
keep their cells.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from tests.profiler.llm.conformance import protocols
from tests.profiler.llm.conformance.cases import CASES, Case, runs
from tests.profiler.llm.conformance.running import Cell, run_cases
from tests.profiler.llm.conformance.services import SERVICES, Service

KEPT = Path(__file__).with_name("cells.json")
PAGE = Path(__file__).resolve().parents[4] / "docs" / "asking.md"
PLACE = re.compile(r"(<!-- conformance -->\n).*?(<!-- end -->)", re.S)
_SAID = re.compile(r" \(.*\)$|(?<=^bad_request: ).*|(?<=answer: ).*")


def as_json(service: Service, cell: Cell) -> list[Any]:
    """A cell without what is the service's own: its name, its words, its variable, its prices."""
    said = _SAID.sub("", cell.said).removeprefix(f"{service.spec}: ")
    said = re.sub(r"set [A-Z_]+( or [A-Z_]+)?", "set KEY", said)
    answers = sum(outcome in ("ok", "truncated", "refused") for outcome in cell.outcomes)
    surplus = 0.01 * answers if service.protocol is protocols.OPENROUTER else 0.0
    return [cell.state, list(cell.outcomes), round(cell.usd - surplus, 6), said.rstrip(": ")]


def run_service(service: Service) -> dict[str, list[Any]]:
    """All cells of a service."""
    cells: dict[str, list[Any]] = {}
    for cases in runs(service):
        with tempfile.TemporaryDirectory() as folder:
            ran = run_cases(service, cases, Path(folder))
        cells |= {name: as_json(service, cell) for name, cell in ran.cells.items()}
    return cells


def kept() -> dict[str, dict[str, list[Any]]]:
    """The cells by service and case, as they came when the table was written."""
    found: dict[str, dict[str, list[Any]]] = json.loads(KEPT.read_text())
    return found


def table(cells: dict[str, dict[str, list[Any]]]) -> str:
    """One row for each case, and one more for each way in which some services differ."""
    lines = [
        "| case | services | calls, as the ledger has them | subject | dollars | what you read |",
        "|---|---|---|---|---|---|",
    ]
    for case in sorted(CASES, key=_order):
        lines += _rows(case, cells)
    return "\n".join(lines) + "\n"


def _order(case: Case) -> tuple[int, int]:
    states = ("ok", "quarantined", "pending")
    return states.index(case.state), len(case.outcomes)


def _rows(case: Case, cells: dict[str, dict[str, list[Any]]]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for service, by_case in cells.items():
        if case.name in by_case:
            groups.setdefault(json.dumps(by_case[case.name]), []).append(service)
    rows = []
    for number, (cell, services) in enumerate(sorted(groups.items(), key=lambda g: -len(g[1]))):
        state, outcomes, usd, said = json.loads(cell)
        names = ("all" if not number else "") if len(groups) == 1 else ", ".join(services)
        if number == 0 and len(groups) > 1:
            names = "the others"
        without = [one.name for one in SERVICES if case.name in one.lacks]
        if number == 0 and without:
            names += f" but {', '.join(without)}"
        rows.append(
            f"| {case.title if not number else ''} | {names} | {', '.join(outcomes)} | {state} | "
            f"{usd:.5f} | {said or '—'} |"
        )
    return rows


def written(page: str, cells: dict[str, dict[str, list[Any]]]) -> str:
    """The page with the table in its place."""
    return PLACE.sub(lambda found: f"{found[1]}\n{table(cells)}\n{found[2]}", page)


def main() -> None:
    """Run what can be called here, and write cells and page."""
    cells = kept() if KEPT.exists() else {}
    for service in SERVICES:
        if service.missing is None:
            cells[service.name] = run_service(service)
        print(service.name, service.missing or "called", flush=True)
    cells = {one.name: cells[one.name] for one in SERVICES if one.name in cells}
    rows = [f" {json.dumps(name)}: {json.dumps(by_case)}" for name, by_case in cells.items()]
    KEPT.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    PAGE.write_text(written(PAGE.read_text("utf-8"), cells), "utf-8")


if __name__ == "__main__":
    main()
