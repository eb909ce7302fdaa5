"""Tables of a store as files for other programs: JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.db.statements import statement
from store.errors import UserError
from store.files import whole_files
from store.outputs import output_targets
from store.views import gistbench

if TYPE_CHECKING:
    import polars as pl

    from store.store import Store

Rows = Iterable[Sequence[Any]]

# What is written, under which name; the names of files never come from data.
TABLES = {
    "interests": "SELECT n.interest_id, s.name AS subject, s.kind, n.label, n.description, "
    "n.strength, n.source, n.response_id, n.canonical_id, n.pinned, "
    "EXISTS (SELECT 1 FROM evidence e WHERE e.interest_id = n.interest_id) AS proven "
    "FROM interests n "
    "JOIN subjects s USING (subject_id) WHERE s.active ORDER BY n.interest_id",
    "evidence": "SELECT interest_id, item_id, title, position FROM interest_evidence "
    "ORDER BY interest_id, position",
    "user_interests": "SELECT user_id, through, subject, weight, interest_id FROM user_interests "
    "ORDER BY user_id, through, subject, interest_id",
    "assignments": "SELECT u.user_id, a.interest_id, a.rank, a.score, i.item_id, t.similarity "
    "FROM assignments a JOIN users u USING (user_ix) LEFT JOIN assignment_items t "
    "ON t.user_ix = a.user_ix AND t.interest_id = a.interest_id "
    "LEFT JOIN items i ON i.item_ix = t.item_ix ORDER BY u.user_ix, a.rank, i.item_ix",
    "cards": "SELECT i.item_id, c.card, c.next, c.source, c.response_id FROM cards c "
    "JOIN items i USING (item_ix) ORDER BY c.item_ix",
    "descriptions": "SELECT s.kind, coalesce(i.item_id, u.user_id) AS id, d.layer, d.text, "
    "d.source, d.response_id FROM descriptions d JOIN task_subjects s USING (task_subject_id) "
    "LEFT JOIN items i ON i.item_ix = s.item_ix LEFT JOIN users u ON u.user_ix = s.user_ix "
    "ORDER BY d.layer, s.kind, s.item_ix, s.user_ix",
}
REALS = {"strength", "weight", "score", "similarity"}
INTEGERS = {
    "interest_id",
    "response_id",
    "canonical_id",
    "pinned",
    "proven",
    "position",
    "rank",
    "layer",
}


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that a spreadsheet takes for a formula."""


def export_store(
    store: Store,
    out: Path,
    file_format: str,
    *,
    overwrite: bool = False,
    spreadsheet_safe: bool = False,
) -> list[dict[str, Any]]:
    """Write the tables of ``TABLES`` into the folder ``out``, all of them whole or none.

    Parameters
    ----------
    store
        An open store.
    out
        Made where it is missing.
    file_format
        ``jsonl``, ``csv``, ``parquet``, or ``gistbench``: histories and users' interests as
        GISTBench reads them (:mod:`store.views.gistbench`).
    overwrite
        Replace files that exist.
    spreadsheet_safe
        In CSV, put an apostrophe before texts that a spreadsheet would take for a formula.

    Returns
    -------
    list of dict
        ``file`` and ``rows`` of each file written.

    Raises
    ------
    UserError
        If the format is unknown, ``out`` is not a folder, or one of the files exists and
        ``overwrite`` is false.
    """
    writers: dict[str, Callable[[Path, list[str], Rows], int]] = {
        "jsonl": _write_jsonl,
        "csv": _write_safe_csv if spreadsheet_safe else _write_csv,
        "parquet": _write_parquet,
    }
    if file_format not in (*writers, "gistbench"):
        raise UserError(f"`format` {file_format!r}: one of {', '.join(writers)}, gistbench")
    if spreadsheet_safe and file_format != "csv":
        raise UserError(f"`spreadsheet_safe` is for csv; {file_format} holds no formulas")
    if file_format == "gistbench":
        return _export_gistbench(store, out, overwrite=overwrite)
    files = [f"{name}.{file_format}" for name in TABLES]
    targets = output_targets(out, files, overwrite=overwrite, reads=[store.path])
    write = writers[file_format]
    written = []
    with whole_files(targets) as partials, store.read() as connection:
        for file, partial, query in zip(files, partials, TABLES.values(), strict=True):
            found = connection.execute(statement(query))
            rows = write(partial, list(found.keys()), (tuple(row) for row in found))
            written.append({"file": str(out / file), "rows": rows})
    return written


def _export_gistbench(store: Store, out: Path, *, overwrite: bool) -> list[dict[str, Any]]:
    files = ["engagements.csv", "interests.jsonl"]
    targets = output_targets(out, files, overwrite=overwrite, reads=[store.path])
    with whole_files(targets) as partials, store.read() as connection:
        histories = gistbench.engagements(connection)
        rows = _write_csv(partials[0], gistbench.ENGAGEMENTS, histories)
        interests = (tuple(row.values()) for row in gistbench.interests(connection))
        interest_rows = _write_jsonl(partials[1], gistbench.INTERESTS, interests)
    counts = zip(files, (rows, interest_rows), strict=True)
    return [{"file": str(out / file), "rows": n} for file, n in counts]


def _write_jsonl(path: Path, names: list[str], rows: Rows) -> int:
    number = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n")
            number += 1
    return number


def _write_csv(path: Path, names: list[str], rows: Rows) -> int:
    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow(row)
            number += 1
    return number


def _write_safe_csv(path: Path, names: list[str], rows: Rows) -> int:
    return _write_csv(path, names, (tuple(map(_without_formula, row)) for row in rows))


def _without_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _write_parquet(path: Path, names: list[str], rows: Rows) -> int:
    frame = _frame(names, rows)
    with path.open("wb") as file:  # whose name may be no text, which polars could not open
        frame.write_parquet(file)
    return frame.height


def frame(store: Store, table: str) -> pl.DataFrame:
    """Return one of the exported tables as a polars frame (``.to_pandas()`` for pandas).

    Parameters
    ----------
    store
        An open store.
    table
        ``interests``, ``evidence``, ``user_interests``, ``assignments``, ``cards`` or
        ``descriptions``.

    Raises
    ------
    UserError
        If there is no such table.
    """
    if table not in TABLES:
        raise UserError(f"no table {table!r}: one of {', '.join(TABLES)}")
    with store.read() as connection:
        result = connection.execute(statement(TABLES[table]))
        return _frame(list(result.keys()), result.all())


def _frame(names: list[str], rows: Iterable[Any]) -> pl.DataFrame:
    import polars as pl

    schema = {
        name: pl.Float64 if name in REALS else pl.Int64 if name in INTEGERS else pl.String
        for name in names
    }
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
