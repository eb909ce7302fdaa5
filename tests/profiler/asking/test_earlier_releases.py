"""Answers to the questions of an earlier release count, though they are put otherwise now."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.asking.conversation import ReaskPolicy
from profiler.asking.options import AskingSummary
from profiler.asking.runner import run_asking
from prompts import Template
from prompts.loader import earlier_templates
from store.store import Store
from tests.asking_store import chat, contents, fast, make_store, scalar
from tests.llm_server import Call, LlmServer, Step

THEN = earlier_templates()[-1]
CORRECTED_THEN = ReaskPolicy(2, THEN["reask"], warmer=0.0, sees_loops=False)


def ask(store: Store, server: LlmServer, template: Template, **options: object) -> AskingSummary:
    port, settings = chat(server.base_url), fast(**options)
    return run_asking(store, store.subjects.load(), port, template=template, options=settings)


@pytest.mark.parametrize("at_first", ["valid", "prose"])
def test_an_accepted_answer_of_an_earlier_release_stands(
    tmp_path: Path, template: Template, at_first: str
) -> None:
    """Fault: numbers in place of ids made another question of each, and all were paid again."""

    def script(call: Call) -> Step:
        return Step(at_first if call.nth == 0 else "valid")

    with make_store(tmp_path / "s.db", 3) as store, LlmServer(script) as server:
        then = ask(store, server, THEN["exemplar_interests"], reask_policy=CORRECTED_THEN)
        assert then.ok == 3
        paid, before = server.record.total, contents(store)
        again = ask(store, server, template)
        assert (again.ok, again.calls, server.record.total) == (3, 0, paid)
        # Also where the interests themselves are gone: the answers are read again.
        with store.write():
            for subject in store.subjects.load():
                store.interests.remove(subject.subject_id)
                store.subjects.set_state(subject.subject_id, "pending")
        again = ask(store, server, template)
        assert (again.ok, server.record.total) == (3, paid)
        assert contents(store) == before
        anew = ask(store, server, template, ask_anew=True)
        assert (anew.ok, anew.calls) == (3, 3)


def test_what_another_model_rescued_since_then_stays(tmp_path: Path, template: Template) -> None:
    """The failure under the earlier question counts as a failure of this one."""

    def script(call: Call) -> Step:
        return Step("prose" if call.body["model"] == "gpt-4o-mini" else "valid")

    with make_store(tmp_path / "s.db", 2) as store, LlmServer(script) as server:
        old = THEN["exemplar_interests"]
        assert ask(store, server, old, reask_policy=CORRECTED_THEN).quarantined == 2
        with store.write():
            for subject in store.subjects.load():
                store.subjects.set_state(subject.subject_id, "pending")
        from profiler.llm.registry import open_chat

        strong = open_chat("openai:gpt-4.1", base_url=server.base_url)
        kept = run_asking(store, store.subjects.load(), strong, template=old, options=fast())
        assert kept.ok == 2
        paid = server.record.total
        assert ask(store, server, template).ok == 2
        assert server.record.total == paid
        assert scalar(store, "SELECT group_concat(DISTINCT source) FROM interests") == (
            "openai:gpt-4.1"
        )


def test_a_prompt_of_the_users_own_has_no_earlier_release(
    tmp_path: Path, template: Template
) -> None:
    with make_store(tmp_path / "s.db", 2) as store, LlmServer() as server:
        ask(store, server, THEN["exemplar_interests"], reask_policy=CORRECTED_THEN)
        own = Template.model_validate(template.model_dump() | {"purpose": "Changed."})
        assert ask(store, server, own).calls == 2
