"""Commands that read a store, as typed: their JSON, their lines, and what hostile texts do."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cli
from store.store import open_store
from store.upkeep.duplicates import merge_duplicates
from tests.reading_store import COMMANDS, fill, runner

GOLDEN = Path(__file__).with_name("golden_reading.json")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = fill(tmp_path / "s.db")
    with open_store(path) as store:
        merge_duplicates(store)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


def plain(text: str, path: Path) -> str:
    """Output without what differs from run to run: times, sizes, where the store lies."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME", text)
    text = re.sub(r'"bytes": \d+', '"bytes": 0', text)
    return text.replace(str(path.parent), "FOLDER")


CALLS = {
    "show": ["show", "customer-bob"],
    "explain, proven": ["explain", "customer-bob", "--item", "shred"],
    "explain, near": ["explain", "customer-eve", "--item", "refill"],
    "explain, not": ["explain", "customer-dee", "--item", "note"],
    "search": ["search", "gel pen"],
    "search, operators": ["search", "shred* OR nothing"],
    "search, nothing": ["search", "xylophone"],
    "interests": ["interests"],
    "interests raw": ["interests", "--raw", "-k", "3"],
    "compare": ["compare", "customer-bob"],
    "merge": ["merge", "2", "3"],
    "rename": ["rename", "1", "Writing"],
    "pin": ["pin", "4"],
    "undo": ["undo", "3"],
    "undo, list": ["undo"],
    "export": ["export", "--out", "OUT"],
    "datasette": ["datasette", "--out", "OUT/metadata.json"],
    "status": ["status"],
    "verify": ["verify"],
    "evaluate": ["evaluate", "-k", "2"],
    "report": ["report", "--out", "OUT/report.html"],
    "forget": ["forget", "customer-ada"],
}


def test_json_of_every_command_is_as_recorded(
    run: Run, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set UPDATE_GOLDEN=1 to record anew; look at the difference before committing it."""
    monkeypatch.setenv("LOGNAME", "ada")  # the author of changes by hand
    found = {}
    for name, args in CALLS.items():
        filled = [arg.replace("OUT", str(tmp_path / "out")) for arg in args]
        code, out, err = run(*filled, "--store", path, "--json")
        assert (code, err) == (0, ""), name
        found[name] = json.loads(plain(out, path))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_lines_in_a_pipe_say_the_same(run: Run, path: Path, tmp_path: Path) -> None:
    expected = {
        "show": "Because of “Cross-cut paper shredder”: an interest in Paper shredding.",
        "explain, proven": "It is one of the items that show an interest in Paper shredding.",
        "explain, near": "It is one of the items that show an interest in Gel pens and refills.",
        "explain, not": "Nothing stored explains this",
        "search": "Gel pens and refills",
        "search, nothing": "nothing stored matches",
        "interests": "id\tinterest\tusers\titems\tof\tmerged",
        "interests raw": "stands under",
        "compare": "items the exemplar adds: 1",
        "merge": "interest 2 now stands under 3 (edit 1)",
        "rename": "interest 1: Gel pens and refills -> Writing (edit 2)",
        "pin": "interest 4 stands for itself (edit 3)",
        "undo": "interest 4 is no longer pinned (edit 3 taken back)",
        "undo, list": "edit\tchange\tmade at\ttaken back",
        "export": "interests.jsonl\t4",
        "datasette": "datasette ",
        "evaluate": "predictive_power\tcatalogue minus popularity",
        "report": "2 of 2 interests and 5 of 5 users",
        "forget": "interactions\t5",
    }
    for name, words in expected.items():
        filled = [arg.replace("OUT", str(tmp_path / "out")) for arg in CALLS[name]]
        code, out, _ = run(*filled, "--store", path)
        assert code == 0, name
        assert words in out, (name, out)


def test_what_is_shown_is_what_the_user_touched(run: Run, path: Path) -> None:
    document = json.loads(run("show", "customer-bob", "--store", path, "--json")[1])
    touched = {
        e["item_id"]: e["touched"]
        for interest in document["exemplar"]["interests"]
        for e in interest["evidence"]
    }
    assert touched == {"pen": True, "refill": True, "note": False}
    assert document["exemplar"]["members"] == 3
    assert document["exemplar"]["similarity"] == 0.5


PAYLOADS_SQL = [
    "' OR '1'='1", "'; DROP TABLE interests; --", '"; DELETE FROM users; --', "1; ATTACH 'x' AS y",
    "' UNION SELECT raw_text FROM responses --", "x') OR 1=1 --", "\\'; VACUUM; --", "NULL", "0x41",
    "'||(SELECT group_concat(user_id) FROM users)||'", "a' AND randomblob(1e9) --", "/**/", "--",
    ":user", "?1", "@p", "$p", "%s", "{0}", "%(x)s", "[items]", "`items`", "\x00'", "a\x00b",
    "load_extension('x')", "'; PRAGMA writable_schema=1; --", "seal(1)", "CASE WHEN 1 THEN 2 END",
]  # fmt: skip
PAYLOADS_FTS = [
    '"', '""', '"""', '"a', "a\"", "AND", "OR", "NOT", "a AND", "OR b", "NOT a", "a NOT", "NEAR(",
    "NEAR(a b", "NEAR(a b, 99999999999)", "NEAR(a,)", "*", "**", "a**", "*a", "^", "^^a", "a^b",
    ":", "label:", "label:a", "nocolumn:a", "{label description}:a", "{label: a", "- label : a",
    "(", ")", "()", "((a)", "(a))", "a + b", "+ +", "a+", "'", "a'b", "interests_fts:a", "rank:a",
    "rowid:1", "a AND (b OR (c NOT", "(" * 200 + "a" + ")" * 200, "a OR " * 500 + "b", "a*b*", "\\",
    "%", "_",
]  # fmt: skip
PAYLOADS_PATH = [
    "../../etc/passwd", "..\\..\\x", "/", "//", ".", "..", "~", "~root", "a/../../b", "file:///x",
    "C:\\x", "\\\\host\\share", "CON", "-", "--", "--help", "-k", "--json", "x" * 300, "x" * 5000,
    "a/" * 600, "%2e%2e%2f", "..%c0%af", "x\n", "\r\n", "\t", " ", "", "$HOME", "`id`", "$(id)",
    "|id", "; id", "&& id", "> x", "*.db", "?", "[a", "s.db", "s.db-wal", "/dev/null", "/dev/full",
    "/proc/self/mem", "sqlite:///x", "file:s.db?mode=rwc", "\ud800", "\udcff", "é/é", "\u202e",
    "\U0001f4a9",
]  # fmt: skip


