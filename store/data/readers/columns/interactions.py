"""Any table → the standard frame of interactions; rows that cannot be used are named, left out."""

from __future__ import annotations

import time
from collections.abc import Mapping

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems, UnusableFileError
from store.data.readers.base.raw_data import ROW
from store.data.readers.columns.ids import Missing, ids_of, report_missing
from store.data.readers.columns.names import Columns, parameter, refuse_repeated
from store.data.readers.columns.selection import select_rows
from store.data.readers.columns.signals import note_signals
from store.data.readers.columns.suggestions import find_column, find_columns, is_numbered
from store.data.readers.values.ids import to_ids, unfit_type
from store.data.readers.values.times import read_times, unfit_time_type

_NO_ORDER = "the time is missing and no position gives the order"
_DAY = 86_400


def interactions_from(
    table: pl.DataFrame,
    file: str,
    options: ReadOptions,
    problems: Problems,
    usual: Columns | None = None,
    *,
    with_texts: bool = True,
) -> pl.DataFrame:
    """Bring interactions into the shape of :attr:`RawData.interactions`.

    Parameters
    ----------
    table
        A row for each interaction, of any types, with the column :data:`ROW`.
    usual
        Names of the columns in this format, where the options do not name others.
    with_texts
        Whether a column of the title's or the categories' usual name holds those of the item.
        Columns that the options name do in any case.

    Returns
    -------
    polars.DataFrame
        With ``title`` and ``categories``, as they stand, where the rows have them and there is no
        item file.

    Raises
    ------
    UnusableFileError
        There is no user, no item, or neither time nor position, or what is there is none.
    """
    columns = (usual or Columns()).chosen(options, table.columns)
    _require(table, columns, file, problems)
    table = select_rows(table, options, file, problems)
    note_signals(table, frozenset(_roles(columns).values()), options, file, problems)
    seconds, nanoseconds, bad_time = _times(table, columns, options, file, problems)
    positions, bad_position = _positions(table, columns, file, problems)
    frame = pl.DataFrame(
        {
            "user_id": ids_of(table, columns.user, file, options, problems),
            "item_id": ids_of(table, columns.item, file, options, problems),
            "timestamp": seconds,
            "position": positions,
            "row": table[ROW],
        }
    )
    if nanoseconds is not None:
        frame = frame.with_columns(nanosecond=nanoseconds)
    frame = frame.with_columns(_texts(table, columns, options, file, problems, with_texts))
    frame = frame.filter(
        ~(bad_time | bad_position) & frame["user_id"].is_not_null() & frame["item_id"].is_not_null()
    )
    ordered = _ordered(frame, columns, file, options, problems)
    if options.drop_incomplete and table.height and not ordered.height:
        raise problems.fatal(Kind.EMPTY, file, "no row has a user, an item and a time")
    return ordered


def _roles(columns: Columns) -> dict[str, str]:
    return {"user": columns.user, "item": columns.item, "time": columns.time}


def _require(table: pl.DataFrame, columns: Columns, file: str, problems: Problems) -> None:
    """Name all columns that are missing at once, with those that may be meant."""
    refuse_repeated(table.columns, [*_roles(columns).values(), columns.position], file, problems)
    missing = {role: name for role, name in _roles(columns).items() if name not in table.columns}
    if columns.position in table.columns:
        missing.pop("time", None)
    if not missing:
        return
    taken = frozenset(name for role, name in _roles(columns).items() if role not in missing)
    meant = find_columns(list(missing), table, taken)
    for role, name in missing.items():
        said = "there is no such column"
        if role == "time":
            said = f"there is neither this column nor {columns.position!r}"
        if role in meant:
            problems.proposed[parameter(role)] = meant[role]
            said += f"; did you mean {meant[role]!r}?"
        problems.add(Kind.COLUMN, file, said, column=name)
    problems.advice.append(_advice(table, file, missing))
    _propose_texts(table, taken | set(meant.values()), problems)
    raise UnusableFileError(f"{file} lacks {', '.join(missing.values())}")


def _advice(table: pl.DataFrame, file: str, missing: Mapping[str, str]) -> str:
    names = [name for name in table.columns if name != ROW]
    options = [parameter(role) for role in missing]
    if "time" in missing:
        options.append("or position_column")
    if is_numbered(names):
        first = ", ".join(str(value) for value in table[names].row(0))
        return (
            f"{file} has no line of column names. Its first row is {first}. Name the columns by"
            f" number, from 1 to {len(names)}: {', '.join(options)}"
        )
    return f"{file} has the columns {', '.join(names)}. Name the right ones: {', '.join(options)}"


