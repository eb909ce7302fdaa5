"""Questions of cards and layers in files and batches: read as answered, found by a later run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler.describe import CardSettings, describe_items
from profiler.exchange.batch_options import BatchOptions
from profiler.exchange.batches import import_responses, write_requests
from profiler.exchange.provider_batches import fetch, submit
from profiler.layers import LayerSettings, describe_layers
from profiler.llm.budget import Caps
from profiler.llm.prices import Price, Prices
from profiler.llm.registry import method_for, opening_of
from prompts import load_template
from store.errors import UserError
from store.store import Store
from store.tables.tasks.cards import Card
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from tests.asking_store import MODEL, chat, fast, scalar, shop
from tests.batch_server import BatchServer

URL = "http://127.0.0.1:9/v1"
TEMPLATES = {"cards": "item_cards", "layers": "describe_layer"}


def options(task: str, url: str = URL, **more: Any) -> BatchOptions:
    fields: dict[str, Any] = {"max_tokens": {"cards": 4_000, "layers": 1_000}[task]}
    fields |= {"token_budget": {"cards": 6_000, "layers": 3_000}[task]}
    return BatchOptions(
        llm=MODEL,
        templates={task: load_template(TEMPLATES[task])},
        reask=load_template("reask"),
        base_url=url,
        method=method_for(MODEL, url),
        task=task,
        **(fields | more),
    )


def cards_of(text: str) -> str:
    ids = re.findall(r"\((s\d+-i\d+)\)", text.partition("Task:")[0])
    return json.dumps({"cards": [{"id": one, "card": f"Of {one}.", "next": []} for one in ids]})


def description_of(text: str) -> str:
    return json.dumps({"description": f"Said of {len(text)} signs, {hash(text) % 10_007}."})


def row(custom_id: str, text: str) -> dict[str, Any]:
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    body = {
        "model": "m",
        "choices": [choice],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9},
    }
    return {
        "custom_id": custom_id,
        "response": {"status_code": 200, "body": body},
        "error": None,
    }


def round_trip(
    store: Store, tmp_path: Path, asked: BatchOptions, answer: Callable[[str], str]
) -> int:
    """Write questions, answer them, import the answers; how many there were."""
    out, back = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    count = write_requests(store, out, asked, overwrite=True)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    rows = [row(one["custom_id"], answer(one["body"]["messages"][1]["content"])) for one in lines]
    back.write_text("".join(json.dumps(one) + "\n" for one in rows))
    if rows:
        report = import_responses(store, back)
        assert (report.new, report.waiting) == (count, 0)
        assert import_responses(store, back).new == 0
    return count


def test_cards_come_by_file_and_a_run_buys_nothing_more(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store:
        asked = options("cards", choices={"items": 4})
        hidden = store.datasets.item_texts()[-1].item_ix
        store.cards.save([Card(hidden, "Ours.", (), "import:mine", "d")])
        assert round_trip(store, tmp_path, asked, cards_of) == 3
        assert len(store.cards.load()) == 10
        found = describe_items(
            store, chat(URL), settings=CardSettings(items=4), options=fast(max_tokens=4_000)
        )
        assert found.asking is not None
        assert (found.asking.subjects, found.asking.calls) == (0, 0)
        assert write_requests(store, tmp_path / "r.jsonl", asked) == 0
        assert verify(store)[1] == []


def test_groups_stay_as_they_were_asked_and_what_was_brought_meanwhile_stays(
    tmp_path: Path,
) -> None:
    with shop(tmp_path / "s.db") as store:

        def answer(text: str) -> str:
            # Somebody brings a card of the first item between question and answer.
            store.cards.save([Card(0, "Ours.", (), "import:mine", "d")])
            return cards_of(text.replace(f"({'hidden'})", "(s9-i9)")).replace("s9-i9", "hidden")

        round_trip(store, tmp_path, options("cards", choices={"items": 4}), answer)
        cards = store.cards.load()
        assert (cards[0].card, cards[1].card, len(cards)) == ("Ours.", "Of s0-i1.", 10)


def test_layers_come_by_file_one_after_the_other(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store:
        asked = options("layers", choices={"layers": 2, "who": "all"})
        assert round_trip(store, tmp_path, asked, description_of) == 12
        layers = {layer for _, layer in store.descriptions.load()}
        assert layers == {1}
        assert round_trip(store, tmp_path, asked, description_of) == 12
        assert {layer for _, layer in store.descriptions.load()} == {1, 2}
        assert round_trip(store, tmp_path, asked, description_of) == 0
        assert verify(store)[1] == []
        done = describe_layers(
            store,
            chat(URL),
            settings=LayerSettings(layers=2, who="all"),
            options=fast(max_tokens=1_000),
        )
        assert [(one.asking.subjects, one.asking.calls) for one in done] == [(0, 0), (0, 0)]


def test_a_bad_answer_gets_its_correction_and_another_bad_one_a_reason(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store:
        asked = options("layers", choices={"who": "all"})

        def wrong(text: str) -> str:
            return '{"description": 3}' if "- Item 0 0 s0-i0\n" in text else description_of(text)

        first = round_trip(store, tmp_path, asked, wrong)
        again = round_trip(store, tmp_path, asked, wrong)
        assert 0 < again < first
        assert round_trip(store, tmp_path, asked, wrong) == again
        assert round_trip(store, tmp_path, asked, wrong) == 0
        assert len(store.tasks.load("layers", ("quarantined",))) == again


def test_a_question_in_a_file_is_forgotten_with_the_user_it_quotes(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with shop(path) as store:
        title = "Told of u1 alone, as long as a title gets"
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE items SET title = ? WHERE item_ix = 4", (title,))
        asked = options("layers", choices={"who": "all"})
        assert write_requests(store, tmp_path / "r.jsonl", asked) == 12
        forget_user(store, "u1")
        quoting = "SELECT count(*) FROM prompts WHERE messages LIKE '%Told of u1 alone%'"
        assert scalar(store, quoting) == 0
        assert scalar(store, "SELECT count(*) FROM questions") < 12
        assert verify(store)[1] == []


@pytest.mark.parametrize(
    ("task", "choices", "error"),
    [
        ("cards", {"items": 0}, "greater than or equal to 1"),
        ("layers", {"depth": 2}, "choices are layers, who, neighbours, seed"),
        ("layers", {"who": "nobody"}, "who"),
    ],
)
def test_choices_that_cannot_be_met(
    tmp_path: Path, task: str, choices: dict[str, Any], error: str
) -> None:
    with shop(tmp_path / "s.db") as store, pytest.raises(UserError, match=error):
        write_requests(store, tmp_path / "r.jsonl", options(task, choices=choices))


def test_a_provider_s_batch_asks_other_tasks_too(tmp_path: Path) -> None:
    def answered(sent: dict[str, Any]) -> dict[str, Any]:
        return row(sent["custom_id"], description_of(sent["body"]["messages"][1]["content"]))

    prices = Prices({MODEL: Price(input=1.0, output=2.0, batch=0.5)}, {})
    from profiler.exchange.batch_services import open_batches

    with shop(tmp_path / "s.db") as store, BatchServer(answered) as server:
        asked = options("layers", server.base_url, choices={"who": "all"})
        service = open_batches(opening_of(MODEL, base_url=server.base_url))
        assert submit(store, asked, service, caps=Caps(), prices=prices) == (12, 1)
        assert submit(store, asked, service, caps=Caps(), prices=prices) == (0, 0)
        # A run meanwhile asks nothing that is with the provider.
        done = describe_layers(
            store,
            chat(URL.replace(":9", f":{server.base_url.rpartition(':')[2].split('/')[0]}")),
            settings=LayerSettings(who="all"),
            options=fast(max_tokens=1_000),
        )
        assert (done[0].asking.calls, done[0].asking.pending) == (0, 12)
        found = fetch(store, asked, service, prices)
        assert (found.answered, found.failed) == (12, 0)
        assert len(store.descriptions.load()) == 12
        assert verify(store)[1] == []


def test_a_question_that_nobody_answers_is_quarantined(tmp_path: Path) -> None:
    def refused(sent: dict[str, Any]) -> dict[str, Any]:
        error = {"code": "invalid_prompt", "message": "not this"}
        body = {"error": error}
        failed = {"status_code": 400, "body": body}
        return {"custom_id": sent["custom_id"], "response": failed, "error": None}

    prices = Prices({MODEL: Price(input=1.0, output=2.0, batch=0.5)}, {})
    from profiler.exchange.batch_services import open_batches

    with shop(tmp_path / "s.db") as store, BatchServer(refused) as server:
        for task, choices in (("cards", {}), ("layers", {"who": "all"})):
            asked = options(task, server.base_url, choices=choices)
            service = open_batches(opening_of(MODEL, base_url=server.base_url))
            for _ in range(3):
                submit(store, asked, service, caps=Caps(), prices=prices)
                fetch(store, asked, service, prices)
            assert store.tasks.counts()[task].keys() == {"quarantined"}
