"""``profiler exemplars`` and ``profiler assign`` on a store that a real build made."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from profiler.commands.building.assign import assign
from profiler.commands.reading.exemplars import exemplars
from profiler.commands.reading.status import status
from profiler.config import BuildConfig
from profiler.pipeline import build
from profiler.selection.new_users import ageing_of, join_exemplars
from store.data.sample import write_sample
from store.errors import StoreError
from store.store import open_store
from store.upkeep.verify import verify


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A shop of 60 users and the store built from it."""
    folder = tmp_path_factory.mktemp("built")
    write_sample(folder / "shop", users=60, seed=3)
    build(folder / "shop", folder / "s.db", config=BuildConfig(exemplars=5, synthetic_users=0))
    return folder


@pytest.fixture
def path(built, tmp_path):
    """A copy of the store that a test may change."""
    with open_store(built / "s.db") as store, store.write() as connection:
        connection.exec_driver_sql("SELECT 1")
    for file in built.glob("s.db*"):
        shutil.copy(file, tmp_path / file.name)
    return tmp_path / "s.db"


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(exemplars)
    app.command()(assign)
    app.command()(status)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)


@pytest.fixture
def newcomers(built, tmp_path):
    """Copies of three users under new names, one known user, one with unknown items only."""
    lines = (built / "shop" / "interactions.tsv").read_text().splitlines()
    kept = [lines[0]]
    for old, new in (("U01", "N1"), ("U02", "N2"), ("U03", "N3"), ("U04", "U04")):
        mine = [line for line in lines if line.startswith(old + "\t")][:-2]
        kept += [line.replace(old, new) for line in mine]
    kept.append("N4\tnowhere\t1700000000")
    file = tmp_path / "new.tsv"
    file.write_text("\n".join(kept) + "\n")
    return file


def test_exemplars_lists_size_and_typical_items(run, path):
    document = json.loads(run("exemplars", "--store", path, "--json").stdout)
    listed = document["exemplars"]
    assert 1 <= len(listed) <= 5
    assert sum(one["members"] for one in listed) == 60
    assert [one["members"] for one in listed] == sorted(
        (one["members"] for one in listed), reverse=True
    )
    for one in listed:
        assert one["name"] == f"exemplar:{one['user']}"
        assert 0 < one["mean_similarity"] <= 1
        assert 1 <= len(one["typical_items"]) <= 5
        assert all(1 <= item["owned_by"] <= one["members"] for item in one["typical_items"])
    assert document["choice"]["settings"]["target"] == 5


def test_exemplars_prints_a_line_for_each(run, path):
    shown = run("exemplars", "--store", path, "--limit", 1).stdout.splitlines()
    assert shown[0].startswith("exemplar\tmembers\tmean similarity")
    assert "stand for 60 users; 1 shown" in shown[2]
    assert "net similarity -" in shown[3]


def test_a_store_without_exemplars_says_what_to_do(run, tmp_path):
    open_store(tmp_path / "empty.db", create=True).close()
    shown = run("exemplars", "--store", tmp_path / "empty.db").stdout
    assert "no exemplars were chosen yet; run: profiler build DATA" in shown


def test_copies_of_users_join_the_exemplar_of_the_original(run, path, newcomers):
    document = json.loads(run("assign", newcomers, "--store", path, "--json").stdout)
    with open_store(path) as store, store.read() as connection:
        originals = dict(
            connection.exec_driver_sql(
                "SELECT u.user_id, s.name FROM memberships m JOIN users u USING (user_ix) "
                "JOIN subjects s USING (subject_id)"
            ).all()
        )
    joined = {one["user"]: one for one in document["users"]}
    assert set(joined) == {"N1", "N2", "N3", "N4"}
    for new, old in (("N1", "U01"), ("N2", "U02"), ("N3", "U03")):
        assert joined[new]["exemplar"] == originals[old]
        assert 0 < joined[new]["similarity"] <= 1
    assert joined["N4"] == {"user": "N4", "exemplar": None, "similarity": None}
    assert (document["known_users"], document["unknown_items"], document["saved"]) == (1, 1, 0)
    with open_store(path) as store:
        assert store.datasets.load().n_users == 60


def test_saved_users_are_members_described_but_never_trained_on(run, path, newcomers):
    document = json.loads(run("assign", newcomers, "--store", path, "--save", "--json").stdout)
    assert document["saved"] == 4
    with open_store(path) as store:
        dataset = store.datasets.load()
        assert dataset.user_ids[60:] == ["N1", "N2", "N3", "N4"]
        new = range(60, 64)
        assert all(len(dataset.history(user)) == 0 for user in new)
        known, _ = dataset.known()
        lengths = np.diff(known)[60:]
        assert (lengths[:3] > 0).all()
        assert lengths[3] == 0
        assert verify(store)[1] == []
        sizes = {s.name: s.size for s in store.subjects.load(kinds=("exemplar",))}
        assert sum(sizes.values()) == 63
        with store.read() as connection:
            covered = connection.exec_driver_sql(
                "SELECT count(DISTINCT user_ix) FROM assignments WHERE user_ix >= 60"
            ).scalar_one()
        assert covered == 3
    again = json.loads(run("assign", newcomers, "--store", path, "--save", "--json").stdout)
    assert (again["users"], again["known_users"], again["saved"]) == ([], 5, 0)


def test_lines_for_people_and_notes_beside_them(run, path, newcomers):
    result = run("assign", newcomers, "--store", path)
    assert result.stdout.splitlines()[0] == "user\texemplar\tsimilarity"
    assert "N4\tnone: no item with text\t" in result.stdout
    assert "1 users are in the store already" in result.stderr
    assert "nothing was stored; add --save" in result.stderr


def test_joining_needs_exemplars(path, newcomers):
    with open_store(path) as store:
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE subjects SET active = 0")
        with pytest.raises(StoreError, match="no exemplars to join"):
            join_exemplars(store, newcomers)


class TestAgeing:
    def test_nobody_joined(self, path):
        with open_store(path) as store:
            assert ageing_of(store) is None

    def test_users_like_the_old_ones_do_not_age_them(self, run, path, newcomers):
        run("assign", newcomers, "--store", path, "--save")
        with open_store(path) as store:
            found = ageing_of(store)
        assert (found.users, found.aged, found.needed) == (3, False, 0)

    def test_far_users_age_them(self, run, path, newcomers):
        run("assign", newcomers, "--store", path, "--save")
        with open_store(path) as store:
            with store.write() as connection:
                connection.exec_driver_sql(
                    "UPDATE memberships SET similarity = -0.5 WHERE user_ix >= 60"
                )
            found = ageing_of(store)
        assert (found.far, found.aged) == (3, True)
        assert found.needed == 1
        document = json.loads(run("status", "--store", path, "--json").stdout)
        assert document["joined"]["of them far from every exemplar"] == 3
        assert any("exemplars have aged: 3 of 3 new users" in line for line in document["advice"])

    def test_a_new_choice_starts_anew(self, run, path, newcomers):
        run("assign", newcomers, "--store", path, "--save")
        with open_store(path) as store:
            store.set_meta(choice_digest="another")
            assert ageing_of(store) is None