def _propose_texts(table: pl.DataFrame, taken: frozenset[str], problems: Problems) -> None:
    """Propose columns for titles and categories beside those for what is missing."""
    for role, name in find_columns(["title", "categories"], table, taken).items():
        problems.proposed[parameter(role)] = name


def _times(
    table: pl.DataFrame, columns: Columns, options: ReadOptions, file: str, problems: Problems
) -> tuple[pl.Series, pl.Series | None, pl.Series]:
    """Seconds and nanoseconds, null where there is no time, and the rows of unreadable times."""
    nothing = pl.repeat(False, table.height, dtype=pl.Boolean, eager=True)
    if columns.time not in table.columns:
        return _no_numbers(table), None, nothing
    raw = table[columns.time]
    unfit = unfit_time_type(raw.dtype)
    if unfit is not None:
        raise problems.fatal(
            Kind.COLUMN,
            file,
            f"the column holds {unfit}; give unix seconds or dates",
            column=columns.time,
        )
    times = read_times(raw, options.date_order)
    if times.form:
        problems.notes.append(f"{file}: column {columns.time} was read as {times.form}")
    _note_future(times.seconds, columns.time, file, problems)
    unread = nothing
    for mask, said in times.faults:
        bad = pl.DataFrame({"row": table[ROW], "value": _shown(raw)}).filter(mask)
        problems.add_rows(Kind.TIME, bad, file, columns.time, said)
        unread = unread | mask
    return times.seconds, times.nanoseconds, unread


def _note_future(seconds: pl.Series, column: str, file: str, problems: Problems) -> None:
    late = int((seconds > int(time.time()) + _DAY).sum())
    if late:
        problems.notes.append(f"{file}: {late:,} times in column {column} are in the future")


def _shown(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Object:
        return pl.Series([str(value) for value in values.to_list()], dtype=pl.String)
    return values.cast(pl.String, strict=False)


def _positions(
    table: pl.DataFrame, columns: Columns, file: str, problems: Problems
) -> tuple[pl.Series, pl.Series]:
    nothing = pl.repeat(False, table.height, dtype=pl.Boolean, eager=True)
    if columns.position not in table.columns:
        return _no_numbers(table), nothing
    raw = table[columns.position]
    unfit = unfit_type(raw.dtype)
    if unfit is not None:
        raise problems.fatal(
            Kind.COLUMN,
            file,
            f"the column holds {unfit}; give whole numbers",
            column=columns.position,
        )
    texts = to_ids(raw).texts
    whole = texts.str.strip_chars().cast(pl.Int64, strict=False)
    unread = whole.is_null() & texts.is_not_null()
    if unread.any():
        bad = pl.DataFrame({"row": table[ROW], "value": _shown(raw)}).filter(unread)
        said = "{value} is not a whole number"
        problems.add_rows(Kind.POSITION, bad, file, columns.position, said)
    return whole, unread


def _no_numbers(table: pl.DataFrame) -> pl.Series:
    return pl.repeat(None, table.height, dtype=pl.Int64, eager=True)


def _texts(
    table: pl.DataFrame,
    columns: Columns,
    options: ReadOptions,
    file: str,
    problems: Problems,
    with_texts: bool,
) -> list[pl.Series]:
    """Titles and categories in the rows, as they stand, where there is no item file."""
    if options.items is not None:
        return []
    found = []
    for role, name in (("title", columns.title), ("categories", columns.categories)):
        asked = getattr(options, parameter(role)) is not None
        if name in table.columns and (asked or with_texts):
            found.append(table[name].rename(role))
            continue
        meant = find_column(role, table, frozenset(_roles(columns).values()))
        if asked:
            advice = f"; did you mean {meant!r}?" if meant else ""
            said = f"there is no such column, and no item file that may have it{advice}"
            problems.add(Kind.COLUMN, file, said, column=name)
        elif meant is not None and with_texts:
            problems.proposed[parameter(role)] = meant
    return found


def _ordered(
    frame: pl.DataFrame, columns: Columns, file: str, options: ReadOptions, problems: Problems
) -> pl.DataFrame:
    """Leave out rows that cannot be put in order: users need all times or all positions."""
    if not frame["timestamp"].null_count() or not frame["position"].null_count():
        return frame
    no_time = pl.col("timestamp").is_null()
    no_place = pl.col("position").is_null()
    broken = no_time & (no_place | no_place.any().over("user_id"))
    missed = Missing(Kind.TIME, _NO_ORDER, file, columns.time)
    report_missing(frame.filter(broken)["row"], missed, options, problems)
    return frame.filter(~broken)
