"""Rules that hold for every file: imports, calls that are never made, SQL from constants."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
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
        if name.split(".")[-1] in {"text", "statement", "execute", "exec_driver_sql"} and node.args:
            first = node.args[0]
            built = isinstance(first, ast.JoinedStr) or (
                isinstance(first, ast.BinOp) and isinstance(first.op, ast.Mod)
            )
            pragma = built and "PRAGMA" in ast.unparse(first)  # our own constants, unbindable
            assert not built or pragma, f"line {node.lineno}: SQL is built from values"


SQL = re.compile(
    r"\s*(SELECT\b.*\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM"
    r"|WITH\s+\w+\s+AS|PRAGMA)\s",
    re.DOTALL,
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_sql_outside_the_store(path: Path) -> None:
    # Made by 53 statements in 21 files that no change of the schema could find.
    if path.relative_to(ROOT).parts[0] == "store":
        return
    strings = (n for n in ast.walk(TREES[path]) if isinstance(n, ast.Constant))
    found = [n.lineno for n in strings if isinstance(n.value, str) and SQL.match(n.value)]
    assert not found, f"SQL in lines {found}: it belongs into store/tables or store/views"
    drivers = {"sqlalchemy", "sqlite3", "aiosqlite"} & imported(TREES[path])
    assert not drivers, f"{drivers} is the store's"


@pytest.mark.parametrize("folder", ["store/tables", "store/views"])
def test_statements_have_named_parameters_or_go_to_the_driver(folder: str) -> None:
    # Made by three ways of writing SQL side by side; store/db/driver.py says what is measured.
    names = {
        str(path.relative_to(ROOT)): name
        for path, tree in TREES.items()
        if path.is_relative_to(ROOT / folder)
        for name, _ in calls(tree)
        if name.endswith(".exec_driver_sql")
    }
    assert not names


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


# Circles that are still there: a later change may take one from the list, none may join it.
KNOWN_CIRCLES: list[set[str]] = []


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in SOURCES}


def targets(path: Path) -> set[str]:
    """Modules of ours that a file imports, wherever in it: in functions and for types, too."""
    found = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES.keys()) or {node.module}
    return (found & MODULES.keys()) - {module_name(path)}


def folder(name: str) -> str:
    """The folder of a module; a file at the root of a package stands for itself."""
    parts = MODULES[name].parent.relative_to(ROOT).parts
    return "/".join(parts) if len(parts) > 1 else name


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Sets of nodes that reach one another, each of at least two (transitive closure)."""
    reach = {node: set(direct) for node, direct in graph.items()}
    for middle in graph:
        for direct in reach.values():
            if middle in direct:
                direct |= reach[middle]
    rings = {
        frozenset(other for other in graph if other in reach[node] and node in reach[other])
        for node in graph
        if node in reach[node]
    }
    return [set(ring) for ring in rings]


@pytest.mark.parametrize("level", ["files", "folders"])
@pytest.mark.parametrize("room", ROOMS)
def test_no_circles(room: str, level: str) -> None:
    # Made by a circle of seven files between the store and its own repositories.
    graph: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        if name.split(".")[0] != room:
            continue
        node = folder(name) if level == "folders" else name
        inside = {t for t in targets(path) if t.split(".")[0] == room}
        there = {folder(t) for t in inside} if level == "folders" else inside
        graph.setdefault(node, set()).update(there - {node})
        for other in there:
            graph.setdefault(other, set())
    rings = circles(graph)
    known = [ring for ring in KNOWN_CIRCLES if ring <= graph.keys()]
    fresh = [sorted(ring) for ring in rings if not any(ring <= old for old in known)]
    assert not fresh, f"a new circle of {level}: {fresh}"
    gone = [sorted(old) for old in known if not any(ring <= old for ring in rings)]
    assert not gone, f"no circle any more, take it from KNOWN_CIRCLES: {gone}"


def test_known_circles_are_of_modules_that_exist() -> None:
    nodes = MODULES.keys() | {folder(name) for name in MODULES}
    assert all(ring <= nodes for ring in KNOWN_CIRCLES), "take it from KNOWN_CIRCLES"


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "d"}}
    assert [sorted(ring) for ring in circles(graph) if len(ring) > 1] == [["b", "c"]]


MOST_FILES = 15
MOST_PUBLIC = 370


def test_no_folder_is_too_full() -> None:
    # Made by rooms of 36 to 44 files in which nobody found anything.
    modules = [path for path in SOURCES if path.name != "__init__.py"]
    full = {
        str(where.relative_to(ROOT)): count
        for where, count in Counter(path.parent for path in modules).items()
        if count > MOST_FILES
    }
    assert not full, "group these files by what they are about, into folders of their own"


def public(tree: ast.Module) -> set[str] | None:
    """Names in a module's ``__all__``, written out or by ``lazy_loader``; None without one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in ast.unparse(node.targets[0]):
            if isinstance(node.value, ast.Call):
                lists = {word.arg: ast.literal_eval(word.value) for word in node.value.keywords}
                named = {name for names in lists["submod_attrs"].values() for name in names}
                return named | set(lists.get("submodules", ()))
            return set(ast.literal_eval(node.value))
    return None


PUBLIC = {
    name: names for name, path in MODULES.items() if (names := public(TREES[path])) is not None
}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTED = re.compile(
    r"^[ ]*(?:from ((?:store|prompts|profiler|recommender)[.\w]*) import (\([^)]*\)|.+)"
    r"|import (.+))$",
    re.MULTILINE,
)
DOTTED = re.compile(r"`((?:store|prompts|profiler|recommender)(?:\.\w+)*)\.([A-Z]\w*)`")


def documented(page: str) -> set[tuple[str, str]]:
    """(module, name) of everything a page imports from the packages or names with its module."""
    names = set(DOTTED.findall(page))
    for module, listed, modules in DOCUMENTED.findall(page):
        names |= {(module, name.split(" as ")[0].strip()) for name in listed.strip("()").split(",")}
        names |= {(whole.strip(), "") for whole in modules.split(",")}
    return {(module, name) for module, name in names if module.split(".")[0] in ROOMS}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_what_the_pages_import_is_public(path: Path) -> None:
    # Made by 741 public names of which the documents showed a tenth.
    used = documented(path.read_text("utf-8"))
    missing = {
        f"{module}.{name}".rstrip(".")
        for module, name in used
        if module not in PUBLIC or (name and name not in PUBLIC[module])
    }
    assert not missing, "a name that users import stands in the __all__ of the module they name"


def test_public_names_are_few() -> None:
    assert sum(len(names) for names in PUBLIC.values()) <= MOST_PUBLIC
    assert PUBLIC["store"] > {"Store", "open_store"}  # those of lazy_loader are counted


def test_documented_names_are_found() -> None:
    page = (
        "import store, os\n```python\n    from store.a import (\n  b,\n c as d)\n```\n`store.e.F`"
    )
    assert documented(page) >= {("store", ""), ("store.a", "b"), ("store.a", "c"), ("store.e", "F")}
