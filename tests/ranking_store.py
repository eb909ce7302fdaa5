"""A store with nominated cases, and a server's answers about them, for tests of rankings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from store.store import Store
from store.tables.tasks.cases import EXAMPLES, Case, Nomination
from tests.asking_store import make_store
from tests.llm_server import MENDED, TRANSPORT, Call, Step

ITEMS = 12
WANTED = re.compile(r"name the (\d+) candidates")
TEACHER = "s256:" + "7" * 64
TOLD = (
    "What is bought to be used up comes back sooner than what lasts.",
    "New kinds are overrated.",
)


def nominated_store(path: Path, cases: int, *, shown: int = 3) -> Store:
    """Users ``u0`` ... whose items 0 to 2 are training's, with item 2 as target.

    The candidates are the user's items 3 to 8, and for every second user the target before them;
    item 11 is held out.
    """
    store = make_store(path, cases, items=ITEMS)
    rows = [
        (user, place, user * ITEMS + item, part)
        for user in range(cases)
        for place, (item, part) in enumerate([(0, 0), (1, 0), (2, 0), (11, 3)])
    ]
    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO interactions (user_ix, position, item_ix, part) VALUES (?, ?, ?, ?)", rows
        )
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO item_users (item_ix, users, training) SELECT item_ix, "
            "count(DISTINCT user_ix), count(DISTINCT CASE WHEN part = 0 THEN user_ix END) "
            "FROM interactions GROUP BY item_ix"
        )
    store.set_meta(split={"name": "leave-one-out", "detail": ""})
    made = [case_of(user) for user in range(cases)]
    store.cases.save(Nomination(TEACHER, "sasrec", EXAMPLES, 0), made[:shown], data="d")
    store.cases.save(Nomination(TEACHER, "sasrec", "random", 0), made, data="d")
    return store


def case_of(user: int) -> Case:
    """The case of a user; every second one has its target among the candidates."""
    first = user * ITEMS
    candidates = tuple(range(first + 3, first + 9))
    if user % 2 == 0:
        candidates = (*candidates[:3], first + 2, *candidates[3:])
    return Case(TEACHER, user, (first, first + 1), first + 2, candidates, -0.5)


def asks_for_hints(call: Call) -> bool:
    """Whether a call is the question about a teacher's lists."""
    return WANTED.search(call.text) is None


def answer(call: Call) -> dict[str, Any]:
    """A valid answer; the last of the candidates come first."""
    wanted = WANTED.search(call.text)
    if wanted is None:
        return {"hints": list(TOLD)}
    return {"ranking": list(range(int(wanted.group(1)), 0, -1))}


def valid(call: Call) -> Step:
    """The script of a server without faults."""
    return Step(text=json.dumps(answer(call)))


def spoilt(kind: str, call: Call) -> Step:
    """An answer gone wrong in one of the server's ways, as this task may see it."""
    if kind in TRANSPORT:
        return Step(kind)
    said = answer(call)
    whole = json.dumps(said)
    name, values = next(iter(said.items()))
    texts = {
        "empty": "",
        "refusal": "",
        "fenced": f"```json\n{whole}\n```\n",
        "trailing_comma": whole[:-2] + ",]}",
        "truncated": whole[: len(whole) // 2],
        "wrong_type": json.dumps({name: "all of them"}),
        "extra_key": json.dumps(said | {"mood": "sunny"}),
        "foreign_evidence": json.dumps({name: [*values[:-1], 99]}),
        "duplicate_interests": json.dumps({name: [*values[:-1], values[0]]}),
        "two_objects": whole + "\n" + whole,
        "prose": "The first ones look good to me.",
    }
    return Step(kind, text=texts[kind])


REASKED = ("empty", "truncated", "wrong_type", "extra_key", "foreign_evidence")
REASKED += ("duplicate_interests", "two_objects", "prose", "refusal")
FAULTS = (*TRANSPORT, *MENDED, *REASKED)
