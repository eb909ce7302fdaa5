"""Every command that writes is killed, runs out of disk, may not write, and loses its reader.

Each time: stores are sound, no output is half written, no other file has changed, and the same
command goes on afterwards. `python -m tests.faults.figures` makes the table of docs/reliability.md.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.language_model import sent_questions, stored_questions
from tests.faults.trials import TRIALS, Trial, Zygote, attempt, digests, kills, prepare

SLOW = ("build", "requests", "import-interests", "import-responses", "sample", "retry")
ONLY_NOTED = ("evaluate",)  # what it could not keep beside the model is still shown
FAST = [one for one in TRIALS if one.argv[0] == "profiler" and one.argv[1] not in SLOW]
NAMES = [f"{one.name} {number}" for number, one in enumerate(TRIALS)]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = Zygote()
    yield started
    started.close()


@pytest.fixture(scope="module")
def base(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "base"
    prepare(folder, zygote)
    return folder


@pytest.fixture(scope="module")
def small(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "small"
    prepare(folder, zygote, small=True)
    return folder


@pytest.mark.parametrize("trial", FAST, ids=lambda one: " ".join(one.argv[1:3]))
def test_a_kill_loses_nothing(trial: Trial, small: Path, zygote: Zygote) -> None:
    rng = random.Random(trial.name)
    attempt(trial, small, zygote, {"kill_after": rng.uniform(0.02, 0.2)})


@pytest.mark.parametrize("trial", FAST, ids=lambda one: " ".join(one.argv[1:3]))
def test_a_full_disk_loses_nothing(trial: Trial, small: Path, zygote: Zygote) -> None:
    done = attempt(trial, small, zygote, {"limit": 2_000})
    assert done["status"] in (0, 2), done


def test_what_was_sent_is_what_the_store_says_was_asked(small: Path, zygote: Zygote) -> None:
    """Else the check that no stored answer is bought again would hold for any program."""
    (trial,) = [one for one in FAST if one.argv[1] == "ask"]
    folder = small.parent / "asked"
    shutil.copytree(small, folder)
    calls = zygote.model.record.total
    assert zygote.run(trial.argv, folder)["status"] == 0
    sent = sent_questions(zygote.model, calls)
    assert len(sent) == 2
    assert set(sent) <= stored_questions(folder / trial.asks)


@pytest.mark.slow
@pytest.mark.parametrize("trial", TRIALS, ids=NAMES)
def test_kills_at_random_moments_lose_nothing(trial: Trial, base: Path, zygote: Zygote) -> None:
    kills(trial, base, zygote, 12, random.Random(trial.name))


@pytest.mark.slow
@pytest.mark.parametrize("trial", TRIALS, ids=NAMES)
@pytest.mark.parametrize("limit", [0, 5_000, 40_000, 150_000])
def test_a_disk_that_fills_up_loses_nothing(
    trial: Trial, limit: int, base: Path, zygote: Zygote
) -> None:
    attempt(trial, base, zygote, {"limit": limit})


@pytest.mark.slow
@pytest.mark.parametrize("trial", TRIALS, ids=NAMES)
def test_a_reader_that_goes_away_loses_nothing(trial: Trial, base: Path, zygote: Zygote) -> None:
    attempt(trial, base, zygote, {"closed": True})


@pytest.mark.slow
def test_a_read_only_folder_is_one_line_for_every_command(base: Path, zygote: Zygote) -> None:
    folder = base.parent / "sealed"
    shutil.copytree(base, folder)
    for step in (["--bind", folder, folder], ["-o", "remount,bind,ro", folder]):
        if subprocess.run(["mount", *step], check=False, capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")
    try:
        before = digests(folder, ())
        for trial in TRIALS:
            done = zygote.run(trial.argv, folder)
            assert done["status"] == (0 if trial.argv[1] in ONLY_NOTED else 2), (trial.argv, done)
            assert "Traceback" not in done["said"]
        assert digests(folder, ()) == before
    finally:
        subprocess.run(["umount", folder], check=True)
