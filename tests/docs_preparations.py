"""What a page takes for granted: files its reader has, and a model that answers.

A page names one of these in a comment before a block (see :mod:`tests.docs_examples`). The model is
a server on this machine that speaks the OpenAI protocol; the programs find it by the environment
variables that OpenAI's own client reads.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.chat_server import ChatServer, results
from tests.llm_server import Call, LlmServer, Step

PREPARATIONS: dict[str, Callable[[Any], None]] = {}


def preparation(work: Callable[[Any], None]) -> Callable[[Any], None]:
    PREPARATIONS[work.__name__.replace("_", " ")] = work
    return work


@preparation
def the_shop(session: Any) -> None:
    """The sample shop and its store, as on the pages that make them."""
    from tests.test_docs import BUILD_SHOP, MAKE_SHOP

    session.program(MAKE_SHOP, None)
    session.program(BUILD_SHOP, None)


@preparation
def a_model_that_answers(session: Any) -> None:
    """A shop without a store yet, and a model that at first answers some subjects wrongly."""
    from tests.test_docs import MAKE_SHOP

    session.program(MAKE_SHOP, None)
    asked: Counter[tuple[str, ...]] = Counter()

    def script(call: Call) -> Step:
        items = shown_titles(call.text)
        asked[items] += 1
        stubborn = crc32(items[0].encode()) % 5 == 1
        if stubborn and asked[items] <= 3:
            return Step(text="This person enjoys a good many different things.")
        return Step(text=json.dumps(shop_interests(items)))

    serve(session, LlmServer(script))


def shown_titles(prompt: str) -> tuple[str, ...]:
    """Titles of the items that a prompt lists, in the order of their numbers."""
    return tuple(re.findall(r"^\[\d+\] (.*)$", prompt, re.M))


def shop_interests(items: tuple[str, ...]) -> dict[str, Any]:
    """A valid answer over the items shown: one interest for each four of them."""
    groups = [items[start : start + 4] for start in range(0, len(items), 4)]
    return {
        "interests": [
            {
                "label": f"Things such as {group[0]} ({place + 1})",
                "description": f"Chooses things that go with {group[0]} and {group[-1]}.",
                "evidence": list(range(4 * place + 1, 4 * place + 1 + len(group))),
            }
            for place, group in enumerate(groups[:20])
        ]
    }


@preparation
def a_model_that_looks_things_up(session: Any) -> None:
    """The sample shop, and a model that searches, reads one interest and answers."""
    the_shop(session)

    def script(messages: list[dict[str, Any]]) -> Any:
        found = results(messages)
        if not found:
            return [("search_interests", {"query": "craft coffee espresso"})]
        hits = found[0]
        if len(found) == 1:
            return [("show_interest", {"interest_id": int(hits[0]["cite"][2:-1])})]
        first, second = hits[:2]
        item = found[1]["evidence"][0]
        return (
            f"{first['users']} users are reached by the interest in {words_of(first['label'])} "
            f"{first['cite']}. It rests on items such as {item['title']} {item['cite']}. "
            f"A second interest, {words_of(second['label'])}, reaches {second['users']} users "
            f"{second['cite']}. They surely also like tea."
        )

    serve(session, ChatServer(script))


def words_of(label: str) -> str:
    return label.partition(": ")[2].lower() or label.lower()


def serve(session: Any, server: LlmServer) -> None:
    """Start a server for the rest of the page and point OpenAI's client at it."""
    session.context.enter_context(server)
    keep(session, OPENAI_API_KEY="sk-TEST", OPENAI_BASE_URL=server.base_url)


def keep(session: Any, **settings: str) -> None:
    """Set environment variables for the rest of the page."""
    for name, value in settings.items():
        os.environ[name] = value
        session.context.callback(os.environ.pop, name, None)


