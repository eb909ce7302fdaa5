"""What a store holds, as plain facts for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection

from store.db.statements import statement
from store.db.sweeping import PENDING
from store.tables.histories.door import Histories
from store.views.shared.row import KeyedRow
from store.views.subjects.reasons import SHOWN, quarantine_reasons

if TYPE_CHECKING:
    from store.store import Store


Facts: TypeAlias = Mapping[str, str | int | float | None]
"""Label → value; the labels are what people and the JSON document read."""


@dataclass(frozen=True)
class Status(KeyedRow):
    """Counts, coverage, cost and failures of a store, and what to do next.

    Attributes
    ----------
    data, interests, asking
        Facts with their labels.
    subjects
        Number of subjects in use by ``KIND STATE``, such as ``exemplar ok``.
    quarantined
        The commonest reasons why subjects are quarantined, with how many.
    advice
        What to do next, a sentence each.
    """

    data: Facts
    subjects: Mapping[str, int]
    quarantined: Mapping[str, int]
    interests: Facts
    asking: Facts
    advice: list[str]


def summarise(store: Store) -> Status:
    """Counts, coverage, cost and failures of a store, and what to do next."""
    with store.read() as connection:
        data, subjects = _data(store, connection), _subjects(connection)
        return Status(
            data=data,
            subjects=subjects,
            quarantined=dict(quarantine_reasons(store).most_common(SHOWN)),
            interests=_interests(connection),
            asking=_asking(store, connection),
            advice=_advice(store, data, subjects),
        )


def _one(connection: Connection, query: str) -> Any:
    return connection.execute(statement(query)).scalar()


def _data(store: Store, connection: Connection) -> Facts:
    split = store.meta("split", {})
    number, hidden = Histories(connection).count()
    return {
        "source": store.meta("source"),
        "users": _one(connection, "SELECT count(*) FROM users WHERE NOT forgotten"),
        "items": _one(connection, "SELECT count(*) FROM items"),
        "items without text": _one(
            connection, "SELECT count(*) FROM items WHERE title IS NULL AND categories = '[]'"
        ),
        "interactions": number,
        "hidden from the LLM": hidden,
        "split": " ".join(str(v) for v in (split.get("name"), split.get("detail")) if v) or None,
        "encoder": store.meta("encoder"),
        "history vector": store.meta("history_vector"),
        "interests come from": ", ".join(
            connection.execute(
                statement("SELECT DISTINCT source FROM interests ORDER BY source")
            ).scalars()
        )
        or None,
    }


def _subjects(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        statement(
            "SELECT kind, state, count(*) FROM subjects WHERE active GROUP BY kind, state "
            "ORDER BY kind, state"
        )
    )
    return {f"{kind} {state}": number for kind, state, number in rows}


def _interests(connection: Connection) -> Facts:
    users = _one(connection, "SELECT count(*) FROM users WHERE NOT forgotten") or 0
    covered = _one(
        connection,
        "SELECT count(DISTINCT m.user_ix) FROM memberships m JOIN subjects s USING (subject_id) "
        "WHERE s.active AND s.state = 'ok' AND s.kind = 'exemplar'",
    )
    own = _one(connection, "SELECT count(DISTINCT user_ix) FROM assignments")
    evidence = _one(connection, "SELECT count(DISTINCT item_ix) FROM evidence")
    return {
        "interests": _one(
            connection,
            "SELECT count(*) FROM interests JOIN subjects USING (subject_id) WHERE active",
        ),
        "items named as evidence": evidence,
        **_ways(connection),
        **_far(connection),
        "users with interests through an exemplar": f"{covered} of {users}",
        "users with interests covering their own history": f"{own} of {users}",
    }


def _ways(connection: Connection) -> Facts:
    """Interests that a model found in whole lists of items, and groups that it only named."""
    rows = connection.execute(
        statement(
            "SELECT json_extract(p.schema, '$.properties.interests') IS NULL AS named, count(*) "
            "FROM interests n JOIN subjects s USING (subject_id) JOIN responses r "
            "USING (response_id) JOIN prompts p ON p.digest = r.prompt_digest "
            "WHERE s.active AND n.source <> 'offline' GROUP BY named ORDER BY named"
        )
    )
    said = {0: "found by a model in whole lists", 1: "grouped by the program, named by a model"}
    return {said[named]: number for named, number in rows}


def _far(connection: Connection) -> Facts:
    number = _one(
        connection,
        "SELECT count(*) FROM far_labels JOIN interests USING (interest_id) "
        "JOIN subjects USING (subject_id) WHERE active",
    )
    return {"labels that their items do not bear out": number} if number else {}


def _asking(store: Store, connection: Connection) -> Facts:
    outcomes = connection.execute(
        statement("SELECT outcome, count(*) FROM responses GROUP BY outcome ORDER BY outcome")
    )
    cost = _one(connection, "SELECT sum(cost_usd) FROM attempts")
    days = _one(
        connection,
        "SELECT group_concat(day, ', ') FROM (SELECT DISTINCT json_extract(params, '$.prices_of') "
        "AS day FROM responses ORDER BY day)",
    )
    return {
        "calls": _one(connection, "SELECT count(*) FROM attempts WHERE purpose <> 'offline'"),
        **{f"answers {outcome}": number for outcome, number in outcomes},
        "tokens in": _one(connection, "SELECT sum(tokens_in) FROM attempts") or 0,
        "tokens out": _one(connection, "SELECT sum(tokens_out) FROM attempts") or 0,
        "cost in US dollars": None if cost is None else round(cost, 6),
        **({"by prices of": days} if days else {}),
        "answers whose price is unknown": store.responses.spent().unpriced,
    }


def _kept(store: Store) -> int:
    """Pending subjects whose interests a person brought or edited: no run asks about them."""
    makers = store.interests.makers()
    with store.read() as connection:
        waiting = connection.execute(
            statement("SELECT subject_id FROM subjects WHERE active AND state = 'pending'")
        ).scalars()
        return sum(makers.get(subject_id) == "person" for subject_id in waiting)


def _advice(store: Store, data: Facts, subjects: Mapping[str, int]) -> list[str]:
    advice: list[str] = []
    pending = sum(n for key, n in subjects.items() if key.endswith("pending"))
    kept = _kept(store) if pending else 0
    pending -= kept
    failed = sum(n for key, n in subjects.items() if key.endswith("quarantined"))
    if store.meta(PENDING):
        advice.append(
            "texts of a forgotten user may still be in the file's free pages; the next command "
            f"that writes removes them, or: profiler forget --store {store.path}"
        )
    if not data["interactions"]:
        advice.append(f"empty: run profiler build DATA --store {store.path}")
    if pending:
        advice.append(f"{pending} subjects are not asked yet: run profiler build again to go on")
    if kept:
        advice.append(
            f"{kept} subjects have other items than when their interests were imported or edited; "
            "no run asks about them: import their interests again, or leave them"
        )
    if failed:
        advice.append(
            f"{failed} subjects are quarantined: profiler retry --failed --store {store.path}"
        )
    return advice
