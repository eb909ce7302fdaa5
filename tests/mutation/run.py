"""Mutation testing: change one thing in a module at a time and see whether its tests notice.

The changes are Cosmic Ray's. Its own executor starts a Python process for every change, which costs
seconds of imports each; here the tests of a module run again and again in one process, and a change
inside a function is made by giving the live function the changed code. A change outside functions
(a constant, a decorator, a default value) is written into a copy of the project and tested there by
a new process.

    python tests/mutation/run.py                  # every target, hours
    python tests/mutation/run.py splits metrics   # these targets
    python tests/mutation/run.py --list

Results are kept in ``.mutation/`` and a run goes on where it was stopped; a change to the module or
its tests starts that target again. The exit code is 1 where a change survived that
``accepted.toml`` does not name with its reason.

A changed program does what nobody wrote. Tests of targets must not hand it anything outside their
own folder that the user of the machine could lose, such as ``/dev/null`` where that user is root.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import gc
import hashlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = ROOT / ".mutation"

# One or two replacements for each kind of operator: more of them find the same missing test again.
OPERATORS = (
    "core/AddNot",
    "core/ExceptionReplacer",
    "core/NumberReplacer",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceUnaryOperator_USub_UAdd",
    "core/ZeroIterationForLoop",
    "core/ReplaceBinaryOperator_Add_Sub",
    "core/ReplaceBinaryOperator_Sub_Add",
    "core/ReplaceBinaryOperator_Mul_Div",
    "core/ReplaceBinaryOperator_Div_Mul",
    "core/ReplaceBinaryOperator_FloorDiv_Mul",
    "core/ReplaceBinaryOperator_Mod_Add",
    "core/ReplaceBinaryOperator_BitAnd_BitOr",
    "core/ReplaceBinaryOperator_BitOr_BitAnd",
    "core/ReplaceComparisonOperator_Eq_NotEq",
    "core/ReplaceComparisonOperator_NotEq_Eq",
    "core/ReplaceComparisonOperator_Lt_LtE",
    "core/ReplaceComparisonOperator_Lt_Gt",
    "core/ReplaceComparisonOperator_LtE_Lt",
    "core/ReplaceComparisonOperator_LtE_Gt",
    "core/ReplaceComparisonOperator_Gt_GtE",
    "core/ReplaceComparisonOperator_Gt_Lt",
    "core/ReplaceComparisonOperator_GtE_Gt",
    "core/ReplaceComparisonOperator_GtE_Lt",
    "core/ReplaceComparisonOperator_Is_IsNot",
    "core/ReplaceComparisonOperator_IsNot_Is",
)
DROPPED_CALL = "a call dropped"


class TooLongError(BaseException):
    """A changed program that does not end; not an Exception, so that no test takes it for one."""


@dataclass(frozen=True)
class Mutant:
    """One change. ``name`` does not depend on line numbers, so that it outlives other edits."""

    operator: str
    line: int
    name: str
    source: str


@dataclass(frozen=True)
class Target:
    """A module and the tests that have to notice a change to it."""

    name: str
    module: Path
    tests: tuple[str, ...]

    @property
    def import_name(self) -> str:
        return ".".join(self.module.with_suffix("").parts)

    def digest(self) -> str:
        """Of the module and its tests; results of another digest are not believed."""
        files = [self.module, *(Path(test.split("::")[0]) for test in self.tests)]
        content = b"".join((ROOT / file).read_bytes() for file in files if (ROOT / file).is_file())
        return hashlib.sha256(content).hexdigest()[:16]


def targets() -> dict[str, Target]:
    """What ``targets.toml`` lists."""
    table = tomllib.loads((HERE / "targets.toml").read_text("utf-8"))
    return {
        name: Target(name, Path(entry["module"]), tuple(entry["tests"]))
        for name, entry in table.items()
    }


def accepted() -> dict[str, dict[str, str]]:
    """By target, the survivors that change nothing a test could see, each with its reason.

    What is listed under ``anywhere`` is part of a line and what it is changed to: it is accepted in
    every target.
    """
    found: dict[str, dict[str, str]] = tomllib.loads((HERE / "accepted.toml").read_text("utf-8"))
    return found


def accepted_anywhere(name: str, rules: dict[str, str]) -> bool:
    """Whether a change is one of those that are accepted in every target."""
    old, _, new = name.partition(": ")[2].partition(" -> ")
    pairs = (rule.split(" -> ") for rule in rules)
    return any(old.replace(before, after, 1) == new for before, after in pairs if before in old)


def mutants(path: Path) -> Iterator[Mutant]:
    """Every change to a module, each once, in the order of the operators."""
    source = path.read_text("utf-8")
    seen = {source}
    for operator in OPERATORS:
        occurrence = 0
        while (changed := _changed(source, operator, occurrence)) is not None:
            occurrence += 1
            if changed not in seen and not _only_in_words(source, changed):
                seen.add(changed)
                yield _mutant(operator.removeprefix("core/"), source, changed)
    for changed in _dropped_calls(source):
        yield _mutant(DROPPED_CALL, source, changed)


def _changed(source: str, operator: str, occurrence: int) -> str | None:
    """The module with the one change; the module itself where Cosmic Ray cannot make that one."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    try:
        changed: str | None = mutate_code(source, get_operator(operator)(), occurrence)
    except AttributeError:  # `except package.Error`: the operator knows plain names only
        return source
    return changed


