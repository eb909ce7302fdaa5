"""Caps hold under all prices and latencies, count failed calls, and a run resumes under more."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from profiler.asking.options import AskingOptions
from profiler.asking.questions import boundary_key, make_request
from profiler.asking.runner import run_asking
from profiler.asking.subjects import shown_subjects
from profiler.llm.budget import Caps, reservation
from prompts import Template
from store.db.driver import driver_connection
from store.errors import BudgetReachedError
from store.store import Store, open_store
from store.tables.ledger import NewAttempt
from store.tables.ledger_account import Account
from tests.asking_store import MODEL, chat, fast, make_store, prices, scalar
from tests.llm_server import Call, LlmServer, Step

ROOT = Path(__file__).resolve().parents[3]


def run_until_capped(
    store: Store, server: LlmServer, template: Template, options: AskingOptions
) -> None:
    with pytest.raises(BudgetReachedError) as caught:
        run_asking(
            store, store.subjects.load(), chat(server.base_url), template=template, options=options
        )
    assert caught.value.exit_code == 4


def largest_call(store: Store, template: Template, options: AskingOptions) -> float:
    """Dollars that the largest single call can take."""
    requests = (
        make_request(
            subject,
            template,
            token_budget=options.token_budget,
            cut="recent",
            boundary_key=boundary_key(store),
            max_tokens=options.max_tokens,
        )
        for subject in shown_subjects(store, store.subjects.load())
    )
    return max(reservation(request, MODEL, options.prices).usd for request in requests)


@pytest.mark.parametrize("seed", range(20))
def test_spending_stays_under_the_cap(tmp_path: Path, template: Template, seed: int) -> None:
    draw = random.Random(seed)
    in_flight = draw.choice([1, 4, 16])
    cost = prices(draw.choice([0.15, 2.5, 30]), draw.choice([0.6, 10, 180]))
    latency = draw.choice([0.0, 0.005, 0.03])
    wrong = draw.choice([0.0, 0.3])

    def script(call: Call) -> Step:
        kind = "prose" if random.Random(call.total * 31 + seed).random() < wrong else "valid"
        return Step(kind, latency=latency * (1 + call.total % 3), tokens_out=100 + call.total % 200)

    with make_store(tmp_path / "a.db", 60) as store:
        base = fast(concurrency=in_flight, prices=cost, max_tokens=300)
        largest = largest_call(store, template, base)
        cap = largest * draw.uniform(3, 12)
        options = fast(concurrency=in_flight, prices=cost, max_tokens=300, caps=Caps(usd=cap))
        with LlmServer(script, latency=latency) as server:
            run_until_capped(store, server, template, options)
            price = cost.models[MODEL]
            record = server.record
            billed = price.cost(record.tokens_in, record.tokens_out)
            assert billed <= cap + in_flight * largest
            assert billed <= cap  # reservations are the most a call takes
            assert store.responses.spent().usd == pytest.approx(billed)
            assert billed >= cap - in_flight * largest - largest  # the cap was used, too
            counts = store.subjects.counts()["exemplar"]
            assert sum(counts.values()) == 60


def test_the_run_resumes_under_a_higher_cap(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "a.db", 12) as store, LlmServer() as server:
        for cap in (3, 7):
            run_until_capped(store, server, template, fast(caps=Caps(calls=cap)))
            assert server.record.total == cap
            assert store.subjects.counts()["exemplar"]["ok"] == cap
        run_until_capped(store, server, template, fast(caps=Caps(calls=7)))
        assert server.record.total == 7
        port = chat(server.base_url)
        summary = run_asking(
            store,
            store.subjects.load(),
            port,
            template=template,
            options=fast(caps=Caps(calls=12)),
        )
        assert (summary.ok, server.record.total) == (12, 12)


def test_failed_calls_count(tmp_path: Path, template: Template) -> None:
    with (
        make_store(tmp_path / "a.db", 4) as store,
        LlmServer(lambda call: Step("server_error")) as server,
    ):
        run_until_capped(store, server, template, fast(caps=Caps(calls=9)))
        assert server.record.total == 9
        assert scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'server_error'") == 9
        assert store.responses.spent().usd == 0  # an error answer is not billed


def test_a_call_without_an_answer_counts_as_reserved(tmp_path: Path, template: Template) -> None:
    with (
        make_store(tmp_path / "a.db", 1) as store,
        LlmServer(lambda call: Step("reset")) as server,
    ):
        options = fast()
        run_asking(
            store, store.subjects.load(), chat(server.base_url), template=template, options=options
        )
        assert store.responses.spent().usd == pytest.approx(
            6 * largest_call(store, template, options)
        )


def test_a_token_cap(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "a.db", 40) as store, LlmServer() as server:
        run_until_capped(store, server, template, fast(caps=Caps(tokens=15_000)))
        used = server.record.tokens_in + server.record.tokens_out
        assert 5_000 <= used <= 15_000
        assert store.responses.spent().tokens == used


def test_no_calls_at_all(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "a.db", 2) as store, LlmServer() as server:
        run_until_capped(store, server, template, fast(caps=Caps(calls=0)))
        assert server.record.total == 0
        assert scalar(store, "SELECT count(*) FROM leases") == 0


PROGRAM = """
import sys
from profiler.llm.budget import Caps
from profiler.asking.runner import run_asking
from prompts import load_template
from store.errors import BudgetReachedError
from store.store import open_store
from tests.asking_store import chat, fast, prices
path, url, kind, cap = sys.argv[1:]
caps = Caps(**{kind: float(cap) if kind == "usd" else int(cap)})
with open_store(path) as store:
    port = chat(url)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        run_asking(store, store.subjects.load(), port, template=load_template("exemplar_interests"),
                   options=fast(concurrency=4, caps=caps, prices=prices(1.0, 2.0)))
    except BudgetReachedError as error:
        sys.exit(error.exit_code)
