"""What is tried: every command that writes, what it may change, and when what it wrote is whole."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from recommender.model_folder.artefacts import load_model
from store.data.sample import write_sample
from store.store import open_store
from store.upkeep.backup import back_up
from store.upkeep.verify import verify
from tests.faults.language_model import ASK, MODEL, ShopModel, sent_questions, stored_questions
from tests.reading_store import fill

ROOT = Path(__file__).resolve().parent.parent.parent
STORE, SHOP = ("--store", "s.db"), ("--store", "shop.db")


@dataclass(frozen=True)
class Trial:
    """A command that writes.

    Attributes
    ----------
    argv
        As typed, in a folder of :func:`prepare`.
    writes
        The files or folders it may change, next to the store.
    whole
        Raises where a file of its output is there and is not whole.
    again
        What is typed to go on after it was stopped, where that differs.
    complete
        Raises where an output is not there once the command has gone on to its end.
    asks
        The store whose questions a language model is asked, if there is one.
    """

    argv: tuple[str, ...]
    writes: tuple[str, ...] = ()
    whole: Callable[[Path], Any] = lambda folder: None
    again: tuple[str, ...] = field(default=())
    complete: Callable[[Path], Any] = lambda folder: None
    asks: str = ""

    @property
    def name(self) -> str:
        """Program and command."""
        return " ".join(self.argv[:2])


def _jsonl(name: str) -> Callable[[Path], Any]:
    def check(folder: Path) -> None:
        if (folder / name).exists():
            text = (folder / name).read_text("utf-8")
            assert text.endswith("\n") or not text
            [json.loads(line) for line in text.splitlines()]

    return check


def _folder(name: str, suffix: str) -> Callable[[Path], Any]:
    """A kill between two names leaves some of the files, each of them whole."""

    def check(folder: Path) -> None:
        for file in (folder / name).glob(f"*.{suffix}"):
            if suffix == "parquet":
                pl.read_parquet(file)
            else:
                none = file.stem in ("cards", "descriptions")  # this store has none
                assert file.read_bytes().endswith((b"\n", b"}")) or none

    return check


def _has(name: str, suffix: str, files: int) -> Callable[[Path], Any]:
    def check(folder: Path) -> None:
        assert len(list((folder / name).glob(f"*.{suffix}"))) == files

    return check


def _json(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).exists() and json.loads((folder / name).read_text())


def _parquet(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).exists() and pl.read_parquet(folder / name)


def _ends(name: str, end: str) -> Callable[[Path], Any]:
    def check(folder: Path) -> None:
        assert not (folder / name).exists() or (folder / name).read_text().rstrip().endswith(end)

    return check


def _sound(name: str) -> Callable[[Path], Any]:
    def check(folder: Path) -> None:
        if (folder / name).exists():
            with open_store(folder / name, read_only=True) as opened:
                assert verify(opened)[1] == []

    return check


def _model(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name / "manifest.json").exists() and load_model(folder / name)


SMALL = ("--steps", "8", "--evaluate-every", "2", "--set", "model.length=12")
TRAIN = ("recommender", "train", "--store", "shop.db", "--align", "none", *SMALL)

COMPARE = ("recommender", "compare", "pop", "remi", "--store", "shop.db", "--seeds", "1")

TRIALS = (
    Trial(
        ("profiler", "sample", "new", "--users", "20"),
        ("new",),
        _folder("new", "tsv"),
        complete=_has("new", "tsv", 2),
    ),
    Trial(("profiler", "build", "shop", "--store", "new.db"), ("new.db",), _sound("new.db")),
    Trial(("profiler", "build", "shop", "--store", "shop.db", "--share", "0.1"), ("shop.db",)),
    Trial(("profiler", "merge", "1", "2", *STORE)),
    Trial(("profiler", "rename", "1", "Another label", *STORE)),
    Trial(("profiler", "pin", "1", *STORE)),
    Trial(("profiler", "undo", "1", *STORE)),
    Trial(("profiler", "forget", "customer-ada", *STORE)),
    Trial(
        ("profiler", "requests", *STORE, "--llm", "openai:x", "--all", "--out", "q.jsonl"),
        ("q.jsonl",),
        _jsonl("q.jsonl"),
    ),
    Trial(("profiler", "import-interests", "mine.jsonl", *SHOP), ("shop.db",)),
    Trial(("profiler", "import-responses", "answers.jsonl", *SHOP), ("shop.db",)),
    Trial(
        ("profiler", "export", *STORE, "--out", "out"),
        ("out",),
        _folder("out", "jsonl"),
        complete=_has("out", "jsonl", 6),
    ),
    Trial(
        ("profiler", "export", *STORE, "--out", "out", "--format", "parquet"),
        ("out",),
        _folder("out", "parquet"),
        complete=_has("out", "parquet", 6),
    ),
    Trial(
        ("profiler", "report", *STORE, "--out", "r.html"), ("r.html",), _ends("r.html", "</html>")
    ),
    Trial(("profiler", "datasette", *STORE, "--out", "m.json"), ("m.json",), _ends("m.json", "}")),
    Trial(("profiler", "backup", "b.db", *STORE), ("b.db",), _sound("b.db")),
    Trial(("profiler", "restore", "old.db", *STORE, "--overwrite"), (), _sound("s.db")),
    Trial(
        ("profiler", "merge-stores", "s.db", "old.db", "--into", "both.db"),
        ("both.db",),
        _sound("both.db"),
    ),
    Trial(
        ("profiler", "publish", "parquet:out", *STORE),
        ("s.db", "out"),
        _folder("out/current", "parquet"),
    ),
    Trial((*TRAIN, "--out", "m"), ("m",), _model("m"), (*TRAIN, "--out", "m", "--overwrite")),
    Trial((*TRAIN, "--out", "model", "--overwrite"), ("model",), _model("model")),
    Trial(
        (*COMPARE, "--out", "c", "--steps", "4", "--set", "training.evaluate_every=2"),
        ("c",),
    ),
    Trial(
        ("recommender", "export", "model", "--parquet", "l.parquet"),
        ("l.parquet",),
        _parquet("l.parquet"),
    ),
    Trial(
        ("recommender", "recommend", "model", "--all", "l.parquet"),
        ("l.parquet",),
        _parquet("l.parquet"),
    ),
    Trial(("recommender", "evaluate", "model"), ("model",), _json("model/evaluation.json")),
    Trial(
        ("profiler", "build", "shop", "--store", "new.db", *MODEL),
        ("new.db",),
        _sound("new.db"),
        asks="new.db",
    ),
    Trial(
        ("profiler", "retry", "--failed", "--store", "failed.db", *MODEL),
        ("failed.db",),
        _sound("failed.db"),
        asks="failed.db",
    ),
    Trial(("profiler", "ask", "Who buys refills?", *STORE, *ASK), (), _sound("s.db"), asks="s.db"),
)


class Zygote:
    """The process whose children run the commands, and the language model that they may ask."""

    def __init__(self) -> None:
        self.model = ShopModel()
        self.model.__enter__()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            env=os.environ | {"OPENAI_API_KEY": "sk-TESTSECRET"},
        )

    def run(self, argv: tuple[str, ...], folder: Path, **fault: Any) -> dict[str, Any]:
        """Run a command in a folder, with at most one fault."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        errors = folder.parent / "errors.txt"
        argv = tuple(word.replace("{llm}", self.model.base_url) for word in argv)
        request = {"argv": argv, "folder": str(folder), "errors": str(errors), **fault}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.model.__exit__()


