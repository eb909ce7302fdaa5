"""The run card: what the store was made from, how, by whom, at what price, and what failed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiler.reporting.shared.contract import Section
from store.views.runs import Activity, ModelAsked, RunRow, Unanswered, activity
from store.views.status import Facts, summarise

if TYPE_CHECKING:
    from profiler.reporting.shared.pseudonyms import Names
    from store.store import Store

MOST_FAILURES = 20
_MAKERS = ("build", "import-interests", "import-responses", "retry")
"""Commands that bring interests into a store; the latest one says how those at hand were made."""


@dataclass(frozen=True)
class Card:
    """The run card.

    Attributes
    ----------
    offline
        Whether all interests come from the extractor that is no language model.
    sources
        Interests in use by who worded them.
    representatives, blends
        Subjects of either kind with usable interests.
    unanswered
        Subjects without.
    as_of
        When the store was last written by a command; empty if never.
    sections
        Facts.
    """

    offline: bool
    sources: dict[str, int]
    representatives: int
    blends: int
    unanswered: int
    as_of: str
    sections: list[Section]


def run_card(store: Store, names: Names) -> Card:
    """Gather the facts from the store's own records; people are called by ``names``."""
    facts = summarise(store)
    done = activity(store, most_unanswered=MOST_FAILURES)
    subjects = facts.subjects
    failures = [_failure(one, names) for one in done.unanswered]
    return Card(
        offline=set(done.sources) == {"offline"},
        sources=done.sources,
        representatives=int(subjects.get("exemplar ok", 0)),
        blends=int(subjects.get("synthetic ok", 0)),
        unanswered=sum(int(n) for kind, n in subjects.items() if not kind.endswith(" ok")),
        as_of=_time(next((run.finished_at for run in done.runs if run.finished_at), None)),
        sections=_filled(
            [
                _settings(done.runs),
                Section(title="Data and cut", rows=_plain(facts.data)),
                Section(title="Whom to ask", rows=_chosen(store, subjects)),
                Section(title="Asking", rows=_asking(facts.asking, done)),
                Section(title="Who answered", rows=[_model(one) for one in done.models]),
                Section(
                    title="Commands that wrote to the store", rows=[_run(one) for one in done.runs]
                ),
                Section(title="Without a usable answer", rows=failures),
            ]
        ),
    )


def _filled(sections: list[Section]) -> list[Section]:
    return [section for section in sections if section.rows]


def _settings(runs: Sequence[RunRow]) -> Section:
    """Settings of the run that brought the interests at hand, which need not be a build."""
    run = next((run for run in runs if run.kind in _MAKERS), None)
    if run is None:
        return Section(title="Settings", rows=[])
    finished = [("finished", _time(run.finished_at))] if run.finished_at else []
    return Section(
        title=f"The run that brought the interests: {run.kind}",
        rows=[*finished, *_plain(run.config)],
    )


def _chosen(store: Store, subjects: Mapping[str, int]) -> list[tuple[str, str]]:
    rows = _plain(subjects)
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


def _asking(asking: Facts, done: Activity) -> list[tuple[str, str]]:
    rows = _plain(asking)
    rows += [(f"calls without an answer: {why}", f"{n:,}") for why, n in done.failed_calls.items()]
    return rows + ([("prompt templates", ", ".join(done.templates))] if done.templates else [])


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


def _model(one: ModelAsked) -> tuple[str, str]:
    cost = "price unknown" if one.cost_usd is None else f"${one.cost_usd:.4f}"
    if one.model == "offline":
        cost = "no cost"
    tokens = [f"{n:,}" if n is not None else "unknown" for n in (one.tokens_in, one.tokens_out)]
    said = f"{one.answers:,} answers ({one.methods or 'text'})"
    return one.model, f"{said}, {tokens[0]} tokens in, {tokens[1]} out, {cost}"


def _run(one: RunRow) -> tuple[str, str]:
    until = f" to {_time(one.finished_at)}" if one.finished_at else ""
    return f"{one.run_id} {one.kind}", f"{_time(one.started_at)}{until}: {one.status}"


def _failure(one: Unanswered, names: Names) -> tuple[str, str]:
    name = names.of(one.user_ix) if one.user_ix is not None else names.other(one.name)
    reason = "" if one.reason is None else f": {one.reason}"
    return f"{one.kind} {name}".strip(), f"{one.state}{reason} (stands for {one.size:,})"


def _time(stamp: str | None) -> str:
    return stamp[:16].replace("T", " ") + " UTC" if stamp else ""
