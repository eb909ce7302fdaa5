"""Rules that hold for every file: imports, calls that are never made, SQL from constants."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("store", "prompts", "profiler", "recommender")
SOURCES = sorted([ROOT / "cli.py", *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))])
TREES = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}

# Data goes one way: who may import whom.
ALLOWED = {
    "store": {"store"},
    "prompts": {"prompts", "store"},
    "profiler": {"profiler", "prompts", "store"},
    "recommender": {"recommender", "store"},
}
NEVER_IMPORTED = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
NEVER_CALLED = {"eval", "exec", "torch.load", "yaml.load", "yaml.unsafe_load", "os.system"}


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(n.func), n) for n in ast.walk(tree) if isinstance(n, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rules(path: Path) -> None:
    tree = TREES[path]
    room = path.relative_to(ROOT).parts[0]
    if room in ALLOWED:
        foreign = (imported(tree) & set(ROOMS)) - ALLOWED[room]
        assert not foreign, f"{room} must not import {foreign}"
    assert not imported(tree) & NEVER_IMPORTED
    for name, node in calls(tree):
        assert name not in NEVER_CALLED, f"line {node.lineno}: {name}"
        if name.split(".")[-1] in {"text", "execute", "exec_driver_sql"} and node.args:
            first = node.args[0]
            built = isinstance(first, ast.JoinedStr) or (
                isinstance(first, ast.BinOp) and isinstance(first.op, ast.Mod)
            )
            pragma = built and "PRAGMA" in ast.unparse(first)  # our own constants, unbindable
            assert not built or pragma, f"line {node.lineno}: SQL is built from values"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_assert_checks_input(path: Path) -> None:
    assert not [n.lineno for n in ast.walk(TREES[path]) if isinstance(n, ast.Assert)]


def test_no_registry_host_and_no_machine_path() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    pattern = re.compile(r"py[p]i\.org|python[h]osted|registry\.[n]pmjs|deb\.[d]ebian|/[w]ork/")
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.is_file():
            found = pattern.search(path.read_bytes().decode("utf-8", "replace"))
            assert not found, f"{name}: {found}"


@pytest.mark.parametrize("module", ["store", "prompts", "profiler", "recommender", "cli"])
def test_importing_a_package_stays_light(module: str) -> None:
    heavy = {"torch", "sqlalchemy", "langchain_core", "sklearn", "numba", "polars", "rich", "numpy"}
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not heavy & set(run.stdout.split())
