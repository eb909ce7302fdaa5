"""A store with nominated cases, and a model that answers about them, for tests of hints."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from store.data.prepare import prepare
from store.data.readers import read
from store.store import Store, open_store
from store.tables.tasks.cases import Case, Nomination
from tests.llm_server import Call, Step

WORDS = ["amber", "basil", "cedar", "denim", "ebony", "flint", "gravel", "heather", "ivory", "jute"]
N_ITEMS = 40
CANDIDATES = 20
HELD = "Zanzibar canary"
"""Title of an item that only held-out interactions have."""
TOKEN = re.compile(r"\((p\d+)\)$", re.M)


def make_store(path: Path, cases: int = 6, *, missed: int = 6) -> Store:
    """Users ``u0`` … with 8 items each, and a case of each: the target misses the first ten.

    The first ``missed`` cases have their target at place 15 of the candidates, the others at the
    first place, so that a model that names the first ten misses the former.
    """
    rows = [
        (f"u{user}", f"p{(user * 3 + step) % N_ITEMS}", 100 + step)
        for user in range(cases)
        for step in range(8)
    ]
    rows += [(f"u{user}", "held", 200 + again) for user in range(cases) for again in range(2)]
    rows += [("reader", f"p{item}", item + 1) for item in range(N_ITEMS)]
    rows += [("reader", "held", 300), ("reader", "held", 301)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    titles = [
        (f"p{n}", f"{WORDS[n % 10].title()} {WORDS[n // 10].title()} no {n}", f"Kind {n % 4}")
        for n in range(N_ITEMS)
    ]
    schema = ["item_id", "title", "categories"]
    items = pl.DataFrame([*titles, ("held", HELD, "Kind 9")], schema=schema, orient="row")
    store = open_store(path, create=True)
    store.datasets.save(prepare(read((log, items)), split="leave-one-out"), "test")
    store.cases.save(
        Nomination("teacher", "itemknn", "random", 0, {"n": cases}),
        [_case(store, user, user < missed) for user in range(cases)],
        data="d",
    )
    return store


def _case(store: Store, user: int, misses: bool) -> Case:
    dataset = store.datasets.load()
    user_ix = dataset.user_index[f"u{user}"]
    own = dataset.history(user_ix).tolist()
    history, target = own[:-1], own[-1]
    hidden = dataset.item_index["held"]
    others = [ix for ix in range(dataset.n_items) if ix not in own and ix != hidden]
    candidates = others[: CANDIDATES - 1]
    candidates.insert(14 if misses else 0, target)
    return Case("teacher", user_ix, tuple(history), target, tuple(candidates), -0.5)


def candidates_of(text: str) -> list[str]:
    """IDs of the candidates in a prompt, in their order."""
    block = text.partition("<<<items")[2].partition("<<<end")[0]
    return TOKEN.findall(block)


def reflecting(
    hints: Callable[[list[str]], list[str]] = lambda ids: [f"Look at the middle of {WORDS[3]}."],
    mends: Callable[[str], bool] = lambda text: True,
) -> Callable[[Call], Step]:
    """A model that names the first ten, reflects, and names the last ten where a hint says so."""

    def script(call: Call) -> Step:
        return Step(text=json.dumps(answer(call)))

    def answer(call: Call) -> dict[str, Any]:
        asked = call.body["messages"][-1]["content"]
        ids = candidates_of(call.text)
        if '"mistakes"' in asked:
            return {"mistakes": ["The order was followed.", "The kind was overlooked."]}
        if '"causes"' in asked:
            return {"causes": ["It goes with what was chosen before."]}
        if '"hints"' in asked:
            return {"hints": hints(ids)}
        advice = re.search(r"^Advice: (.*)$", asked, re.M)
        return {"items": ids[-10:] if advice and mends(advice[1]) else ids[:10]}

    return script


def spoilt(kind: str, call: Call, script: Callable[[Call], Step]) -> Step:
    """The answer of a script gone wrong in a way of :data:`tests.llm_server.KINDS`."""
    text = script(call).text or ""
    said = json.loads(text)
    (key,) = said
    wrong = {
        "empty": "",
        "refusal": "",
        "fenced": f"```json\n{text}\n```\n",
        "trailing_comma": text[:-2] + ",]}",
        "truncated": text[: len(text) // 2],
        "wrong_type": json.dumps({key: 3}),
        "extra_key": json.dumps(said | {"mood": "sunny"}),
        "foreign_evidence": json.dumps(
            {key: [*said[key][:-1], "s999-i0"] if key == "items" else []}
        ),
        "duplicate_interests": json.dumps({key: said[key][:1] * 8}),
        "two_objects": text + "\n" + text,
        "prose": "I would look at it from several sides.",
    }
    return Step(kind, text=wrong.get(kind, text))
