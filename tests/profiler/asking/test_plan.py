"""Interests that another model, prompt or the extractor made are no answer to this question."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import profiler
from profiler.asking.forecast import forecast
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.runner import retry_failed, run_asking
from profiler.exchange.batch_options import BatchOptions
from profiler.exchange.batch_rows import address_of
from profiler.exchange.batches import import_responses, write_requests
from profiler.llm.budget import Caps
from profiler.llm.registry import method_for, open_chat
from profiler.offline.extractor import OfflineExtractor
from prompts import Template, load_template
from store.data.sample import write_sample
from store.errors import BudgetReachedError, ProviderRefusedError
from store.store import Store, open_store
from store.upkeep.edits import pin
from store.upkeep.verify import verify
from tests.asking_store import fast, make_store, scalar
from tests.llm_server import Call, LlmServer, Step

FIRST, SECOND = "openai:gpt-4o-mini", "openai:gpt-3.5-turbo"


def ask(
    store: Store, server: LlmServer, template: Template, model: str = FIRST, **options: Any
) -> AskingSummary:
    port = open_chat(model, base_url=server.base_url)
    return run_asking(
        store, store.subjects.load(), port, template=template, options=fast(**options)
    )


def sources(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.exec_driver_sql("SELECT source FROM interests").scalars())


def rows(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT interest_id, subject_id, label, source, response_id FROM interests"
        ).all()
    return [tuple(row) for row in found]


def all_of_it(prompt: str) -> str:
    """A good answer about any items: the numbers stand in brackets at the beginning of lines."""
    ids = [int(n) for n in re.findall(r"^\[(\d+)\] ", prompt, re.MULTILINE)]
    interests = [{"label": "All of it", "description": "Likes these.", "evidence": ids}]
    return json.dumps({"interests": interests})


def from_list(call: Call) -> Step:
    return Step(text=all_of_it(call.text))


def test_what_the_extractor_said_is_asked_of_the_model(tmp_path: Path) -> None:
    shop, path = tmp_path / "shop", tmp_path / "s.db"
    write_sample(shop, users=60)
    offline = profiler.build(shop, path, asking=fast(caps=Caps(calls=1)))
    assert offline.asking is not None
    with open_store(path) as store:
        assert store.responses.spent().calls == 0  # the extractor calls nobody
    with LlmServer(from_list) as server:
        port = open_chat(FIRST, base_url=server.base_url)
        planned = profiler.build(shop, path, llm=port, dry_run=True)
        assert server.record.total == 0
        built = profiler.build(shop, path, llm=port, asking=fast())
        calls = server.record.total
        again = profiler.build(shop, path, llm=port, asking=fast())
        assert server.record.total == calls
    assert calls == offline.asking.ok == sum(one.calls.low for one in planned.forecast.values())
    assert calls == sum(one.anew for one in planned.forecast.values())
    assert "to replace other interests" in planned.forecast["exemplar"].in_words()
    assert built.asking is not None
    assert again.asking is not None
    assert (built.asking.ok, built.asking.pending, built.asking.calls) == (calls, 0, calls)
    assert (again.asking.ok, again.asking.calls, again.asking.cached) == (calls, 0, 0)
    with open_store(path) as store:
        assert sources(store) == {FIRST}
        before = rows(store)
    profiler.build(shop, path)  # the extractor replaces nothing
    with open_store(path) as store:
        assert rows(store) == before
        assert verify(store)[1] == []


def test_the_correction_comes_from_the_same_folder_as_the_questions(tmp_path: Path) -> None:
    shop, prompts = tmp_path / "shop", tmp_path / "prompts"
    write_sample(shop, users=60)
    prompts.mkdir()
    own = "name: reask\npurpose: ours\ntask: reask\nuser: Once more, our way.\n"
    (prompts / "reask.yaml").write_text(own, encoding="utf-8")
    corrections: list[str] = []

    def first_refused(call: Call) -> Step:
        if "Once more, our way." in call.text:
            corrections.append(call.text)
        return Step(text=all_of_it(call.text) if corrections else "no JSON at all")

    with LlmServer(first_refused) as server:
        port = open_chat(FIRST, base_url=server.base_url)
        config = profiler.BuildConfig(prompts=prompts)
        built = profiler.build(shop, tmp_path / "s.db", config=config, llm=port, asking=fast())
    assert corrections
    assert built.asking is not None
    assert built.asking.quarantined == 0


def test_another_model_is_asked_and_the_first_is_not_paid_twice(
    tmp_path: Path, template: Template
) -> None:
    with make_store(tmp_path / "s.db", 5) as store, LlmServer() as server:
        assert ask(store, server, template).calls == 5
        assert ask(store, server, template, SECOND).calls == 5
        assert sources(store) == {SECOND}
        back = ask(store, server, template)
        assert (back.calls, back.cached, back.ok) == (0, 5, 5)
        assert sources(store) == {FIRST}
        assert ask(store, server, template).cached == 0


def test_another_prompt_is_another_question(tmp_path: Path, template: Template) -> None:
    other = Template.model_validate(
        {**template.model_dump(), "system": template.system + "\nBe brief."}
    )
    with make_store(tmp_path / "s.db", 4) as store, LlmServer() as server:
        ask(store, server, template)
        assert ask(store, server, other, only_pending=True).calls == 0
        assert ask(store, server, other).calls == 4
        assert ask(store, server, other).calls == 0
        assert ask(store, server, other, temperature=0.7).calls == 4


def test_an_answer_to_a_correction_is_an_answer(tmp_path: Path, template: Template) -> None:
    def corrected(call: Call) -> Step:
        return Step("valid" if "=== Correction ===" in call.text else "prose")

    with make_store(tmp_path / "s.db", 3) as store, LlmServer(corrected) as server:
        assert ask(store, server, template).calls == 6
        before = rows(store)
        again = ask(store, server, template)
        assert (again.calls, again.cached, again.ok) == (0, 0, 3)
        assert rows(store) == before


def bring(store: Store) -> None:
    """The first subject's interests come from elsewhere, one of the second's is pinned."""
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE interests SET source = 'import:mine', response_id = NULL WHERE subject_id = 1"
        )
    pin(store, int(scalar(store, "SELECT min(interest_id) FROM interests WHERE subject_id=2")))


def test_what_people_brought_stays(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "s.db", 4) as store, LlmServer() as server:
        ask(store, server, template)
        bring(store)
        before = [row for row in rows(store) if row[1] in (1, 2)]
        assert ask(store, server, template, SECOND).calls == 2
        assert [row for row in rows(store) if row[1] in (1, 2)] == before


def test_a_replacement_that_is_stopped_goes_on(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "s.db", 6) as store, LlmServer() as server:
        ask(store, server, template)
        with pytest.raises(BudgetReachedError, match="2 ok, 0 quarantined, 4 pending"):
            ask(store, server, template, SECOND, caps=Caps(calls=8), concurrency=1)
        assert sources(store) == {FIRST, SECOND}  # the others keep what they had meanwhile
        assert ask(store, server, template, SECOND).calls == 4
        assert sources(store) == {SECOND}


def test_a_quarantined_subject_keeps_no_other_interests(tmp_path: Path, template: Template) -> None:
    kind = "valid"
    with make_store(tmp_path / "s.db", 3) as store, LlmServer(lambda call: Step(kind)) as server:
        ask(store, server, template)
        kind = "prose"
        summary = ask(store, server, template, SECOND)
        assert (summary.ok, summary.quarantined, summary.pending) == (0, 3, 0)
        assert rows(store) == []
        assert verify(store)[1] == []


@pytest.mark.parametrize("model", [FIRST, SECOND])
def test_dry_run_requests_and_build_ask_the_same(
    tmp_path: Path, template: Template, model: str
) -> None:
    with make_store(tmp_path / "s.db", 5) as store, LlmServer() as server:
        ask(store, server, template, "openai:gpt-4.1-nano")  # so that all have interests already
        port = open_chat(model, base_url=server.base_url)
        plan = forecast(
            store, store.subjects.load(), port, template=template, options=AskingOptions()
        )
        options = BatchOptions(
            llm=model,
            templates={"exemplar": template},
            reask=load_template("reask"),
            base_url=server.base_url,
            method=method_for(model, server.base_url),
        )
        count = write_requests(store, tmp_path / "r.jsonl", options)
        lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
        server.reset()
        ask(store, server, template, model)
        bodies = {json.dumps(call.body, sort_keys=True) for call in server.record.calls}
        with store.read() as connection:
            sent = set(
                connection.exec_driver_sql(
                    "SELECT request_digest FROM responses WHERE model = ?", (model,)
                ).scalars()
            )
        assert count == plan.calls.low == plan.anew == server.record.total == 5
        assert {address_of(line["custom_id"]) for line in lines} == sent
        assert {
            json.dumps({**line["body"], "stream": False}, sort_keys=True) for line in lines
        } == {json.dumps({**json.loads(body), "stream": False}, sort_keys=True) for body in bodies}
        assert write_requests(store, tmp_path / "none.jsonl", options) == 0


def test_imported_answers_replace_the_extractors(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "s.db", 2) as store, LlmServer() as server:
        ask(store, server, template)
        options = BatchOptions(
            llm=SECOND, templates={"exemplar": template}, reask=load_template("reask")
        )
        write_requests(store, tmp_path / "r.jsonl", options)
        lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
        answers = [
            {
                "custom_id": line["custom_id"],
                "text": all_of_it(line["body"]["messages"][1]["content"]),
            }
            for line in lines
        ]
        file = tmp_path / "a.jsonl"
        file.write_text("\n".join(map(json.dumps, answers)))
        report = import_responses(store, file)
        assert (report.new, report.ok, report.unpriced, report.cost_usd) == (2, 2, 2, 0.0)
        assert sources(store) == {SECOND}


@pytest.mark.parametrize("how", ["prose", "truncated", "too_long", "server_error"])
def test_what_a_stronger_model_rescued_stays(tmp_path: Path, template: Template, how: str) -> None:
    """Fault: the same build again asked the weak model anew and left no interests."""

    def weak_fails(call: Call) -> Step:
        weak = call.body["model"] == FIRST.partition(":")[2]
        return Step(how if weak and call.subject < 3 else "valid")

    with make_store(tmp_path / "s.db", 5) as store, LlmServer(weak_fails) as server:
        first = ask(store, server, template)
        assert (first.ok, first.quarantined) == (2, 3)
        strong = open_chat(SECOND, base_url=server.base_url)
        retried = retry_failed(store, strong, templates={"exemplar": template}, options=fast())
        assert (retried.ok, retried.calls) == (3, 3)
        before = rows(store)
        again = ask(store, server, template)
        assert (again.ok, again.quarantined, again.pending, again.calls) == (5, 0, 0, 0)
        assert rows(store) == before
        assert sources(store) == {FIRST, SECOND}
        assert ask(store, server, template, temperature=0.7).calls > 0, "another question"


def test_what_a_larger_limit_rescued_stays(tmp_path: Path, template: Template) -> None:
    def short_is_cut(call: Call) -> Step:
        return Step("valid" if call.body["max_tokens"] > 1_000 else "truncated")

    with make_store(tmp_path / "s.db", 2) as store, LlmServer(short_is_cut) as server:
        assert ask(store, server, template, max_tokens=100).quarantined == 2
        port = open_chat(FIRST, base_url=server.base_url)
        retry_failed(store, port, templates={"exemplar": template}, options=fast(max_tokens=4_000))
        assert store.subjects.counts() == {"exemplar": {"ok": 2}}
        again = ask(store, server, template, max_tokens=100)
        assert (again.ok, again.calls) == (2, 0)


def test_an_outage_takes_no_interests_away(tmp_path: Path, template: Template) -> None:
    kind = "valid"
    with make_store(tmp_path / "s.db", 4) as store, LlmServer(lambda call: Step(kind)) as server:
        ask(store, server, template)
        before = rows(store)
        kind = "server_error"
        summary = ask(store, server, template, SECOND)
        assert (summary.ok, summary.quarantined, summary.pending) == (0, 0, 4)
        assert rows(store) == before
        with pytest.raises(ProviderRefusedError, match="the same command again"):
            ask(store, server, template, SECOND, give_up_after=2)
        kind = "valid"
        assert ask(store, server, template, SECOND).ok == 4
        assert sources(store) == {SECOND}


def pending_again(store: Store) -> None:
    """As after other items are to be shown: pending, with the interests that are there."""
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE subjects SET state = 'pending'")


def test_pending_subjects_keep_what_was_paid_or_brought(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "s.db", 3) as store, LlmServer() as server:
        ask(store, server, template)
        bring(store)
        pending_again(store)
        before = rows(store)
        assert ask(store, server, template, SECOND, only_pending=True).calls == 0
        store.set_meta(split={"name": "none", "detail": ""})
        extractor = OfflineExtractor(store.datasets.load(), np.zeros((18, 4), np.float32))
        run_asking(store, store.subjects.load(), extractor, template=template, options=fast())
        assert rows(store) == before
        assert ask(store, server, template, SECOND).calls == 1
        assert [row for row in rows(store) if row[1] != 3] == [row for row in before if row[1] != 3]
