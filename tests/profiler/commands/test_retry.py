"""``profiler retry --failed`` through the command line, against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiler.asking.runner import run_asking
from prompts import load_template
from tests.asking_store import KEY, MODEL, chat, fast, make_store, scalar
from tests.llm_server import LlmServer, Step


@pytest.fixture(autouse=True)
def api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def call(arguments: list[str]) -> int:
    from cli import profiler_app, run

    return run(profiler_app, "profiler", ["retry", *arguments])


def half_failed(path: Path, server: LlmServer) -> None:
    with make_store(path, 6) as store:
        summary = run_asking(
            store,
            store.subjects.load(),
            chat(server.base_url),
            template=load_template("exemplar_interests"),
            options=fast(),
        )
        assert (summary.ok, summary.quarantined) == (3, 3)


def test_retry_asks_again_about_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, healed = tmp_path / "a.db", False

    def script(call: object) -> Step:
        odd = call.subject % 2 == 1  # type: ignore[attr-defined]
        return Step("prose" if odd and not healed else "valid")

    with LlmServer(script) as server:
        half_failed(path, server)
        options = ["--store", str(path), "--llm", MODEL, "--base-url", server.base_url]
        assert call([*options, "--failed"]) == 1  # still failing: asked again, not replayed
        assert server.record.total == 3 + 9 + 9
        healed = True
        capsys.readouterr()
        assert call([*options, "--failed", "--json"]) == 0
        assert server.record.total == 3 + 9 + 9 + 3
        told = json.loads(capsys.readouterr().out)
        assert (told["ok"], told["quarantined"], told["pending"]) == (3, 0, 0)
        assert call([*options, "--failed"]) == 0
        assert server.record.total == 3 + 9 + 9 + 3
    from store.store import open_store

    with open_store(path) as store:
        assert store.subjects.counts() == {"exemplar": {"ok": 6}}
        assert scalar(store, "SELECT count(*) FROM responses") == 24  # nothing paid for is dropped
        assert scalar(store, "SELECT count(*) FROM responses WHERE outcome = 'set_aside'") == 18
        assert scalar(store, "SELECT group_concat(status) FROM runs WHERE kind = 'retry'") == (
            "partial,done,done"
        )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--llm", MODEL], "--failed"),
        (["--failed"], "--llm"),
        (["--failed", "--llm", MODEL, "--budget-usd", "0"], None),
    ],
)
def test_wrong_usage_is_one_plain_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str | None
) -> None:
    path = tmp_path / "a.db"
    with LlmServer(lambda call: Step("prose" if call.subject % 2 else "valid")) as server:
        half_failed(path, server)
        code = call(["--store", str(path), *arguments])
    error = capsys.readouterr().err
    if said is None:
        assert code == 4
        assert "--budget-usd 0 reached" in error
    else:
        assert code == 2
        assert said in error
        assert error.count("\n") == 1
