"""``profiler sample`` as it is typed."""

from __future__ import annotations

import inspect
import json

import pytest
import typer
from typer.testing import CliRunner

from profiler.commands.building.sample import sample
from store.data.readers import read
from store.data.sample import FILES, SEED, USERS, load_truth


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(sample)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)


def test_writes_a_shop_that_reads_without_problems(run, tmp_path):
    result = run(tmp_path / "shop", "--users", 25, "--seed", 3)
    assert result.exit_code == 0
    assert "25 users" in result.stdout
    assert f"profiler build {tmp_path / 'shop'}" in result.stdout
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == sorted(FILES)
    raw = read(tmp_path / "shop")
    assert raw.problems == []
    assert raw.interactions["user_id"].n_unique() == 25
    assert len(load_truth(tmp_path / "shop").users) == 25


def test_json(run, tmp_path):
    written = json.loads(run(tmp_path / "shop", "--users", 5, "--json").stdout)
    assert (written["users"], written["items"]) == (5, 312)


def test_too_few_users_are_refused(run, tmp_path):
    assert run(tmp_path / "shop", "--users", 0).exit_code == 2
    assert not (tmp_path / "shop").exists()


def test_defaults_are_those_of_the_library():
    given = inspect.signature(sample).parameters
    assert (given["users"].default, given["seed"].default) == (USERS, SEED)
