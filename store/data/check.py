"""What ``profiler check`` tells about a source: what was read, what looks wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from store.data.crawlers import crawler_notes
from store.data.languages import language_notes
from store.data.natural_order import natural_order
from store.data.readers.base.problems import SHOWN
from store.data.readers.base.raw_data import RawData, problem_lines
from store.notebook import InNotebooks

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True)
class Named:
    """Things that are counted, with the first ten by name."""

    count: int
    first: list[str]


@dataclass(frozen=True)
class Report(InNotebooks):
    """Findings about a source; nothing in it stops a build but ``problems``.

    Attributes
    ----------
    first_time, last_time
        ISO 8601 in UTC, None without times.
    without_time
        Interactions whose time is unknown.
    history_lengths
        Interactions per user: the quantiles 0, .25, .5, .75, .9, 1.
    short_histories
        Users with fewer than three interactions: under leave-one-out they have no target.
    ties
        Interactions that share user and time with another one.
    repeats
        Interactions that repeat another one exactly; they are kept.
    untitled
        Items with interactions that stand in the item file without a title.
    absent
        Items with interactions that do not stand in the item file.
    unused
        Items in the item file without interactions; they are left out.
    notes
        What was assumed, and what is odd but usable.
    advice, proposed
        What to do about problems; columns that may hold what was not found, by the parameter of
        :class:`store.data.readers.ReadOptions` that names them.
    """

    format: str
    files: list[str]
    users: int
    items: int
    interactions: int
    first_time: str | None
    last_time: str | None
    without_time: int
    history_lengths: list[int]
    short_histories: int
    ties: int
    repeats: int
    untitled: Named
    absent: Named
    unused: int
    notes: list[str]
    problem_counts: dict[str, int]
    problems: list[dict[str, Any]]
    advice: list[str]
    proposed: dict[str, str]

    def __str__(self) -> str:
        facts = [f"{name}: {value}" for name, value in fact_rows(self)]
        problems = [f"problem: {p['message']}" for p in self.problems if "message" in p]
        return "\n".join([*facts, *problems, *self.notes])

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return asdict(self)


def inspect(raw: RawData) -> Report:
    """Count what was read and find what looks wrong.

    The result does not depend on the order of rows, except for the rows named as problems.
    """
    log, items = raw.interactions, raw.items
    lengths = log.group_by("user_id").len()["len"]
    used = log.select("item_id").unique()
    listed = used.join(items, on="item_id", how="inner")
    untitled = listed.filter(pl.col("title").is_null())["item_id"].to_list()
    absent = used.join(items, on="item_id", how="anti")["item_id"].to_list()
    timed = log.filter(pl.col("timestamp").is_not_null())
    moment = [name for name in ("timestamp", "nanosecond") if name in log.columns]
    same = ["user_id", "item_id", *moment, "position"]
    return Report(
        format=raw.format,
        files=raw.files,
        users=len(lengths),
        items=used.height,
        interactions=log.height,
        first_time=_iso(timed["timestamp"].min()),
        last_time=_iso(timed["timestamp"].max()),
        without_time=log.height - timed.height,
        history_lengths=_quantiles(lengths),
        short_histories=int((lengths < 3).sum()),
        ties=_sharing(timed, ["user_id", *moment]),
        repeats=log.height - log.select(same).n_unique() if log.height else 0,
        untitled=Named(len(untitled), natural_order(untitled)[:SHOWN]),
        absent=Named(len(absent), natural_order(absent)[:SHOWN]),
        unused=items.height - listed.height,
        notes=[*raw.notes, *_people_notes(log), *language_notes(items["title"])],
        problem_counts={str(kind): count for kind, count in raw.problem_counts.items()},
        problems=[asdict(problem) for problem in raw.problems],
        advice=raw.advice,
        proposed=raw.proposed,
    )


def fact_rows(report: Report) -> list[tuple[str, str]]:
    """Name and value of each finding, in words, in the order to print them."""
    rows = [
        ("format", report.format),
        ("files", ", ".join(report.files)),
        ("interactions", f"{report.interactions:,}"),
        ("users", f"{report.users:,}"),
        ("items", f"{report.items:,}"),
    ]
    if report.first_time:
        rows.append(("times", f"{report.first_time} to {report.last_time}"))
    rows.append(("without a time", f"{report.without_time:,}"))
    if report.history_lengths:
        names = ("min", "25 %", "median", "75 %", "90 %", "max")
        pairs = zip(names, report.history_lengths, strict=True)
        rows.append(("history lengths", ", ".join(f"{name} {n:,}" for name, n in pairs)))
    rows += [
        ("users with fewer than 3", f"{report.short_histories:,}"),
        ("same user, same time", f"{report.ties:,}"),
        ("exact repeats (kept)", f"{report.repeats:,}"),
    ]
    if len(report.files) == 1 and report.absent.count == report.items:
        return [*rows, ("items without a title (kept)", f"{report.items:,}: no item file")]
    return [
        *rows,
        ("items without a title (kept)", _named(report.untitled)),
        ("items not in the item file (kept)", _named(report.absent)),
        ("listed items never used (left out)", f"{report.unused:,}"),
    ]


def lines(raw: RawData, report: Report) -> list[str]:
    """Sentences below the table: notes, then problems, then what comes of them."""
    out = [f"note: {note}" for note in report.notes]
    found = sum(report.problem_counts.values())
    if not found:
        return [*out, "no problems found; nothing was written"]
    counted = f"{found:,} problem{'s' if found != 1 else ''}"
    return [*out, *problem_lines(raw), f"{counted}: build refuses this source"]


def _people_notes(log: pl.DataFrame) -> list[str]:
    counts = log.group_by("user_id").len().sort("user_id")
    return crawler_notes(counts["user_id"].to_list(), counts["len"].to_numpy())


def _named(things: Named) -> str:
    if not things.count:
        return "0"
    more = ", …" if things.count > len(things.first) else ""
    return f"{things.count:,}: {', '.join(things.first)}{more}"


def _quantiles(lengths: pl.Series) -> list[int]:
    if not len(lengths):
        return []
    ordered = lengths.sort()
    return [int(ordered[round(share * (len(ordered) - 1))]) for share in QUANTILES]


def _sharing(timed: pl.DataFrame, columns: list[str]) -> int:
    groups = timed.group_by(columns).len()
    return int(groups.filter(pl.col("len") > 1)["len"].sum())


def _iso(second: Any) -> str | None:
    if second is None:
        return None
    try:
        return datetime.fromtimestamp(int(second), tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{second} s"