def payloads() -> list[str]:
    """At least 500: every one alone and, for the rest, two kinds joined."""
    alone = PAYLOADS_SQL + PAYLOADS_FTS + PAYLOADS_PATH
    joined = [
        f"{a[:60]} {b[:60]}"
        for step, a in enumerate(PAYLOADS_SQL)
        for b in (*PAYLOADS_FTS[step % 4 :: 4], *PAYLOADS_PATH[step % 4 :: 4])
    ]
    return list(dict.fromkeys(alone + joined))


FEW = payloads()[::16]
"""For the everyday run; `make test-slow` sends all of them."""

BOTH = [pytest.param(FEW, id="few"), pytest.param(payloads(), id="all", marks=pytest.mark.slow)]


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def tree(folder: Path) -> set[Path]:
    return {p for p in folder.rglob("*") if p.name not in ("s.db-wal", "s.db-shm")}


TEXT_ARGUMENTS = {
    "show": lambda p: ["show", "--", p],
    "explain user": lambda p: ["explain", "--item", "pen", "--", p],
    "explain item": lambda p: ["explain", f"--item={p}", "--", "customer-ada"],
    "search": lambda p: ["search", "--", p],
    "compare": lambda p: ["compare", "--", p],
    "forget": lambda p: ["forget", "--", p],
    "format": lambda p: ["export", "--out", "never", f"--format={p}"],
    "merge": lambda p: ["merge", "--", p, "1"],
    "undo": lambda p: ["undo", "--", p],
    "limit": lambda p: ["interests", f"-k{p}"],
}


def test_there_are_enough_payloads() -> None:
    assert len(payloads()) >= 500


