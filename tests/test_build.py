"""The whole build on the sample shop: repeated, killed, refused; what it is worth downstream."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import profiler
from profiler.config import BuildConfig
from store.data.sample import write_sample
from store.errors import DataError, UserError
from store.store import open_store
from store.upkeep.verify import verify
from tests.asking_store import KEY, MODEL, chat, fast
from tests.llm_server import LlmServer

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shop"
    write_sample(folder, users=150)
    return folder


@pytest.fixture(scope="module")
def built(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    path = tmp_path_factory.mktemp("store") / "shop.db"
    return path, profiler.build(shop, path)


def contents(path: Path) -> list[Any]:
    """Interests with their evidence, and whose they are; without row numbers and times."""
    with open_store(path) as store, store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT s.name, n.position, n.label, n.description, group_concat(i.item_id) "
            "FROM interests n JOIN subjects s USING (subject_id) LEFT JOIN evidence e "
            "USING (interest_id) LEFT JOIN items i USING (item_ix) WHERE s.active "
            "GROUP BY n.interest_id ORDER BY s.name, n.position"
        ).all()
        members = connection.exec_driver_sql(
            "SELECT u.user_id, s.name FROM memberships m JOIN users u USING (user_ix) "
            "JOIN subjects s USING (subject_id) WHERE s.active ORDER BY 1, 2"
        ).all()
    return [tuple(row) for row in [*rows, *members]]


def test_everyone_gets_interests_and_the_store_is_sound(built: tuple[Path, Any]) -> None:
    path, report = built
    assert report.asking.quarantined == report.asking.pending == 0
    assert report.asked == "offline"
    assert report.assigned == report.users == 150
    with open_store(path) as store:
        assert verify(store)[1] == []


def test_a_repeated_build_calls_nobody_and_encodes_nothing(
    shop: Path, built: tuple[Path, Any]
) -> None:
    path, first = built
    before = contents(path)
    again = profiler.build(shop, path)
    assert (again.changed, again.encoded, again.asking.calls) == (False, 0, 0)
    assert not again.chosen.anew
    assert again.asking.ok == first.asking.ok
    assert contents(path) == before


def test_the_order_of_the_rows_changes_nothing(
    shop: Path, built: tuple[Path, Any], tmp_path: Path
) -> None:
    log = pl.read_csv(shop / "interactions.tsv", separator="\t", infer_schema=False)
    items = pl.read_csv(shop / "items.tsv", separator="\t", infer_schema=False)
    shuffled = (log.sample(fraction=1, shuffle=True, seed=1), items.reverse())
    profiler.build(shuffled, tmp_path / "other.db")
    assert contents(tmp_path / "other.db") == contents(built[0])


def test_a_killed_build_leaves_a_sound_store_that_goes_on(
    shop: Path, built: tuple[Path, Any], tmp_path: Path
) -> None:
    path = tmp_path / "killed.db"
    rng = random.Random(7)
    command = [sys.executable, "-m", "cli", "build", str(shop), "--store", str(path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(4):
        run = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started = time.monotonic()
        while not path.exists() and run.poll() is None and time.monotonic() - started < 60:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 5))
        run.send_signal(signal.SIGKILL)
        run.wait()
        with open_store(path) as store:
            assert verify(store)[1] == []
    profiler.build(shop, path)
    assert contents(path) == contents(built[0])


def test_bad_data_leaves_the_store_as_it_was(built: tuple[Path, Any], tmp_path: Path) -> None:
    path, _ = built
    before = contents(path)
    bad = tmp_path / "bad.csv"
    bad.write_text("user_id,item_id,timestamp\nu1,i1,yesterday\n")
    with pytest.raises(DataError, match=r"bad\.csv"):
        profiler.build(bad, path)
    assert contents(path) == before
    with pytest.raises(DataError):
        profiler.build(bad, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_data_without_texts_is_kept_for_behavioural_models(tmp_path: Path) -> None:
    log = pl.DataFrame(
        {
            "user_id": [f"u{u}" for u in range(8) for _ in range(6)],
            "item_id": [f"i{(u + k) % 9}" for u in range(8) for k in range(6)],
            "position": [k for _ in range(8) for k in range(6)],
        }
    )
    report = profiler.build(log, tmp_path / "s.db")
    assert report.chosen.exemplars == 0
    assert "behavioural models only" in report.chosen.notes[0]
    with open_store(tmp_path / "s.db") as store:
        assert store.datasets.load().n_users == 8


@pytest.fixture
def untitled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six users with six items each, whose names stand in a column that is not read."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder = tmp_path / "untitled"
    folder.mkdir()
    items = [(user, item) for user in range(6) for item in range(6)]
    log = [f"u{user},s{user}-i{item},{item}" for user, item in items]
    texts = [f"s{user}-i{item},Pen {item},Shelf s{user}-i{item}" for user, item in items[:-1]]
    for name, head, lines in (
        ("interactions.csv", "user_id,item_id,timestamp", log),
        ("items.csv", "item_id,name,categories", texts),
    ):
        (folder / name).write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return folder


def test_notes_on_the_data_are_told_before_anything_is_asked(
    untitled: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    with LlmServer() as server:
        config = BuildConfig(exemplars=2, synthetic_users=0, split="none")
        report = profiler.build(
            untitled,
            tmp_path / "s.db",
            config=config,
            llm=chat(server.base_url),
            asking=fast(),
            note=lambda line: told.append(f"{server.record.total} calls: {line}"),
            progress=lambda step, done, total: told.append(step),
        )
        assert server.record.total == 2
    assert told[:2] == ["reading the data", "ordering and splitting the data"]
    del told[:2]
    noted = [line for line in told if " calls: " in line]
    said = "1 of 36 items are not in the item file and have no text, such as 's5-i5'"
    assert any(said in line for line in noted)
    assert "encoding" in told[len(noted) :]
    assert [f"0 calls: {line}" for line in report.notes] == noted == told[: len(noted)]


@pytest.mark.parametrize("json_", [False, True])
def test_the_command_prints_notes_even_where_nothing_is_sent(
    untitled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], json_: bool
) -> None:
    from cli import profiler_app, run

    options = ["--split", "none", "--exemplars", "2", "--synthetic-users", "0"]
    options += ["--llm", MODEL, "--base-url", "http://127.0.0.1:1/v1", "--dry-run"]
    store = str(tmp_path / "s.db")
    words = ["build", str(untitled), "--store", store, *options, *(["--json"] if json_ else [])]
    assert run(profiler_app, "profiler", words) == 0
    printed = capsys.readouterr()
    said = "1 of 36 items are not in the item file and have no text, such as 's5-i5'"
    if json_:
        assert any(said in line for line in json.loads(printed.out)["notes"])
        assert printed.err == ""
    else:
        lines = [one for one in printed.err.splitlines() if not one.endswith(" s)")]
        assert any(line.startswith("note: ") and said in line for line in lines)
        assert said not in printed.out


def test_the_limit_on_interests_holds_for_models_too(untitled: Path, tmp_path: Path) -> None:
    limits = []
    for most in (2, 1):  # the server names two interests
        with LlmServer() as server:
            report = profiler.build(
                untitled,
                tmp_path / "s.db",
                config=BuildConfig(
                    exemplars=2, synthetic_users=0, split="none", max_interests=most
                ),
                llm=chat(server.base_url),
                asking=fast(),
            )
            limits.append((report.asking.ok, report.asking.quarantined))
            assert f"at most {most}, each" in server.record.calls[0].text
    assert limits == [(2, 0), (0, 2)]


def test_a_misspelt_template_is_refused_before_anything_is_done(
    untitled: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "exemplar_interest.yaml").write_text("name: exemplar_interest", encoding="utf-8")
    with pytest.raises(UserError, match=r"exemplar_interest\.yaml: no question is asked"):
        profiler.build(untitled, tmp_path / "s.db", config=BuildConfig(prompts=folder))
    assert not (tmp_path / "s.db").exists()


def test_wrong_settings_are_named() -> None:
    with pytest.raises(UserError, match="damping"):
        BuildConfig.checked(damping=2)
    with pytest.raises(UserError, match="not both"):
        BuildConfig.checked(exemplars=3, preference=-1.0)


def test_recommenders_exceed_popularity_with_and_without_alignment(
    built: tuple[Path, Any], tmp_path: Path
) -> None:
    """On planted interests both must find more than twice what popularity does."""
    import recommender

    recall = {}
    for name, settings in {
        "pop": {"backbone": "pop", "align": ()},
        "remi": {"align": (), "training": {"steps": 400, "evaluate_every": 100}},
        "remi+eimf": {"align": ("eimf",), "training": {"steps": 400, "evaluate_every": 100}},
    }.items():
        trained = recommender.train(built[0], tmp_path / name, **settings)
        assert trained is not None
        result = recommender.evaluate(tmp_path / name)
        recall[name] = result.means["recall@20"]
    assert recall["remi"] > 2 * recall["pop"], recall
    assert recall["remi+eimf"] > 2 * recall["pop"], recall
