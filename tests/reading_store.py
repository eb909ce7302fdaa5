"""A small store with every kind of row, for tests of what people read from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import cli
from store.data.prepare import prepare
from store.data.readers import read
from store.digests import text_digest
from store.store import Store, open_store
from store.tables.ledger import NewAttempt, NewResponse, Prompt
from store.tables.subjects import SubjectRow

USERS = ["customer-ada", "customer-bob", "customer-cyd", "customer-dee", "customer-eve"]
TITLES = {
    "pen": "Gel pen with fine tip",
    "refill": "Refill for gel pens",
    "note": "Recycled paper notes",
    "shred": "Cross-cut paper shredder",
    "oil": "Oil for paper shredders",
    "tape": "Clear desk tape",
}
# In time order; the last two of each are held out.
HISTORIES = {
    "customer-ada": ["pen", "refill", "note", "tape", "oil"],
    "customer-bob": ["pen", "refill", "shred", "tape"],
    "customer-cyd": ["shred", "oil", "tape", "pen", "note"],
    "customer-dee": ["shred", "oil", "note", "pen"],
    "customer-eve": ["note", "tape", "pen", "shred"],
}
COMMANDS = ["show", "explain", "search", "interests", "merge", "rename", "pin", "undo"]
COMMANDS += ["compare", "forget", "export", "datasette", "verify", "status"]
# Directions of meaning: writing, shredding, desk.
MEANING = {
    "pen": (1, 0, 0),
    "refill": (1, 0, 0.1),
    "note": (0.2, 0, 1),
    "shred": (0, 1, 0),
    "oil": (0, 1, 0.1),
    "tape": (0, 0.1, 1),
}


@dataclass(frozen=True)
class Interest:
    label: str
    description: str
    evidence: Sequence[str]


PENS = Interest("Gel pens and refills", "Writes with refillable gel pens.", ["pen", "refill"])
PAPER = Interest("Recycled paper", "Prefers recycled paper notes.", ["note"])
SHREDDING = Interest("Paper shredding", "Destroys confidential papers.", ["shred", "oil"])
REFILLS = Interest("Refillable gel pens", "Buys gel pens that can be refilled.", ["pen"])
VECTORS = [(PENS, (1, 0, 0)), (PAPER, (0, 0, 1)), (SHREDDING, (0, 1, 0)), (REFILLS, (1, 0.1, 0))]


def unit(values: Sequence[float]) -> np.ndarray:
    vector = np.asarray(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def fill(path: Path) -> Path:
    """Make the store: two exemplars, one synthetic user, answers, vectors, assignments."""
    import polars as pl

    rows = [
        (user, item, 1_000 + place)
        for user, items in HISTORIES.items()
        for place, item in enumerate(items)
    ]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    items = pl.DataFrame({"item_id": list(TITLES), "title": list(TITLES.values())})
    with open_store(path, create=True) as store:
        store.datasets.save(prepare(read((log, items))), "frames")
        run = store.runs.start("build", {})
        _choose(store, run)
        _answer(store, run, "exemplar:customer-ada", [PENS, PAPER])
        _answer(store, run, "exemplar:customer-cyd", [SHREDDING])
        _answer(store, run, "synthetic:0123456789ab", [REFILLS])
        _encode(store)
        _assign(store)
    return path


def _choose(store: Store, run: int) -> None:
    dataset = store.datasets.load()
    users = dataset.user_index
    rows = [
        SubjectRow(
            "exemplar",
            f"exemplar:{user}",
            users[user],
            dataset.history(users[user]).tolist(),
            members=[users[one] for one in members],
            similarities=[1.0] + [0.5] * (len(members) - 1),
        )
        for user, members in (
            ("customer-ada", ["customer-ada", "customer-bob", "customer-eve"]),
            ("customer-cyd", ["customer-cyd", "customer-dee"]),
        )
    ]
    store.subjects.choose("exemplar", rows, run)
    ada, bob, eve = users["customer-ada"], users["customer-bob"], users["customer-eve"]
    both = [dataset.item_index[item] for item in ("pen", "refill", "note")]
    synthetic = SubjectRow(
        "synthetic", "synthetic:0123456789ab", None, both, [2, 2, 2], [ada, bob, eve], [0.7] * 3
    )
    store.subjects.choose("synthetic", [synthetic], run)


def _answer(store: Store, run: int, name: str, interests: Sequence[Interest]) -> None:
    subject = next(s for s in store.subjects.load() if s.name == name)
    dataset = store.datasets.load()
    shown = [f"- {dataset.titles[i]} ({dataset.item_ids[i]})" for i in subject.items]
    words = f"Somebody called {name} has bought, in this very order: " + "\n".join(shown)
    raw = json.dumps({"interests": [vars(one) for one in interests], "about": f"answer on {name}"})
    request = f"s256:request-{name}"
    ticket = store.responses.open_call(
        NewAttempt(request, subject.subject_id, run, "ask", 0.1, 100),
        owner="test",
        clock=0.0,
        lease_s=10.0,
    )
    response = store.responses.close_answered(
        ticket.attempt_id,
        NewResponse(
            request,
            Prompt([{"role": "user", "content": words}], {"type": "object"}, "t", "s256:t"),
            subject.subject_id,
            run,
            "openai:m",
            raw,
            shown=subject.items,
            tokens_in=50,
            tokens_out=20,
            cost_usd=0.01,
            reasoning=f"What a model thought of {name} before it answered.",
        ),
        owner="test",
    )
    store.interests.save(subject.subject_id, interests, source="openai:m", response_id=response)
    store.responses.settle(response, "ok", {})


def _encode(store: Store) -> None:
    store.set_meta(encoder="m", item_text="title", history_vector="mean")
    texts = [(TITLES[item], meaning) for item, meaning in MEANING.items()]
    texts += [(f"{one.label}. {one.description}", meaning) for one, meaning in VECTORS]
    store.vectors.put(
        "m", [text_digest(t) for t, _ in texts], np.stack([unit(meaning) for _, meaning in texts])
    )


def _assign(store: Store) -> None:
    """bob: shredding by its own shredder, which its exemplar's interests do not know."""
    dataset = store.datasets.load()
    ids = {row["label"]: row["interest_id"] for row in rows_of(store, "interests")}
    store.interests.save_assignments(
        [dataset.user_index["customer-bob"]],
        np.array([0, 2]),
        np.array([ids[PENS.label], ids[SHREDDING.label]]),
        np.array([0.6, 0.3]),
        np.array([0, 1, 2]),
        np.array([dataset.item_index["pen"], dataset.item_index["shred"]]),
        np.array([0.9, 0.8]),
    )


def rows_of(store: Store, table: str) -> list[dict[str, Any]]:
    queries = {
        "interests": "SELECT * FROM interests ORDER BY interest_id",
        "edits": "SELECT * FROM edits ORDER BY edit_id",
        "attempts": "SELECT * FROM attempts ORDER BY attempt_id",
        "subjects": "SELECT * FROM subjects ORDER BY subject_id",
        "subject_items": "SELECT * FROM subject_items ORDER BY subject_id, position",
        "responses": "SELECT * FROM responses ORDER BY response_id",
        "questions": "SELECT * FROM questions ORDER BY request_digest",
        "vectors": "SELECT * FROM vectors ORDER BY digest",
    }
    with store.read() as connection:
        return [dict(row) for row in connection.exec_driver_sql(queries[table]).mappings()]


def runner(capsys: Any) -> Callable[..., tuple[int, str, str]]:
    """Run the program as typed: exit code, standard output, standard error."""

    def run(*args: object) -> tuple[int, str, str]:
        code = cli.run(cli.profiler_app, "profiler", [str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return run