@pytest.mark.parametrize("texts", BOTH)
@pytest.mark.parametrize("name", TEXT_ARGUMENTS)
def test_hostile_texts_change_nothing(
    name: str,
    texts: list[str],
    run: Run,
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    rows, files = dump(path), tree(tmp_path)
    for number, payload in enumerate(texts):
        args = TEXT_ARGUMENTS[name](payload)
        place = args.index("--") if "--" in args[:-1] else len(args)
        args[place:place] = ["--store", str(path), *(["--json"] if number % 2 else [])]
        code = cli.run(cli.profiler_app, "profiler", args)
        assert code in (0, 2), payload
    out, err = run("status", "--store", path)[1:]
    assert "Traceback" not in out + err
    assert dump(path) == rows
    assert tree(tmp_path) == files


@pytest.mark.parametrize("texts", BOTH)
def test_hostile_labels_are_only_labels(texts: list[str], run: Run, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        before = connection.execute("SELECT * FROM interests WHERE interest_id > 1").fetchall()
    for payload in texts:
        code = cli.run(
            cli.profiler_app, "profiler", ["rename", "--store", str(path), "--", "1", payload]
        )
        assert code in (0, 2), payload
    with sqlite3.connect(path) as connection:
        query = "SELECT * FROM interests WHERE interest_id > 1"
        assert connection.execute(query).fetchall() == before
        edits = connection.execute("SELECT payload FROM edits ORDER BY edit_id").fetchall()
        label = connection.execute("SELECT label FROM interests LIMIT 1").fetchone()[0]
    assert len(edits) > len(texts) / 2
    assert label == json.loads(edits[-1][0])["after"]["label"]
    assert run("verify", "--store", path)[0] == 0


@pytest.mark.parametrize("texts", BOTH)
def test_hostile_paths_stay_below_what_was_named(
    texts: list[str], run: Run, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path.joinpath(*"abcdefgh")
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    rows = dump(path)
    for payload in texts:
        named = payload.lstrip("/")  # a folder of the test's own, never the machine's
        before = tree(tmp_path)
        for args in (
            ["export", "--format=csv", f"--out={named}"],
            ["datasette", f"--out={named}.json"],
        ):
            full = [*args, "--store", str(path)]
            assert cli.run(cli.profiler_app, "profiler", full) in (0, 2), payload
        parts = named.split("/")
        named_so_far = [deep.joinpath(*parts[:k]) for k in range(1, len(parts) + 1)]
        allowed = [Path(os.path.normpath(one)) for one in named_so_far]
        for new in tree(tmp_path) - before:
            below = allowed[-1] in new.parents
            assert below or new in allowed or new.name == f"{allowed[-1].name}.json", (payload, new)
        for args in (["show", "customer-ada"], ["interests"]):
            full = [*args, f"--store={named}"]
            assert cli.run(cli.profiler_app, "profiler", full) in (0, 2), payload
    assert dump(path) == rows
    assert run("verify", "--store", path)[0] == 0


def test_forget_without_a_user_only_sweeps(run: Run, path: Path) -> None:
    rows = dump(path)
    code, out, err = run("forget", "--store", path, "--json")
    assert (code, json.loads(out), err) == (0, {"swept": True}, "")
    assert sorted(dump(path)) == sorted(rows)  # VACUUM lists indexes before triggers


def test_data_never_names_a_file(run: Run, path: Path, tmp_path: Path) -> None:
    hostile = "../../../x\n<script>"
    with open_store(path) as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE users SET user_id = ? || user_ix", (hostile,))
        connection.exec_driver_sql("UPDATE items SET item_id = ? || item_ix", (hostile,))
        connection.exec_driver_sql("UPDATE subjects SET name = ? || subject_id", (hostile,))
        connection.exec_driver_sql("UPDATE interests SET label = ?", (hostile,))
    before = tree(tmp_path)
    for kind in ("jsonl", "csv", "parquet"):
        assert run("export", "--format", kind, "--out", tmp_path / "out", "--store", path)[0] == 0
    names = {p.name for p in tree(tmp_path) - before}
    tables = ("interests", "evidence", "user_interests", "assignments", "cards", "descriptions")
    assert names == {"out"} | {f"{t}.{k}" for t in tables for k in ("jsonl", "csv", "parquet")}


def test_reading_loads_no_model_and_no_frames(path: Path) -> None:
    code = (
        "import sys, cli\n"
        f"for args in (['show', 'customer-bob'], ['explain', 'customer-bob', '--item', 'pen'], "
        "['search', 'pens'], ['interests'], ['compare', 'customer-bob'], ['status']):\n"
        f"    args += ['--store', {str(path)!r}]\n"
        "    assert cli.run(cli.profiler_app, 'profiler', args) == 0\n"
        "heavy = {'torch', 'polars', 'sklearn', 'sentence_transformers', 'langchain', 'scipy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, run: Run) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    assert "--store" in out
    assert "--json" in out
