"""Rankings made elsewhere: read, checked as a run's are, stored and marked as imported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from profiler.asking.tasks.rank import AskedCase
from profiler.exchange.batch_files import numbered_lines
from profiler.exchange.cards import ImportedRows
from store.errors import DataError
from store.tables.tasks.cards import IMPORTED
from store.tables.tasks.cases import check_cases
from store.tables.tasks.rankings import Ranking

if TYPE_CHECKING:
    from store.store import Store

FIELDS = ("case", "ranking")


def import_rankings(store: Store, file: Path, *, name: str, dry_run: bool = False) -> ImportedRows:
    """Read a file of rankings and store them; a second import of the same file changes nothing.

    Each line is a JSON object with ``case``, the name of a nominated case, and ``ranking``, ids of
    its candidates, the best first: exactly as many as a model is asked for, each once. Rankings of
    other sources stay beside them.

    Parameters
    ----------
    store
        With the nominated cases.
    file
        JSON lines, plain or gzip.
    name
        Where the rankings are from: their source is ``import:NAME``.
    dry_run
        Check and count; store nothing.

    Raises
    ------
    DataError
        The file does not exist, is not text, or holds no ranking of a case of the store.
    LeakageError
        A case shows what the store's split hides.
    """
    found, source = ImportedRows(), f"{IMPORTED}{name}"
    rankings = dict(_rankings(store, file, source, found))
    if not rankings:
        first = f" (first: {found.notes[0]})" if found.notes else ""
        raise DataError(f"{file} holds no ranking of a nominated case of {store.path}{first}")
    before = {one.case_id: one.items for one in store.rankings.load(source=source)}
    changed = [one for one in rankings.values() if before.get(one.case_id) != one.items]
    found.stored, found.changed = len(rankings), len(changed)
    if changed and not dry_run:
        with store.write(), store.runs.recording("import-rankings", {"name": name}) as run:
            store.rankings.save(changed)
            run.stats = {"stored": found.stored, "changed": found.changed}
    return found


def _rankings(
    store: Store, file: Path, source: str, found: ImportedRows
) -> Iterator[tuple[str, Ranking]]:
    """Rankings of nominated cases that are accepted; everything else is counted."""
    nominated = [
        case for one in store.cases.nominations() for case in store.cases.load(one.nomination_id)
    ]
    check_cases(store.datasets.load(), nominated)
    cases = {one.name: one for one in nominated}
    index = {one.item_id: one.item_ix for one in store.datasets.item_texts()}
    seen: set[str] = set()
    for number, line in numbered_lines(file):
        found.rows += 1
        given = _read(number, line, found)
        if given is None:
            continue
        name, ids = given
        if name not in cases or name in seen:
            reason = "repeated case" if name in seen else "unknown case"
            found.drop(number, reason, f"{reason} {name[:40]!r}")
            continue
        asked = AskedCase.of(cases[name])
        wrong = ranking_error(asked, [index.get(one, -1) for one in ids])
        if wrong:
            found.drop(number, "not accepted", wrong)
            continue
        seen.add(name)
        items = tuple(index[one] for one in ids)
        yield name, Ranking(asked.case.case_id, source, items)


def ranking_error(asked: AskedCase, items: list[int]) -> str | None:
    """What is wrong with a ranking, by ``item_ix``; None where nothing is."""
    foreign = sum(item not in asked.candidates for item in items)
    if foreign:
        return f"{foreign} of its items are no candidates of {asked.case.name}"
    if len(set(items)) < len(items):
        return "an item stands there more than once"
    if len(items) != asked.wanted:
        return f"{len(items)} items are given, {asked.wanted} are wanted"
    return None


def _read(number: int, line: str, found: ImportedRows) -> tuple[str, list[str]] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or set(content) != set(FIELDS):
        found.drop(number, "unreadable", f"not a JSON object of {' and '.join(FIELDS)}")
        return None
    name, ids = content["case"], content["ranking"]
    if not isinstance(name, str) or not isinstance(ids, list):
        found.drop(number, "unreadable", "case is no text, or ranking no list")
        return None
    return name, [str(one) for one in ids]
