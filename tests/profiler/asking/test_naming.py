"""The code groups, the model names: one call a group, evidence right by construction."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import profiler
from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.forecast import forecast
from profiler.asking.options import AskingSummary
from profiler.asking.runner import retry_failed, run_asking
from profiler.asking.subjects import shown_subjects
from profiler.asking.tasks.naming import NAMING, Naming
from profiler.config import BuildConfig
from profiler.exchange.batch_options import BatchOptions
from profiler.exchange.batches import import_responses, write_requests
from profiler.llm.budget import Caps
from profiler.llm.port import Expected, Request
from profiler.shown import ShownSubject
from prompts import load_template
from store.data.sample import write_sample
from store.errors import BudgetReachedError, UserError
from store.store import Store, open_store
from store.upkeep.verify import verify
from tests.asking_store import MODEL, chat, fast, prices, scalar
from tests.llm_server import Call, LlmServer, Step

TEMPLATE = load_template("name_group")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the sample shop that the extractor spoke for."""
    folder = tmp_path_factory.mktemp("naming")
    write_sample(folder / "shop", users=60)
    config = BuildConfig(exemplars=3, synthetic_users=2)
    profiler.build(folder / "shop", folder / "s.db", config=config)
    return folder


@pytest.fixture
def path(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(built / "s.db", tmp_path / "s.db"))


def first_title(prompt: str) -> str:
    found = re.search(r"^\[1\] (.*)$", prompt, re.MULTILINE)
    return found[1] if found else ""


def name_of(prompt: str) -> str:
    label = f"Things like {first_title(prompt)}"[:60]
    return json.dumps({"label": label, "description": "Wants more of these."})


def named(call: Call) -> Step:
    return Step(text=name_of(call.text))


def ask(store: Store, server: LlmServer, **options: Any) -> AskingSummary:
    return run_asking(
        store,
        store.subjects.load(),
        chat(server.base_url),
        template=TEMPLATE,
        options=fast(**options),
    )


def groups(store: Store) -> dict[str, list[set[str]]]:
    """What each subject's items are grouped into."""
    task = NAMING.prepared(store)
    return {
        one.name: [{item.item_id for item in group} for group in task._groups.of(one)]
        for one in shown_subjects(store, store.subjects.load())
    }


def evidence(store: Store) -> dict[str, list[set[str]]]:
    found = store.subjects.load()
    return {
        one.name: [set(i.evidence) for i in store.interests.of_subject(one.subject_id)]
        for one in found
    }


def test_every_group_is_named_once_and_its_items_are_its_evidence(path: Path) -> None:
    with open_store(path) as store, LlmServer(named) as server:
        wanted = groups(store)
        number = sum(map(len, wanted.values()))
        planned = forecast(
            store,
            store.subjects.load(),
            chat(server.base_url),
            template=TEMPLATE,
            options=fast(),
        )
        assert (planned.subjects, planned.calls.low) == (len(wanted), number)
        summary = ask(store, server)
        assert (summary.ok, summary.calls, server.record.total) == (len(wanted), number, number)
        assert evidence(store) == wanted
        assert number > len(wanted)
        answers = "SELECT count(DISTINCT response_id) FROM interests"
        assert scalar(store, answers) == number
        assert scalar(store, "SELECT count(*) FROM responses WHERE outcome = 'ok'") >= number
        assert verify(store)[1] == []
        again = ask(store, server)
        assert (again.ok, again.calls) == (len(wanted), 0)


def test_groups_of_a_subject_are_asked_in_order_with_the_labels_before(path: Path) -> None:
    with open_store(path) as store, LlmServer(named) as server:
        ask(store, server)
        for name, own in groups(store).items():
            labels = [
                one.label
                for subject in store.subjects.load()
                if subject.name == name
                for one in store.interests.of_subject(subject.subject_id)
            ]
            for call in server.record.calls:
                if (
                    name_of(call.text)
                    == json.dumps({"label": labels[-1], "description": "Wants more of these."})
                    and len(own) > 1
                ):
                    assert "; ".join(labels[:-1]) in call.text
                    break
            else:
                assert len(own) == 1
        lines = [len(re.findall(r"^\[\d+\] ", one.text, re.M)) for one in server.record.calls]
        assert max(lines) <= 10


def test_a_stopped_run_goes_on_at_the_group_that_is_missing(path: Path) -> None:
    with open_store(path) as store, LlmServer(named) as server:
        number = sum(map(len, groups(store).values()))
        with pytest.raises(BudgetReachedError):
            ask(store, server, caps=Caps(calls=4), concurrency=1)
        assert server.record.total == 4
        summary = ask(store, server)
        assert server.record.total == number
        assert summary.pending == 0