"""


@pytest.mark.parametrize(("kind", "cap"), [("calls", 25), ("usd", 0.06), ("tokens", 40_000)])
def test_two_processes_share_a_cap(tmp_path: Path, kind: str, cap: float) -> None:
    make_store(tmp_path / "s.db", 120).close()
    with LlmServer(lambda call: Step(latency=0.02, tokens_out=400)) as server:
        arguments = [sys.executable, "-c", PROGRAM, tmp_path / "s.db", server.base_url, kind]
        runs = [
            subprocess.Popen(
                [*map(str, arguments), str(cap)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for _ in range(2)
        ]
        for run in runs:
            assert run.stdout is not None
            assert run.stdout.readline() == "ready\n"
        for run in runs:
            run.communicate("go\n", timeout=60)
        assert [run.returncode for run in runs] == [4, 4]
        with open_store(tmp_path / "s.db") as store:
            spent = store.responses.spent()
            assert getattr(spent, kind) <= cap * (1 + 1e-9)
            # Together they used it: what is left is less than one call may take.
            least = {"calls": 1, "usd": 0.006, "tokens": 3_500}[kind]
            assert getattr(spent, kind) > cap - least
            assert server.record.total == spent.calls


def test_the_account_is_the_sum_of_the_ledger(tmp_path: Path) -> None:
    """Two stores on one file, as two processes have; calls opened, closed, withdrawn by chance."""
    draw = random.Random(5)
    make_store(tmp_path / "s.db", 1).close()
    with open_store(tmp_path / "s.db") as one, open_store(tmp_path / "s.db") as two:
        sides = [(one, Account()), (two, Account())]
        open_calls: list[int] = []
        for step in range(400):
            store, account = sides[draw.randrange(2)]
            action = draw.choice(["open", "open", "free", "lost", "withdraw", "look"])
            if action == "open":
                attempt = NewAttempt(f"d{step}", None, None, "ask", draw.random(), step)
                ticket = store.responses.open_call(attempt, owner="o", clock=0, lease_s=60)
                assert ticket.attempt_id is not None
                open_calls.append(ticket.attempt_id)
            elif open_calls and action != "look":
                chosen = open_calls.pop(draw.randrange(len(open_calls)))
                if action == "withdraw":
                    store.responses.withdraw(chosen)
                else:
                    store.responses.close_failed(chosen, "timeout", error="", free=action == "free")
            with store.write() as connection:
                found = account.look(driver_connection(connection))
            spent = store.responses.spent()
            assert (found.calls, found.tokens) == (spent.calls, spent.tokens)
            assert found.usd == pytest.approx(spent.usd)
