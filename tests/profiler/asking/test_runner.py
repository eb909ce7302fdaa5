"""Whole runs against a server that misbehaves in sixteen ways."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from profiler.asking.runner import AskingSummary, retry_failed, run_asking
from profiler.llm.budget import Caps
from profiler.llm.port import CallError
from profiler.llm.registry import open_chat
from profiler.llm.retry import RetryPolicy
from prompts import Template
from store.errors import (
    BudgetReachedError,
    InterruptedRunError,
    ProviderRefusedError,
    UserError,
)
from store.store import Store
from tests.asking_store import MODEL, chat, contents, fast, make_store, scalar
from tests.llm_server import (
    KINDS,
    MENDED,
    SPOILT,
    TRANSPORT,
    Call,
    LlmServer,
    Step,
    answer_for,
)

FAULTS = [kind for kind in KINDS if kind != "valid"]


def run(store: Store, server: LlmServer, template: Template, **options: object) -> AskingSummary:
    port = chat(server.base_url, timeout=2)
    return run_asking(
        store,
        store.subjects.load(),
        port,
        template=template,
        options=fast(**({"concurrency": 32} | options)),
    )


def without_fault(path: Path, subjects: int, template: Template) -> list[object]:
    with make_store(path, subjects) as store, LlmServer() as server:
        summary = run(store, server, template)
        late = late_calls(store)
        assert (summary.ok, summary.calls) == (subjects, subjects + late)
        assert subjects <= server.record.total <= subjects + late
        assert bought_twice(store) == 0
        return contents(store)


def late_calls(store: Store, expected: int = 0) -> int:
    """Calls that the clock cut off beside those that had to be: on a busy machine there are some.

    Such a call is asked again, in the ledger with its reservation, and the server may have seen it
    or not; it was once taken for an answer that was bought twice.
    """
    found = scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'timeout'")
    assert isinstance(found, int)
    return found - expected


def bought_twice(store: Store) -> object:
    """Questions with more than one stored answer."""
    return scalar(
        store,
        "SELECT count(*) FROM (SELECT 1 FROM responses GROUP BY request_digest "
        "HAVING count(*) > 1)",
    )


def faults_pass(times: dict[str, int]) -> Callable[[Call], Step]:
    """Each subject meets one kind of fault, some times, then a valid answer."""

    def script(call: Call) -> Step:
        kind = FAULTS[call.subject % len(FAULTS)]
        return Step(kind) if call.nth < times.get(kind, 1) else Step()

    return script


def check_sixteen_kinds(folder: Path, template: Template, each: int, timeout: float) -> None:
    """Recoverable runs end identical to the run without faults; the rest are quarantined."""
    subjects = len(FAULTS) * each
    expected = without_fault(folder / "clean.db", subjects, template)

    with make_store(folder / "passing.db", subjects) as store:
        with LlmServer(faults_pass({})) as server:
            port = chat(server.base_url, timeout=timeout)
            summary = run_asking(
                store,
                store.subjects.load(),
                port,
                template=template,
                options=fast(concurrency=32),
            )
        assert (summary.ok, summary.quarantined, summary.pending) == (subjects, 0, 0)
        assert contents(store) == expected
        late, failed = late_calls(store, expected=each), len(TRANSPORT) * each
        calls = 2 * subjects - len(MENDED) * each
        assert failed <= summary.failed_calls <= failed + late
        assert calls <= summary.calls <= calls + late
        assert summary.calls - late <= server.record.total <= summary.calls
        assert scalar(store, "SELECT count(*) FROM attempts") == summary.calls
        assert bought_twice(store) == 0

    with make_store(folder / "lasting.db", subjects) as store:
        with LlmServer(lambda call: Step(FAULTS[call.subject % len(FAULTS)])) as server:
            summary = run_asking(
                store,
                store.subjects.load(),
                chat(server.base_url, timeout=timeout),
                template=template,
                options=fast(concurrency=32),
            )
        mended = len(MENDED) * each
        assert (summary.ok, summary.quarantined, summary.pending) == (mended, subjects - mended, 0)
        for row, clean in zip(contents(store), expected, strict=True):
            kind = FAULTS[int(row[0].split(":u")[1]) % len(FAULTS)]
            assert row == (clean if kind in MENDED else [row[0], "quarantined", []])
        check_quarantine(store, server, each)


def check_quarantine(store: Store, server: LlmServer, each: int) -> None:
    """Every quarantined subject has its reason, every spoilt answer its raw text and errors."""
    assert (
        scalar(
            store,
            "SELECT count(*) FROM subjects WHERE state = 'quarantined' "
            "AND coalesce(reason, '') = ''",
        )
        == 0
    )
    assert scalar(store, "SELECT count(*) FROM responses WHERE outcome = 'unread'") == 0
    wanted = {
        **dict.fromkeys(TRANSPORT, 6),
        **dict.fromkeys(MENDED, 1),
        **dict.fromkeys(SPOILT, 3),
        "truncated": 2,
    }
    late = late_calls(store, expected=6 * each)
    over = {kind: server.record.by_kind[kind] - wanted[kind] * each for kind in FAULTS}
    assert all(-late <= number <= late for number in over.values()), over
    stored = scalar(store, "SELECT count(*) FROM responses")
    assert isinstance(stored, int)
    assert stored <= sum(server.record.answered.values()) <= stored + late
    assert bought_twice(store) == 0
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT DISTINCT outcome, json_extract(detail, '$.kind') FROM responses "
            "WHERE outcome <> 'ok' ORDER BY 1, 2"
        ).all()
    assert [tuple(row) for row in rows] == [
        ("empty", "empty"),
        ("invalid", "grounding"),
        ("invalid", "not_json"),
        ("invalid", "schema"),
        ("refused", "refused"),
        ("truncated", "truncated"),
    ]


def test_sixteen_kinds_of_fault(tmp_path: Path, template: Template) -> None:
    check_sixteen_kinds(tmp_path, template, each=2, timeout=1.5)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_sixteen_kinds_of_fault_times_five_hundred(tmp_path: Path, template: Template) -> None:
    check_sixteen_kinds(tmp_path, template, each=500, timeout=2)


def test_mends_and_errors_are_recorded(tmp_path: Path, template: Template) -> None:
    def script(call: Call) -> Step:
        return Step(("fenced", "trailing_comma", "foreign_evidence")[call.subject])

    with make_store(tmp_path / "a.db", 3) as store, LlmServer(script) as server:
        run(store, server, template)
        with store.read() as connection:
            details = [
                json.loads(value)
                for value in connection.exec_driver_sql(
                    "SELECT detail FROM responses WHERE response_id IN "
                    "(SELECT max(response_id) FROM responses GROUP BY subject_id) "
                    "ORDER BY subject_id"
                ).scalars()
            ]
    assert details[0] == {"mends": ["code fence"]}
    assert details[1] == {"mends": ["trailing comma"]}
    assert details[2]["kind"] == "grounding"
    assert "s999999-i0" in details[2]["errors"][0]


def test_a_correction_carries_only_the_last_errors(tmp_path: Path, template: Template) -> None:
    kinds = ["prose", "foreign_evidence", "valid"]
    with (
        make_store(tmp_path / "a.db", 1) as store,
        LlmServer(lambda call: Step(kinds[call.nth])) as server,
    ):
        assert run(store, server, template).ok == 1
        first, second, third = (call.text for call in server.record.calls)
    assert "not one JSON" in second
    assert "not one JSON" not in third
    assert "s999999-i0" in third
    assert len(third) < len(first) * 1.5
    assert "Rate limit" not in second + third


def test_an_error_of_the_service_never_reaches_a_prompt(tmp_path: Path, template: Template) -> None:
    def script(call: Call) -> Step:
        return Step(["server_error", "rate_limited", "prose", "reset", "valid"][call.nth])

    with make_store(tmp_path / "a.db", 1) as store, LlmServer(script) as server:
        assert run(store, server, template).ok == 1
        texts = " ".join(call.text for call in server.record.calls)
    assert "server had an error" not in texts
    assert "Rate limit" not in texts


def test_a_truncated_answer_is_asked_once_with_twice_the_room(
    tmp_path: Path, template: Template
) -> None:
    with (
        make_store(tmp_path / "a.db", 1) as store,
        LlmServer(lambda call: Step("truncated")) as server,
    ):
        summary = run(store, server, template, max_tokens=300)
        limits = [call.body["max_completion_tokens"] for call in server.record.calls]
        purposes = scalar(store, "SELECT group_concat(purpose) FROM attempts")
    assert summary.quarantined == 1
    assert limits == [300, 600]
    assert purposes == "ask,longer"


@pytest.mark.parametrize("where", ["bracket", "comma", "string", "key", "number"])
def test_no_cut_answer_is_ever_stored(tmp_path: Path, template: Template, where: str) -> None:
    """Sixty valid answers for each kind of boundary, cut there; finish reasons lie for half."""
    marks = {"bracket": "]}", "comma": ",", "string": '"', "key": ":", "number": "0123456789"}

    def script(call: Call) -> Step:
        whole = json.dumps(answer_for(call))
        cuts = [place for place, char in enumerate(whole[:-1]) if char in marks[where]]
        cut = cuts[(call.subject * 7919 + call.nth) % len(cuts)] + call.subject % 2
        text = whole[: min(cut, len(whole) - 1)]
        return Step("truncated" if call.subject % 4 < 2 else "valid", text=text or "{")

    with make_store(tmp_path / "a.db", 60) as store, LlmServer(script) as server:
        summary = run(store, server, template)
        assert (summary.ok, summary.quarantined) == (0, 60)
        assert scalar(store, "SELECT count(*) FROM interests") == 0
        assert scalar(store, "SELECT count(*) FROM responses WHERE outcome = 'ok'") == 0


@pytest.mark.parametrize("kind", ["insufficient_quota", "bad_key", "unknown_model"])
def test_a_refusing_provider_stops_the_run_and_loses_nothing(
    tmp_path: Path, template: Template, kind: str
) -> None:
    def script(call: Call) -> Step:
        return Step() if call.total < 5 else Step(kind)

    with make_store(tmp_path / "a.db", 40) as store:
        with LlmServer(script) as server, pytest.raises(ProviderRefusedError) as caught:
            run(store, server, template, concurrency=4)
        assert caught.value.exit_code == 5
        assert store.subjects.counts() == {"exemplar": {"ok": 5, "pending": 35}}
        assert server.record.total <= 5 + 4
        assert scalar(store, "SELECT count(*) FROM leases") == 0


def test_a_service_that_is_down_stops_the_run(tmp_path: Path, template: Template) -> None:
    with (
        make_store(tmp_path / "a.db", 60) as store,
        LlmServer(lambda call: Step("server_error")) as server,
        pytest.raises(ProviderRefusedError, match="5 requests in a row"),
    ):
        run(store, server, template, concurrency=2, give_up_after=5)
    assert server.record.total <= 6 * (5 + 4)


def test_what_to_do_after_an_outage_reaches_every_subject(
    tmp_path: Path, template: Template
) -> None:
    """The same command asks the pending ones, the retry that is named the quarantined ones."""
    up = False
    path = tmp_path / "a.db"
    with (
        make_store(path, 12) as store,
        LlmServer(lambda call: Step("valid" if up else "server_error")) as server,
    ):
        retry = rf"quarantined ones: profiler retry --failed --store {path} --llm {MODEL};"
        with pytest.raises(ProviderRefusedError, match=f"{retry} for the pending.*same command"):
            run(store, server, template, concurrency=2, give_up_after=3)
        up = True
        again = run(store, server, template)
        assert again.quarantined >= 3
        assert again.pending == 0
        retry_failed(store, chat(server.base_url), templates={"exemplar": template}, options=fast())
        assert store.subjects.counts() == {"exemplar": {"ok": 12}}


def test_an_empty_account_stops_the_run(tmp_path: Path, template: Template) -> None:
    with (
        make_store(tmp_path / "a.db", 30) as store,
        LlmServer(lambda call: Step("valid" if call.total < 5 else "no_balance")) as server,
    ):
        with pytest.raises(ProviderRefusedError, match="no credit left: top it up"):
            run(store, server, template, concurrency=1)
        assert store.subjects.counts() == {"exemplar": {"ok": 5, "pending": 25}}


@pytest.mark.parametrize("direct", [True, False])
def test_an_answer_with_half_an_emoji_is_kept_and_not_bought_again(
    tmp_path: Path, template: Template, direct: bool
) -> None:
    """A server cuts at the token limit, through a surrogate pair; a key may hold a half, too."""

    def script(call: Call) -> Step:
        if call.subject == 0:
            return Step("truncated", text='{"interests": [{"label": "Fun \ud83d')
        if call.subject == 1 and call.nth == 0:
            return Step(text=r'{"interests": [], "\ud83d": 1}')
        if call.subject == 2:
            return Step(status=500, error={"message": "no \ud83d"})
        return Step()

    with make_store(tmp_path / "a.db", 4) as store, LlmServer(script) as server:
        port = chat(server.base_url, adapter=None if direct else "langchain")
        options = fast(policy=RetryPolicy(attempts=1))
        subjects = store.subjects.load()
        first = run_asking(store, subjects, port, template=template, options=options)
        assert (first.ok, first.quarantined) == (2, 2)
        assert scalar(store, "SELECT raw_text FROM responses WHERE subject_id = 1").endswith(
            "Fun ?"
        )
        assert scalar(store, "SELECT count(*) FROM responses WHERE outcome = 'invalid'") == 1
        before = server.record.total
        store.subjects.set_state(1, "pending")
        run_asking(store, store.subjects.load(), port, template=template, options=options)
        assert server.record.total == before


def test_a_request_that_is_too_long_is_quarantined_alone(
    tmp_path: Path, template: Template
) -> None:
    def script(call: Call) -> Step:
        return Step("too_long" if call.subject == 1 else "valid")

    with make_store(tmp_path / "a.db", 3) as store, LlmServer(script) as server:
        summary = run(store, server, template)
        reason = scalar(store, "SELECT reason FROM subjects WHERE state = 'quarantined'")
    assert (summary.ok, summary.quarantined) == (2, 1)
    assert reason.startswith("bad_request:")


def test_a_subject_without_items_is_quarantined(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "a.db", 2) as store, LlmServer() as server:
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM subject_items WHERE subject_id = 1")
        summary = run(store, server, template)
    assert (summary.ok, summary.quarantined) == (1, 1)


def test_in_flight_is_bounded_and_progress_is_told(tmp_path: Path, template: Template) -> None:
    seen: list[AskingSummary] = []
    with make_store(tmp_path / "a.db", 30) as store, LlmServer(latency=0.02) as server:
        run_asking(
            store,
            store.subjects.load(),
            chat(server.base_url),
            template=template,
            options=fast(concurrency=3),
            progress=seen.append,
        )
        assert server.record.most_in_flight == 3
    assert seen[0].ok == 0, "told from the first second"
    assert list(dict.fromkeys(summary.ok for summary in seen)) == list(range(31))
    assert max(summary.under_way for summary in seen) == 3
    assert all(summary.subjects == 30 for summary in seen)


def stop_after(store: Store, answers: int, stop: threading.Event) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not stop.is_set():
        if store.subjects.counts()["exemplar"].get("ok", 0) >= answers:
            time.sleep(0.3)  # let the slow calls be sent
            stop.set()
        time.sleep(0.05)
    stop.set()


def test_stopping_is_quick_clean_and_resumable(tmp_path: Path, template: Template) -> None:
    stop = threading.Event()
    with make_store(tmp_path / "a.db", 40) as store:
        slow_after = 10
        with LlmServer(
            lambda call: Step(latency=0.01 if call.total < slow_after else 30)
        ) as server:
            # Stop once all quick answers are stored, however fast this machine is.
            threading.Thread(target=stop_after, args=(store, slow_after, stop)).start()
            with pytest.raises(InterruptedRunError) as caught:
                run_asking(
                    store,
                    store.subjects.load(),
                    chat(server.base_url),
                    template=template,
                    options=fast(concurrency=8),
                    stop=stop,
                )
            stopped = time.monotonic()
        assert caught.value.exit_code == 3
        assert stop.is_set()
        counts = store.subjects.counts()["exemplar"]
        assert counts == {"ok": 10, "pending": 30}
        assert scalar(store, "SELECT count(*) FROM leases") == 0
        assert scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'sent'") == 0
        assert scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'interrupted'") == 8
        with LlmServer() as server:
            assert run(store, server, template).ok == 40
            assert server.record.total == 30
    assert time.monotonic() - stopped < 60


def test_a_dollar_cap_needs_a_price(tmp_path: Path, template: Template) -> None:
    from profiler.llm.prices import Prices

    with make_store(tmp_path / "a.db", 1) as store, pytest.raises(UserError, match="--prices"):
        run_asking(
            store,
            store.subjects.load(),
            chat("http://models.example.org/v1"),
            template=template,
            options=fast(caps=Caps(usd=1), prices=Prices({}, {})),
        )


def test_an_unknown_price_is_said(
    tmp_path: Path, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    from profiler.llm.prices import Prices

    with make_store(tmp_path / "a.db", 2) as store, LlmServer() as server:
        # Not named by --base-url, so that it does not count as a server of the user's own.
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        summary = run_asking(
            store,
            store.subjects.load(),
            open_chat(MODEL),
            template=template,
            options=fast(prices=Prices({}, {})),
        )
        assert summary.unpriced == 2
        assert "2 answers of unknown cost" in summary.in_words()
        assert scalar(store, "SELECT count(*) FROM responses WHERE cost_usd IS NULL") == 2


def test_it_runs_inside_a_running_loop(tmp_path: Path, template: Template) -> None:
    """A notebook calls plain functions from within its own event loop."""
    import asyncio

    async def cell() -> AskingSummary:
        with make_store(tmp_path / "a.db", 2) as store, LlmServer() as server:
            return run(store, server, template)

    assert asyncio.run(cell()).ok == 2


def test_a_budget_error_tells_how_far_it_got(tmp_path: Path, template: Template) -> None:
    with (
        make_store(tmp_path / "a.db", 5) as store,
        LlmServer() as server,
        pytest.raises(BudgetReachedError, match=r"--budget-calls 3 reached(.|\n)*3 ok"),
    ):
        run(store, server, template, caps=Caps(calls=3))


def test_a_server_that_nobody_started_ends_the_run_after_a_few_calls(
    tmp_path: Path, template: Template
) -> None:
    """Fault: six tries a question, exemplars and synthetic users apart: two minutes in vain."""
    with LlmServer() as server:
        address = server.base_url
    with make_store(tmp_path / "a.db", 20) as store:
        with pytest.raises(ProviderRefusedError, match="nobody answers at the address"):
            run_asking(
                store,
                store.subjects.load(),
                chat(address),
                template=template,
                options=fast(concurrency=2),
            )
        attempts = scalar(store, "SELECT count(*) FROM attempts")
        assert isinstance(attempts, int)
        assert 3 <= attempts <= 12  # each of the calls under way counts its own tries
        assert scalar(store, "SELECT coalesce(sum(cost_usd), 0) FROM attempts") == 0
        assert store.subjects.counts() == {"exemplar": {"pending": 20}}
        with LlmServer() as server:
            assert run(store, server, template).ok == 20


def test_a_server_that_answered_before_is_waited_for(tmp_path: Path) -> None:
    """A local server that is started again in the middle of a run loses no subject."""
    tries = 0

    async def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise CallError("connection", "Connection refused", unreachable=True)
        return "back"

    policy = RetryPolicy(first_wait=0.001, longest_wait=0.002)
    assert asyncio.run(policy.persist(attempt, reached=lambda: True)) == "back"
    tries = 0
    with pytest.raises(ProviderRefusedError, match="nobody answers"):
        asyncio.run(policy.persist(attempt))
    assert tries == 3