def test_one_group_without_a_usable_name_is_what_a_retry_asks(path: Path) -> None:
    stubborn: list[str] = []

    def script(call: Call) -> Step:
        title = first_title(call.text)
        if "called already" in call.text and (not stubborn or title in stubborn):
            stubborn.append(title)
            return Step(text='{"label": "", "description": "x"}')
        return named(call)

    with open_store(path) as store, LlmServer(script) as server:
        number = sum(map(len, groups(store).values()))
        summary = ask(store, server, concurrency=1)
        failed = store.subjects.load(states=("quarantined",))
        assert summary.quarantined == len(failed) > 0
        assert "schema: label" in str(failed[0].reason)
        assert verify(store)[1] == []
        server.script = named
        before = server.record.total
        templates = {"exemplar": TEMPLATE, "synthetic": TEMPLATE}
        port = chat(server.base_url)
        done = retry_failed(store, port, templates=templates, options=fast())
        assert done.quarantined == 0
        good = before - 3 * summary.quarantined  # three tries each were in vain
        assert server.record.total - before == number - good


def test_groups_that_the_model_will_not_tell_apart_are_one_interest(path: Path) -> None:
    """Fault: a subject was lost because its third group was named as its first, three times."""

    def same(call: Call) -> Step:
        return Step(text='{"label": "Things", "description": "Wants things."}')

    with open_store(path) as store, LlmServer(same) as server:
        wanted = groups(store)
        summary = ask(store, server)
        assert (summary.ok, summary.quarantined) == (len(wanted), 0)
        assert summary.calls == sum(2 * len(own) - 1 for own in wanted.values())
        assert evidence(store) == {name: [set().union(*own)] for name, own in wanted.items()}
        assert ask(store, server).calls == 0
        repairs = "SELECT count(*) FROM responses WHERE detail LIKE '%merged into%'"
        assert scalar(store, repairs) == sum(len(own) - 1 for own in wanted.values())


def test_batch_files_ask_one_group_of_each_subject_at_a_time(path: Path, tmp_path: Path) -> None:
    options = BatchOptions(
        llm=MODEL,
        templates={"exemplar": TEMPLATE, "synthetic": TEMPLATE},
        reask=load_template("reask"),
    )
    with open_store(path) as store:
        wanted = groups(store)
        rounds = 0
        while write_requests(store, tmp_path / "r.jsonl", options, overwrite=True):
            rounds += 1
            lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
            assert len({line["custom_id"] for line in lines}) == len(lines) <= len(wanted)
            answers = [
                {
                    "custom_id": line["custom_id"],
                    "text": name_of(line["body"]["messages"][1]["content"]),
                }
                for line in lines
            ]
            (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, answers)))
            import_responses(store, tmp_path / "a.jsonl", prices())
        assert rounds == max(map(len, wanted.values()))
        assert evidence(store) == wanted


def test_groups_stay_where_the_catalogue_grows(path: Path) -> None:
    """Fault: new items moved the mean that items are compared by, and with it paid questions."""
    with open_store(path) as store:
        before = groups(store)
        kept = store.meta("grouping_mean")
        assert kept["made_with"][0] == store.vectors.encoder()
        store.set_meta(grouping_mean={**kept, "made_with": ["another", None]})
        assert groups(store) == before  # made anew with another encoder
        assert store.meta("grouping_mean") == kept


def question(**expected: Any) -> Request:
    about = ShownSubject(1, "exemplar", "exemplar:u", ())
    return Request(about, (), {}, "name", "naming", "t", "d", 9, expected=Expected(**expected))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"label": "Tents", "description": "d", "mood": 1}, "mood"),
        ({"label": "TENTS ", "description": "d"}, "another group is called"),
        ({"label": "Seeds", "description": "Likes seeds."}, "repeats the example"),
        ({"label": "Pens", "description": "Is a young woman who writes."}, "gender|age"),
        ([], "dictionary"),
    ],
)
def test_a_name_that_is_not_the_groups_own_is_refused(document: Any, said: str) -> None:
    request = question(taken=("Tents",), examples=frozenset({"likes seeds."}))
    with pytest.raises(AnswerError, match=said):
        Naming().read(document, request)


def test_names_need_a_model_and_are_the_default_of_local_ones() -> None:
    with pytest.raises(UserError, match="--how name needs --llm"):
        BuildConfig(how="name").questions()
    assert set(BuildConfig().questions("local:m.gguf").values()) == {"name_group"}
    assert BuildConfig(how="whole").questions("local:m.gguf") == BuildConfig().questions()
    own = BuildConfig(how="name", exemplar_prompt="mine").questions("openai:m")
    assert own == {"exemplar": "mine", "synthetic": "name_group"}
