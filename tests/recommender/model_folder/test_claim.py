"""One training at a time in a folder, and none through links out of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recommender.api import train
from recommender.model_folder.claim import claimed
from store.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    # Two trainings into one folder left the weights of one beside the manifest of the other.
    folder = tmp_path / "model"
    code = (
        "from pathlib import Path; from recommender.model_folder.claim import claimed\n"
        f"with claimed(Path({str(folder)!r})): pass"
    )
    with claimed(folder):
        with pytest.raises(UserError, match="another training writes to"), claimed(folder):
            pass
        other = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert "another training writes to" in other.stderr
    with claimed(folder):
        pass
    assert not list(folder.iterdir())  # the lock leaves no file


def test_a_link_is_not_written_through(shop: Path, tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine", tmp_path / "model"
    mine.write_text("mine")
    folder.mkdir()
    (folder / "metrics.jsonl").symlink_to(mine)
    steps = {"steps": 1}
    with pytest.raises(UserError, match=r"metrics\.jsonl is a link"):
        train(shop, folder, backbone="dnn", align=(), training=steps, overwrite=True)
    assert mine.read_text() == "mine"


def test_a_folder_that_is_itself_a_link_is_where_the_user_said(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "model").symlink_to(tmp_path / "disk")
    train(shop, tmp_path / "model", backbone="pop")
    assert (tmp_path / "disk" / "manifest.json").is_file()
