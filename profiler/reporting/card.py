"""The run card: what the store was made from, how, by whom, at what price, and what failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from store.views.status import summarise

if TYPE_CHECKING:
    from store.store import Store

MOST_FAILURES = 20
_MODELS = (
    "SELECT model, count(*) AS answers, sum(tokens_in) AS tokens_in, sum(tokens_out) "
    "AS tokens_out, sum(cost_usd) AS cost_usd, group_concat(DISTINCT method) AS methods "
    "FROM responses GROUP BY model ORDER BY answers DESC, model"
)
_TEMPLATES = "SELECT DISTINCT template FROM prompts ORDER BY template"
_ATTEMPTS = (
    "SELECT outcome, count(*) FROM attempts WHERE outcome <> 'answered' GROUP BY outcome "
    "ORDER BY outcome"
)
_RUNS = (
    "SELECT run_id, kind, started_at, finished_at, status, config FROM runs "
    "ORDER BY run_id DESC LIMIT 10"
)
_FAILED = (
    "SELECT name, kind, state, reason, size FROM subjects WHERE active AND state <> 'ok' "
    "ORDER BY size DESC, name LIMIT 20"
)


@dataclass(frozen=True)
class Section:
    """A titled list of facts."""

    title: str
    rows: list[tuple[str, str]]


@dataclass(frozen=True)
class Card:
    """The run card.

    Attributes
    ----------
    headline
        The few numbers one wants first: (value, what it counts).
    offline
        Whether all interests come from the extractor that is no language model.
    sections, models, runs, failures
        Facts; who was asked; the latest commands that wrote; subjects without interests.
    as_of
        When the store was last written by a command; empty if never.
    """

    headline: list[tuple[str, str]]
    offline: bool
    sections: list[Section]
    models: list[list[str]]
    runs: list[list[str]]
    failures: list[list[str]]
    as_of: str


def run_card(store: Store) -> Card:
    """Gather the facts from the store's own records."""
    facts = summarise(store)
    with store.read() as connection:
        sources = connection.exec_driver_sql("SELECT DISTINCT source FROM interests").scalars()
        offline = set(sources) == {"offline"}
        models = [_model(row) for row in connection.exec_driver_sql(_MODELS)]
        templates = ", ".join(connection.exec_driver_sql(_TEMPLATES).scalars())
        failed_calls = {row[0]: row[1] for row in connection.exec_driver_sql(_ATTEMPTS)}
        runs = [dict(row) for row in connection.exec_driver_sql(_RUNS).mappings()]
        failures = [_cells(row) for row in connection.exec_driver_sql(_FAILED)]
    built = next((r for r in runs if r["kind"] == "build"), None)
    settings = json.loads(built["config"]) if built else {}
    return Card(
        headline=_headline(facts),
        offline=offline,
        sections=[
            Section("Data and cut", _data(facts["data"], store)),
            Section("Whom to ask", _chosen(store, facts)),
            Section("Settings of the last build", _plain(settings)),
            Section("Asking", _asking(facts["asking"], templates, failed_calls)),
        ],
        models=models,
        runs=[_run(row) for row in runs],
        failures=failures[:MOST_FAILURES],
        as_of=_time(next((r["finished_at"] for r in runs if r["finished_at"]), None)),
    )


def _headline(facts: dict[str, Any]) -> list[tuple[str, str]]:
    data, interests = facts["data"], facts["interests"]
    exemplar = interests["users with interests through an exemplar"].split(" of ")
    own = interests["users with interests covering their own history"].split(" of ")
    subjects = sum(n for kind, n in facts["subjects"].items() if kind.endswith(" ok"))
    return [
        (f"{data['users']:,}", "users"),
        (f"{data['items']:,}", "items"),
        (f"{data['interactions']:,}", "interactions"),
        (f"{interests['interests']:,}", f"interests of {subjects:,} subjects"),
        (_of(exemplar), "users with interests through an exemplar"),
        (_of(own), "users with interests that cover their own history"),
    ]


def _of(pair: list[str]) -> str:
    part, whole = int(pair[0]), int(pair[1])
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def _data(data: dict[str, Any], store: Store) -> list[tuple[str, str]]:
    rows = _plain(data)
    digest = store.meta("dataset_digest")
    return [*rows, *([("digest of the prepared data", str(digest)[:28] + "…")] if digest else [])]


def _chosen(store: Store, facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = _plain(facts["subjects"])
    exemplars = store.meta("exemplar_choice", {})
    solver = exemplars.get("settings") or {}
    rows += [(f"exemplars: {k.replace('_', ' ')}", v) for k, v in _plain(solver, _SOLVER)]
    rows += _plain({"exemplars: net similarity": exemplars.get("net_similarity")})
    synthetic = store.meta("synthetic_users", {})
    cover = synthetic.get("settings") or {}
    rows += [(f"synthetic users: {k.replace('_', ' ')}", v) for k, v in _plain(synthetic, _COVER)]
    rows += [(f"synthetic users: {k.replace('_', ' ')}", v) for k, v in _plain(cover)]
    return rows


_SOLVER = ("method", "preference", "damping_used", "iterations", "share", "seed", "candidates")
_COVER = ("candidates", "chosen", "users_covered", "items_covered", "gap", "upper_bound")


def _asking(
    asking: dict[str, Any], templates: str, failed: dict[str, int]
) -> list[tuple[str, str]]:
    rows = _plain(asking)
    rows += [(f"calls without an answer: {outcome}", f"{n:,}") for outcome, n in failed.items()]
    return rows + ([("prompt templates", templates)] if templates else [])


def _plain(facts: Mapping[str, Any], only: tuple[str, ...] | None = None) -> list[tuple[str, str]]:
    keys = only or tuple(facts)
    return [(key, _text(key, facts[key])) for key in keys if facts.get(key) is not None]


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if "seed" in key else f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _model(row: Any) -> list[str]:
    cost = "unknown" if row.cost_usd is None else f"${row.cost_usd:.4f}"
    if row.model == "offline":
        cost = "none"
    tokens = [f"{n:,}" if n is not None else "unknown" for n in (row.tokens_in, row.tokens_out)]
    return [row.model, row.methods or "", f"{row.answers:,}", *tokens, cost]


def _run(row: dict[str, Any]) -> list[str]:
    return [
        str(row["run_id"]),
        row["kind"],
        _time(row["started_at"]),
        _time(row["finished_at"]),
        row["status"],
    ]


def _cells(row: Any) -> list[str]:
    return ["" if value is None else str(value) for value in row]


def _time(stamp: str | None) -> str:
    return stamp[:16].replace("T", " ") + " UTC" if stamp else ""