def _dropped_calls(source: str) -> Iterator[str]:
    """A statement that is a call does something: without it, some test has to fail."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)):
            continue
        if node.col_offset == 0 or node.end_lineno is None:
            continue
        pad = " " * node.col_offset
        yield "".join([*lines[: node.lineno - 1], f"{pad}pass\n", *lines[node.end_lineno :]])


def _only_in_words(source: str, changed: str) -> bool:
    """Whether no test could tell: types, or `*` taken for a factor in a signature."""
    tree, other = ast.parse(source), ast.parse(changed)
    for each in (tree, other):
        for node in ast.walk(each):
            if isinstance(node, ast.arg | ast.AnnAssign):
                node.annotation = ast.Constant(None)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.returns = None
                names = node.args  # `f(a, *, b)` and `f(a, /, b)` are the same to callers by name
                names.args = [*names.posonlyargs, *names.args, *names.kwonlyargs]
                names.defaults += [value for value in names.kw_defaults if value is not None]
                names.posonlyargs, names.kwonlyargs, names.kw_defaults = [], [], []
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                node.test, node.body = ast.Constant(False), []
    return ast.dump(tree) == ast.dump(other)


def _mutant(operator: str, source: str, changed: str) -> Mutant:
    before, after = source.splitlines(), changed.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    _, first, last, start, end = next(op for op in matcher.get_opcodes() if op[0] != "equal")
    old = " ".join(line.strip() for line in before[first:last])
    new = " ".join(line.strip() for line in after[start:end])
    function = _function_at(source, first + 1)
    return Mutant(operator, first + 1, f"{function or 'module'}: {old} -> {new}", changed)


def _function_at(source: str, line: int) -> str | None:
    """Qualified name of the outermost function whose body holds the line, if any."""

    def search(nodes: list[ast.stmt], prefix: str) -> str | None:
        for node in nodes:
            if not node.lineno <= line <= (node.end_lineno or node.lineno):
                continue
            if isinstance(node, ast.ClassDef):
                return search(node.body, f"{prefix}{node.name}.")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                return f"{prefix}{node.name}" if line >= node.body[0].lineno else None
            if isinstance(node, ast.If | ast.Try | ast.With):
                return search(node.body, prefix)
        return None

    return search(ast.parse(source).body, "")


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


@contextlib.contextmanager
def changed_function(module_path: Path, qualified: str, source: str) -> Iterator[bool]:
    """Give the live function the changed code; yields whether there was such a function."""
    code = next(
        (
            found
            for found in _codes(compile(source, str(module_path), "exec"))
            if found.co_qualname == qualified
        ),
        None,
    )
    live = [
        thing
        for thing in gc.get_objects()
        if type(thing) is FunctionType  # isinstance would ask odd objects for their class
        and thing.__code__.co_qualname == qualified
        and Path(thing.__code__.co_filename) == module_path
    ]
    if code is None or not live or any(f.__code__.co_freevars != code.co_freevars for f in live):
        yield False
        return
    before = [function.__code__ for function in live]
    for function in live:
        function.__code__ = code
    try:
        yield True
    finally:
        for function, old in zip(live, before, strict=True):
            function.__code__ = old


class KillersFirst:
    """A plugin: tests that noticed most changes so far run first, so that most runs end soon."""

    def __init__(self) -> None:
        self.kills: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: -self.kills[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.kills[report.nodeid] += 1


def run_tests(tests: tuple[str, ...], plugin: KillersFirst, seconds: float) -> str:
    """``passed``, ``failed`` or ``too long``, in this process."""
    import pytest

    def stop(*_: object) -> None:
        raise TooLongError

    arguments = ["-x", "-q", "--tb=no", "--no-header", "--no-summary", "-p", "no:cacheprovider"]
    arguments += ["-p", "no:timeout", "-p", "no:xdist", "-m", "not slow"]
    for number in (signal.SIGALRM, signal.SIGHUP):  # changed code may send itself a signal
        signal.signal(number, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with contextlib.nullcontext() if os.environ.get("SHOW") else _silence():
            code = pytest.main([*arguments, *tests], plugins=[plugin])
    except TooLongError:
        return "too long"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _forget_cached()
    return "passed" if code == 0 else "failed"


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing that pytest or the program prints: thousands of runs would fill the screen."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, old in zip((1, 2), kept, strict=True):
                os.dup2(old, descriptor)
                os.close(old)


def _forget_cached() -> None:
    """What a changed function returned must not answer for the next change."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in {"store", "prompts", "profiler", "recommender"}:
            for value in list(vars(module).values()):
                clear = getattr(value, "cache_clear", None)
                if callable(clear):
                    clear()


