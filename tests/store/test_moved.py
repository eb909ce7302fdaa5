"""What the documents of 0.1.0 import still works, with a notice: scripts of users depend on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The imports of 0.1.0's README and docs.
DOCUMENTED = [
    "from profiler.asking.budget import Caps",
    "from profiler.asking.chat import open_chat",
    "from profiler.asking.runner import AskingOptions, run_asking",
    "from store.store import open_store",
    "from profiler.synthetic.choose import choose_synthetic_users",
    "from profiler.synthetic.result import SyntheticSettings",
    "from profiler.synthetic.storing import save_synthetic_users",
    "from store.prepare import prepare",
    "from store.readers import ReadOptions, read",
    "from store.sample import write_sample",
    "from profiler.exemplars import affinity_propagation, choose_exemplars",
    "from profiler.reporting.report import write_report",
    "from profiler import open_chat",
    "from profiler.answering.agent import ask",
    "from store import open_store",
    "from prompts import load_template",
    "import recommender; recommender.train, recommender.recommend_frame",
]


def run(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("line", DOCUMENTED)
def test_a_documented_import_of_the_last_release_works(line: str) -> None:
    done = run(line)
    assert done.returncode == 0, done.stderr


def test_an_old_name_says_what_it_is_called_now() -> None:
    done = run("import store.prepare")
    assert "store.prepare is now store.data.prepare" in done.stderr
    assert "store.data" not in run("import store.data.prepare").stderr


def test_an_old_name_is_the_same_module_and_not_a_second_copy() -> None:
    code = (
        "import store.readers, store.data.readers, profiler.synthetic.choose as old, "
        "profiler.selection.synthetic.choose as new; "
        "assert store.readers is store.data.readers and old is new"
    )
    done = run(code, "-W", "ignore")
    assert done.returncode == 0, done.stderr


def test_a_name_that_never_was_is_still_an_error() -> None:
    assert "No module named 'store.nothing'" in run("import store.nothing").stderr
    said = run("from profiler.exemplars import nothing").stderr
    assert "cannot import name 'nothing' from 'profiler.exemplars'" in said
