"""A model folder may come from anybody: what it names as its store is read and nothing else.

Fault behind these tests: the path in a manifest was opened for work, so that a model folder could
turn any empty file into a store and change any database.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

import recommender
from recommender.model_folder.artefacts import MANIFEST
from recommender.model_folder.origin import open_origin
from recommender.serving.service import Service
from store.errors import UserError


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "model"))


def remember(model: Path, store: str | None) -> None:
    manifest = json.loads((model / MANIFEST).read_text("utf-8"))
    manifest["training"]["store"] = store
    (model / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_what_a_manifest_names_is_left_as_it_is(model: Path, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with sqlite3.connect(tmp_path / "notes.db") as connection:
        connection.execute("CREATE TABLE notes (x)")
    connection.close()
    (tmp_path / "thesis.txt").write_text("years of work")
    os.mkfifo(tmp_path / "pipe")
    shutil.copy(shop, tmp_path / "shop.db")
    names = ["empty.db", "notes.db", "thesis.txt", "pipe", "missing.db", "shop.db", "."]
    named = [str(tmp_path / name) for name in names] + [f"../{name}" for name in names]
    for store in [*named, "/dev/null", "/dev/zero", "", None, "a\0b"]:
        remember(model, store)
        before = tree(tmp_path)
        with Service(model) as service:
            found = service.recommend(history=service.item_ids[:2], k=3)
            assert len(found) == 3
            assert (service.store is not None) == ("shop.db" in str(store))
        assert tree(tmp_path) == before, store


def test_a_relative_path_counts_from_the_model_folder_first(
    model: Path, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counted from wherever the command was run, as models of 0.1.0 still may."""
    shutil.copy(shop, tmp_path / "shop.db")
    remember(model, "../shop.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert recommender.evaluate(model, ks=(20,)).protocol["users"] > 0
    remember(model, "shop.db")
    monkeypatch.chdir(tmp_path)
    assert recommender.evaluate(model, ks=(20,)).protocol["users"] > 0
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="is not there"):
        recommender.evaluate(model, ks=(20,))


def test_a_remembered_store_is_closed_and_never_written(trained: Path, shop: Path) -> None:
    before = tree(shop.parent)
    with open_origin(trained, str(shop)) as store, pytest.raises(UserError, match="nothing can be"):
        store.set_meta(x=1)
    recommender.evaluate(trained, ks=(20,))
    assert tree(shop.parent) == before