@preparation
def answers_from_a_batch_service(session: Any) -> None:
    """``output.jsonl``: an answer to each line of ``requests.jsonl``."""
    with Path("requests.jsonl").open() as asked, Path("output.jsonl").open("w") as answers:
        for line in asked:
            request = json.loads(line)
            shown = "\n".join(m["content"] for m in request["body"]["messages"])
            items = shown_titles(shown)
            text = json.dumps(shop_interests(items))
            answers.write(json.dumps({"custom_id": request["custom_id"], "text": text}) + "\n")


@preparation
def data_of_your_own(session: Any) -> None:
    """``DATA``: the sample shop under the name that the page uses."""
    from tests.test_docs import MAKE_SHOP

    session.program(MAKE_SHOP, None)
    shutil.copytree("shop", "DATA")
    keep(session, OPENAI_API_KEY="sk-TEST")


@preparation
def a_broken_log(session: Any) -> None:
    """``log.csv`` and ``items.csv`` with the four mistakes that the page shows."""
    Path("log.csv").write_text(
        "user_id,item_id,timestamp\nu1,pen,2014-01-31\nu1,ink,2014-02-01\n"
        "u1,pen,yesterday\nu2;ink;1391212800\n,pen,1391212800\n"
    )
    Path("items.csv").write_text("item_id,title\npen,Pen\nink,\npen,Pen again\n")


@preparation
def frames(session: Any) -> None:
    """``log`` and ``items`` as frames, as somebody has them in Python."""
    import polars as pl

    rows = [
        (f"u{u}", f"i{i}", 1_000 + n) for u in range(20) for n, i in enumerate(range(u % 5, 15))
    ]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    items = pl.DataFrame({"item_id": [f"i{i}" for i in range(15)], "title": ["A thing"] * 15})
    session.names |= {"log": log, "items": items}


@preparation
def a_file_of_new_users(session: Any) -> None:
    """``new.tsv``: a user like those of the shop, one whose item has no text, a mixed one."""
    the_shop(session)
    rows = ["user_id\titem_id\tposition"]
    rows += [f"N1\tP{n:03d}\t{place}" for place, n in enumerate((173, 159, 214))]
    rows += ["N2\tUNKNOWN\t0"]
    rows += [f"N3\tP{n:03d}\t{place}" for place, n in enumerate((1, 2, 3))]
    Path("new.tsv").write_text("\n".join(rows) + "\n")


@preparation
def a_prompt_with_a_mistake(session: Any) -> None:
    """``mine/exemplar_interests.yaml``: ours, with a variable not declared."""
    copy_prompt(r"^  max_interests:.*\n", "")


@preparation
def a_prompt_of_your_own(session: Any) -> None:
    """``mine/exemplar_interests.yaml``: ours, with one line changed."""
    copy_prompt("two to five words that set it apart from the others", "three words at most")


def copy_prompt(pattern: str, replacement: str) -> None:
    import prompts

    source = Path(prompts.__file__).parent / "templates" / "exemplar_interests.yaml"
    text = source.read_text("utf-8")
    changed = re.sub(pattern, replacement, text, flags=re.M)
    assert changed != text
    Path("mine").mkdir(exist_ok=True)
    Path("mine/exemplar_interests.yaml").write_text(changed, "utf-8")


@preparation
def arrays_of_the_store(session: Any) -> None:
    """The arrays that the page's last example takes, from the shop's store."""
    the_shop(session)
    from profiler.assignment.cover_history import assign_catalogue
    from store.store import open_store

    with open_store(Path("shop.db")) as store:
        dataset, catalogue = store.datasets.load(), store.interests.catalogue()
        indptr, items = dataset.visible()
        session.names |= {
            "assign_catalogue": assign_catalogue,
            "indptr": indptr,
            "items": items,
            "item_vectors": store.vectors.items(),
            "interest_vectors": store.vectors.interests()[1],
            "evidence_indptr": catalogue.indptr,
            "evidence_items": catalogue.items,
        }