def in_new_process(target: Target, source: str, seconds: float) -> str:
    """The same for a change outside functions: a copy of the project, a new process."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("store", "prompts", "profiler", "recommender", "tests", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("cli.py", "pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, copy / name)
        (copy / target.module).write_text(source, "utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, "-m", "not slow", *target.tests],
                cwd=copy,
                env=os.environ | {"PYTHONPATH": str(copy)},
                capture_output=True,
                timeout=seconds + 60,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "too long"
    return "passed" if done.returncode == 0 else "failed"


def run(target: Target) -> list[dict[str, Any]]:
    """Outcome of every change to one target, from the file of results where it is there."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{target.name}-{target.digest()}.jsonl"
    for stale in RESULTS.glob(f"{target.name}-*.jsonl"):
        if stale != file:
            stale.unlink()
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    done = {entry["name"] + entry["operator"]: entry for entry in map(json.loads, lines)}
    path = ROOT / target.module
    plugin = KillersFirst()
    importlib.import_module(target.import_name)
    start = time.monotonic()
    if run_tests(target.tests, plugin, 3600) != "passed":
        raise SystemExit(f"{target.name}: its tests fail without any change")
    limit = 10 + 5 * (time.monotonic() - start)
    everything = list(mutants(path))
    with file.open("a", encoding="utf-8") as out:
        for place, mutant in enumerate(everything):
            key = mutant.name + mutant.operator
            if key not in done:
                outcome = _outcome(target, mutant, plugin, limit)
                facts = asdict(mutant) | {"outcome": outcome}
                del facts["source"]
                done[key] = facts
                out.write(json.dumps(facts, ensure_ascii=False) + "\n")
                out.flush()
            if place % 25 == 0:
                print(f"{target.name}: {place} of {len(everything)}", flush=True)
    return [done[mutant.name + mutant.operator] for mutant in everything]


def _outcome(target: Target, mutant: Mutant, plugin: KillersFirst, seconds: float) -> str:
    path = ROOT / target.module
    try:
        compile(mutant.source, str(path), "exec")
    except SyntaxError:
        return "failed"
    function = mutant.name.split(": ")[0]
    if function != "module":
        with changed_function(path, function, mutant.source) as applied:
            if applied:
                return run_tests(target.tests, plugin, seconds)
    return in_new_process(target, mutant.source, seconds)


def report(name: str, outcomes: list[dict[str, Any]]) -> int:
    """Print one target's figures and survivors; return how many nobody has accepted."""
    everything = accepted()
    reasons, rules = everything.get(name, {}), everything["anywhere"]
    survived = [entry for entry in outcomes if entry["outcome"] == "passed"]
    open_ones = [
        entry
        for entry in survived
        if entry["name"] not in reasons and not accepted_anywhere(entry["name"], rules)
    ]
    stale = set(reasons) - {entry["name"] for entry in survived}
    counts = Counter(entry["outcome"] for entry in outcomes)
    print(
        f"{name}: {len(outcomes)} changes, {counts['failed']} noticed, {counts['too long']} did "
        f"not end, {len(survived)} survived, of which {len(survived) - len(open_ones)} are accepted"
    )
    for entry in open_ones:
        print(f"  line {entry['line']}, {entry['operator']}: {entry['name']}")
    for key in sorted(stale):
        print(f"  accepted.toml names a change that is noticed or gone: {key}")
    return len(open_ones)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="targets of targets.toml; all where none is given")
    parser.add_argument("--list", action="store_true", help="names and numbers of changes only")
    options = parser.parse_args()
    every = targets()
    unknown = set(options.names) - set(every)
    if unknown:
        raise SystemExit(
            f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(every)}"
        )
    chosen = [every[name] for name in options.names or every]
    if options.list:
        for target in chosen:
            print(f"{target.name}: {sum(1 for _ in mutants(ROOT / target.module))} changes")
        return
    if len(chosen) > 1:  # a process each: code changed in one target must not live on in another
        codes = [subprocess.run([sys.executable, __file__, t.name], check=False) for t in chosen]
        sys.exit(max(code.returncode for code in codes))
    os.environ["MUTATION"] = "1"
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    sys.exit(1 if report(chosen[0].name, run(chosen[0])) else 0)


if __name__ == "__main__":
    main()
