"""``profiler build`` as typed: what a dry run says it did is what it did."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from profiler.commands.build import build
from store.data.sample import write_sample
from store.store import open_store


def test_a_dry_run_says_that_it_stores_its_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    shop, path = tmp_path / "shop", tmp_path / "s.db"
    write_sample(shop, users=60)
    app = typer.Typer()
    app.command()(build)
    llm = ["--llm", "openai:gpt-4o-mini", "--base-url", "http://127.0.0.1:9/v1"]
    told = CliRunner().invoke(app, [str(shop), "--store", str(path), *llm, "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "the data and the choice of subjects are stored; nothing was sent" in told.stdout
    with open_store(path) as store:
        assert {one.state for one in store.subjects.load()} == {"pending"}
        assert store.responses.spent().calls == 0