def prepare(base: Path, zygote: Zygote, *, small: bool = False) -> None:
    """Make the folder that every trial starts from a copy of; ``small`` has no model."""
    base.mkdir(parents=True)
    fill(base / "s.db")
    with open_store(base / "s.db") as opened:
        back_up(opened, base / "old.db")
    write_sample(base / "shop", users=25)
    (base / "thesis.txt").write_text("years of work")
    user, item, _ = (base / "shop" / "interactions.tsv").read_text().splitlines()[1].split("\t")
    interests = [{"label": "Mine", "description": "d", "evidence": [item]}]
    (base / "mine.jsonl").write_text(json.dumps({"user_id": user, "interests": interests}))
    asked = ("profiler", "requests", *SHOP, "--llm", "openai:y", "--all", "--out", "asked.jsonl")
    made = (("profiler", "build", "shop", *SHOP), asked, (*TRAIN, "--out", "model"))
    for argv in (("profiler", "pin", "2", *STORE), *(() if small else made)):
        done = zygote.run(argv, base)
        assert done["status"] == 0, (argv, done)
    if small:
        return
    zygote.model.useless = True
    done = zygote.run(("profiler", "build", "shop", "--store", "failed.db", *MODEL), base)
    assert done["status"] == 1, done
    zygote.model.useless = False
    answers = [
        {"custom_id": json.loads(line)["custom_id"], "text": '{"interests": []}'}
        for line in (base / "asked.jsonl").read_text().splitlines()
    ]
    (base / "answers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers))


def digests(folder: Path, writes: tuple[str, ...]) -> dict[str, str]:
    """Digest of every file that a command has no business with."""
    own = {*writes, "s.db"}
    found = {}
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        top = name.split("/")[0]
        beside = any(top.startswith((f"{one}-", f"{one}.damaged")) for one in own)
        private = file.name.startswith(".") and ".partial" in file.name
        beside |= file.name.endswith(("-wal", "-shm"))
        if file.is_file() and top not in own and not beside and not private:
            found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def attempt(trial: Trial, base: Path, zygote: Zygote, fault: dict[str, Any]) -> dict[str, Any]:
    """Run a command with a fault, check what is left, and let the command go on.

    Returns
    -------
    dict
        ``status`` and ``seconds`` of the run with the fault.

    Raises
    ------
    AssertionError
        If anything was lost or paid twice, is half written, or keeps the command from going on.
    """
    folder = base.parent / "trial"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    before = digests(folder, trial.writes)
    hurt = zygote.run(trial.argv, folder, **fault)
    place = f"{trial.name} with {fault}: {hurt['said']}"
    assert hurt["status"] in (0, 1, 2, 3, -9), place
    assert "Traceback" not in hurt["said"], place
    _check(trial, folder, before, place)
    stored, calls = stored_questions(folder / trial.asks), zygote.model.record.total
    done = zygote.run(trial.again or trial.argv, folder)
    finished = done["status"] == 2 and (
        "exists already" in done["said"] or "already" in done["said"]
    )
    gone = "no user" in done["said"]  # forget had done its work
    assert done["status"] in (0, 1) or finished or gone, f"{place}\nagain: {done}"
    _check(trial, folder, before, f"again after {place}")
    trial.complete(folder)
    twice = [one for one in sent_questions(zygote.model, calls) if one in stored]
    assert not twice, f"{place}: {len(twice)} answers that were stored were bought again"
    left = [file for file in folder.rglob("*.partial*") if not finished]
    assert not left, f"{place}: {left}"
    return hurt


def _check(trial: Trial, folder: Path, before: dict[str, str], place: str) -> None:
    assert digests(folder, trial.writes) == before, f"another file changed: {place}"
    for name in ("s.db", "shop.db", *(one for one in trial.writes if one.endswith(".db"))):
        if (folder / name).exists():
            with open_store(folder / name, read_only=True) as opened:
                assert verify(opened)[1] == [], place
    trial.whole(folder)


def kills(trial: Trial, base: Path, zygote: Zygote, number: int, rng: random.Random) -> list[dict]:
    """Kill a command at ``number`` random moments of its run."""
    usual = attempt(trial, base, zygote, {})["seconds"]
    return [
        attempt(trial, base, zygote, {"kill_after": rng.random() * usual}) for _ in range(number)
    ]
