"""A store with subjects to ask about, for tests and benchmarks of the asking room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from profiler.asking.options import AskingOptions
from profiler.llm.port import ChatPort
from profiler.llm.prices import Price, Prices
from profiler.llm.registry import open_chat
from profiler.llm.retry import RetryPolicy
from store.store import Store, open_store
from store.tables.subjects import SubjectRow

KEY = "sk-TESTSECRET"
MODEL = "openai:gpt-4o-mini"
CANARY = "Canary-of-what-is-hidden"


def make_store(path: Path, subjects: int, items: int = 6, title: str = "Item") -> Store:
    """Subjects ``exemplar:u0`` ... with items ``s0-i0`` ... of their own, named in titles."""
    store = open_store(path, create=True)
    run_id = store.runs.start("test", {})
    rows = [
        (subject * items + item, name, f"{title} {subject} {item} {name}", "[]")
        for subject in range(subjects)
        for item in range(items)
        for name in [f"s{subject}-i{item}"]
    ]
    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO items (item_ix, item_id, title, categories) VALUES (?, ?, ?, ?)", rows
        )
        connection.exec_driver_sql(
            "INSERT INTO users (user_ix, user_id) VALUES (?, ?)",
            [(subject, f"u{subject}") for subject in range(subjects)],
        )
    store.subjects.choose(
        "exemplar",
        [
            SubjectRow(
                "exemplar",
                f"exemplar:u{subject}",
                subject,
                list(range(subject * items, (subject + 1) * items)),
            )
            for subject in range(subjects)
        ],
        run_id,
    )
    return store


def shop(path: Path, users: int = 3, items: int = 3) -> Store:
    """Users with items of their own and the first item of the next user; one more is hidden."""
    store = make_store(path, users, items)
    rows = []
    for user in range(users):
        mine = [user * items + one for one in range(items)] + [(user + 1) % users * items]
        rows += [(user, place, item, None, 0) for place, item in enumerate(mine)]
        rows.append((user, len(mine), users * items, None, 3))
    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO items (item_ix, item_id, title) VALUES (?, 'hidden', ?)",
            (users * items, CANARY),
        )
        connection.exec_driver_sql("INSERT INTO interactions VALUES (?, ?, ?, ?, ?)", rows)
        connection.exec_driver_sql(
            "INSERT INTO item_users SELECT item_ix, count(DISTINCT user_ix), "
            "count(DISTINCT CASE WHEN part = 0 THEN user_ix END) FROM interactions GROUP BY item_ix"
        )
    store.set_meta(split={"name": "leave-one-out", "detail": ""})
    return store


def chat(base_url: str, **options: Any) -> ChatPort:
    """The real port, pointed at the loopback server."""
    return open_chat(MODEL, base_url=base_url, **options)


def prices(input_: float = 1.0, output: float = 2.0) -> Prices:
    """One model, priced in dollars per million tokens."""
    return Prices({MODEL: Price(input=input_, output=output)}, {})


def fast(**options: Any) -> AskingOptions:
    """Options whose waits are short enough for tests."""
    settings: dict[str, Any] = {
        "policy": RetryPolicy(first_wait=0.01, longest_wait=0.05),
        "prices": prices(),
        "give_up_after": 10_000,
    }
    return AskingOptions(**(settings | options))


def contents(store: Store) -> list[Any]:
    """Everything a run leaves that must not depend on how it came about: states and interests."""
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT s.name, s.state, (SELECT json_group_array(json_array(position, label, "
            "description, strength, source, text_digest, (SELECT json_group_array(item_ix) FROM "
            "(SELECT item_ix FROM evidence e WHERE e.interest_id = n.interest_id "
            "ORDER BY position)))) FROM (SELECT * FROM interests n WHERE n.subject_id = "
            "s.subject_id ORDER BY position) n) FROM subjects s ORDER BY s.name"
        ).all()
    return [[row[0], row[1], json.loads(row[2])] for row in rows]


def scalar(store: Store, query: str) -> Any:
    """One value by SQL."""
    with store.read() as connection:
        return connection.exec_driver_sql(query).scalar()
