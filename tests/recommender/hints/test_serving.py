"""Lists in a language model's order: the hint that is given, the time limit, and what is stored."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cli
from profiler.hinting.reranking import Reranker
from recommender.hints.learn import learn_chooser
from store.errors import UserError
from store.recommending import Reranking, RerankingOptions
from store.store import open_store
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from tests.asking_store import prices
from tests.hint_trials import write_trials
from tests.llm_server import Call, LlmServer, Step

HINT = "Prefer what lasts."
IDS = re.compile(r"\(([^()\n]+)\)$", re.M)


@pytest.fixture
def served(shop: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store, a model, and a chooser that always gives the one hint."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-TEST")
    shutil.copy(shop, tmp_path / "s.db")
    shutil.copytree(trained, tmp_path / "model")
    with open_store(tmp_path / "s.db") as store:
        write_trials(store, "openai:m", cases=12, text=HINT)
        learn_chooser(tmp_path / "model", store)
    return tmp_path


def candidates(call: Call) -> list[str]:
    return IDS.findall(call.text.partition("<<<items")[2].partition("<<<end")[0])


def last_ten(call: Call) -> Step:
    return Step(text=json.dumps({"items": candidates(call)[-10:]}))


def user_of(folder: Path) -> str:
    with open_store(folder / "s.db") as store:
        return store.datasets.load().user_ids[4]


def recommend(folder: Path, capsys: Any, *more: str) -> tuple[int, Any, str]:
    args = ["recommend", str(folder / "model"), "--store", str(folder / "s.db"), *more]
    code = cli.run(cli.recommender_app, "recommender", [*args, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if code == 0 else None, err


def ids(document: Any) -> list[str]:
    return [one["item_id"] for one in document["recommendations"]]


def test_the_list_stands_in_the_models_order_by_one_call(served: Path, capsys: Any) -> None:
    user = user_of(served)
    _, plain, _ = recommend(served, capsys, "--user", user, "-k", "50")
    with LlmServer(last_ten) as server:
        asked = ["--user", user, "--llm", "openai:m", "--base-url", server.base_url]
        _, found, _ = recommend(served, capsys, *asked, "--hints", "-k", "12")
        assert server.record.total == 1
        assert f"Advice: {HINT}" in server.record.calls[0].text
        assert ids(found) == [*ids(plain)[-10:], *ids(plain)[:2]]
        assert [one["rank"] for one in found["recommendations"]] == list(range(1, 13))
        said = found["language_model"]
        assert (said["reranked"], said["stored"], said["hint"]["text"]) == (True, False, HINT)
        _, again, _ = recommend(served, capsys, *asked, "--hints", "-k", "12")
        assert server.record.total == 1  # the answer was in the store
        assert (ids(again), again["language_model"]["stored"]) == (ids(found), True)
        _, bare, _ = recommend(served, capsys, *asked)
        assert bare["language_model"]["hint"] is None
        assert "Advice" not in server.record.calls[-1].text
    with open_store(served / "s.db") as store:
        assert verify(store)[1] == []


def test_nothing_held_out_is_shown(served: Path, capsys: Any) -> None:
    user = user_of(served)
    with open_store(served / "s.db") as store:
        dataset = store.datasets.load()
        number = dataset.user_index[user]
        hidden = set(dataset.history(number, (2, 3)).tolist()) - set(
            dataset.history(number).tolist()
        )
        titles = [dataset.titles[ix] for ix in hidden]
    assert titles
    with LlmServer(last_ten) as server:
        asked = ["--user", user, "--llm", "openai:m", "--base-url", server.base_url]
        recommend(served, capsys, *asked, "--hints")
        history = server.record.calls[0].text.partition("<<<history")[2].partition("<<<end")[0]
        assert "\n- " in history
        assert not [one for one in titles if f"- {one}" in history]


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (Step(latency=30), "no answer within 0.3 s"),
        (Step("server_error"), "error"),
        (Step(text='{"items": ["P999"]}'), "cannot be used"),
        (Step(text="I would rather not."), "cannot be used"),
        (Step("insufficient_quota"), "quota"),
    ],
)
def test_whatever_goes_wrong_the_plain_list_is_served(
    served: Path, capsys: Any, step: Step, problem: str
) -> None:
    user = user_of(served)
    _, plain, _ = recommend(served, capsys, "--user", user)
    with LlmServer(lambda call: step) as server:
        asked = ["--user", user, "--llm", "openai:m", "--base-url", server.base_url]
        limit = "0.3" if step.latency else "1.5"
        code, found, _ = recommend(served, capsys, *asked, "--hints", "--time-limit", limit)
    assert (code, ids(found)) == (0, ids(plain))
    said = found["language_model"]
    assert not said["reranked"]
    assert problem in str(said["problem"]).lower() or "no answer within" in said["problem"]


def test_a_cap_serves_the_plain_list_without_a_call(
    served: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profiler.hinting.reranking.load_prices", lambda _: prices())
    with LlmServer(last_ten) as server:
        asked = ["--user", user_of(served), "--llm", "openai:gpt-4o-mini", "--budget-usd", "0"]
        _, found, _ = recommend(served, capsys, *asked, "--base-url", server.base_url)
        assert (server.record.total, found["language_model"]["reranked"]) == (0, False)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--user", "USER", "--hints"], "need --llm"),
        (["--history", "P001", "--llm", "openai:m"], "give --user"),
    ],
)
def test_what_says_nothing_is_refused(
    served: Path, capsys: Any, options: list[str], problem: str
) -> None:
    named = [user_of(served) if one == "USER" else one for one in options]
    code, _, err = recommend(served, capsys, *named)
    assert code != 0
    assert problem in err


def test_a_hint_that_was_changed_since_is_not_given(served: Path) -> None:
    with Reranker(served / "s.db", RerankingOptions("openai:m")) as one:  # closes its store
        assert isinstance(one, Reranking)
        with pytest.raises(UserError, match="no longer in"):
            one.rerank(user_of(served), ["P001", "P002"], (1, "Other words."))


def test_forgetting_a_user_takes_the_answers_about_their_lists(served: Path, capsys: Any) -> None:
    user = user_of(served)
    with LlmServer(last_ten) as server:
        asked = ["--user", user, "--llm", "openai:m", "--base-url", server.base_url]
        recommend(served, capsys, *asked, "--hints")
    with open_store(served / "s.db") as store:
        forget_user(store, user)
        assert f"user:{user} " not in {one.name for one in store.tasks.load("recommendation")}
        assert verify(store)[1] == []


def test_without_a_language_model_none_of_its_modules_is_loaded(served: Path) -> None:
    code = (
        "import sys, cli\n"
        "code = cli.run(cli.recommender_app, 'recommender', sys.argv[1:])\n"
        "found = [m for m in sys.modules if m.split('.')[0] in ('profiler', 'prompts', 'openai')]\n"
        "print(code, found)"
    )
    args = ["recommend", str(served / "model"), "--store", str(served / "s.db"), "--user"]
    run = subprocess.run(
        [sys.executable, "-c", code, *args, user_of(served)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "0 []"
