"""Formats of other packages: named on the command line, recognised, and refused with the reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.base.reader import Reader
from store.data.readers.registry import FORMATS, GROUP, LAYOUTS, layout_format
from store.errors import UserError
from store.registry import Registry
from tests.outside_package import install

ROOT = Path(__file__).resolve().parents[4]

BASKETS = '''
"""One line a basket: user@second: item item …"""

import polars as pl

from store.data.readers import ROW, Kind, Reader, interactions_from


def read_interactions(path, options, problems):
    rows = []
    for number, line in enumerate(path.read_text().splitlines()[1:], start=2):
        head, colon, items = line.partition(": ")
        user, at, second = head.partition("@")
        if not (colon and at):
            problems.add(Kind.ROW, path.name, "not USER@SECOND: ITEMS", row=number, value=line)
            continue
        rows += [(user, item, second, number) for item in items.split()]
    names = ["user_id", "item_id", "timestamp", ROW]
    table = pl.DataFrame(rows, schema=names, orient="row")
    return interactions_from(table, path.name, options, problems)


def read_items(path, options, problems):
    raise problems.fatal(Kind.EMPTY, path.name, "baskets have no item files")


READER = Reader(read_interactions, read_items, lambda path: path.read_bytes()[:8] == b"#baskets")
BROKEN = "no reader"
'''
LOG = "#baskets\nann@1391126400: pen ink\nbob@1391126401: pen\nann@1391126500: nib\n"


def installed(folder: Path, **readers: str) -> Path:
    return install(folder, "basket-format", BASKETS, {GROUP: readers})


@pytest.fixture
def formats(tmp_path, monkeypatch) -> None:
    """The registry as a process finds it that starts after the package was installed."""
    package = tmp_path / "package"
    package.mkdir()
    installed(package, baskets="basket_format:READER", broken="basket_format:BROKEN", csv="no:one")
    (package / "gone-1.0.dist-info").mkdir()
    (package / "gone-1.0.dist-info" / "METADATA").write_text("Name: gone\nVersion: 1.0\n")
    (package / "gone-1.0.dist-info" / "entry_points.txt").write_text(f"[{GROUP}]\ngone = gone:R\n")
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.delitem(FORMATS.__dict__, "_added", raising=False)
    yield
    FORMATS.__dict__.pop("_added", None)
    FORMATS._loaded.pop("baskets", None)


def test_built_in_formats_come_first_and_load_when_asked_for():
    published = ["steam", "yelp", "goodreads", "mind", "lastfm", "hm", "retailrocket"]
    tables = ["csv", "tsv", "parquet", "arrow"]
    built_in = ["movielens", "recbole", *published, *tables, "huggingface", "amazon"]
    assert list(FORMATS)[: len(built_in)] == built_in
    for reader in FORMATS.values():
        assert isinstance(reader, Reader)
    with pytest.raises(KeyError):
        FORMATS["xml"]


def test_a_format_of_another_package(formats, tmp_path):
    log = tmp_path / "log.txt"
    log.write_text(LOG)
    for options in (ReadOptions(format="baskets"), ReadOptions()):
        raw = read(log, options)
        assert (raw.format, raw.problems, raw.interactions.height) == ("baskets", [], 4)
    log.write_text(LOG + "nothing\n")
    assert [problem.row for problem in read(log).problems] == [5]


def test_a_built_in_name_stays_built_in(formats, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,timestamp\nu,i,1391126400\n")
    assert read(log, ReadOptions(format="csv")).interactions.height == 1


def test_a_package_that_cannot_be_used_is_named(formats, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,timestamp\nu,i,1391126400\n")
    with pytest.raises(UserError, match=r"'broken': 'basket_format:BROKEN' .* is a str, not a"):
        read(log, ReadOptions(format="broken"))
    with pytest.raises(UserError, match=r"'gone' cannot be loaded from 'gone:R' of gone"):
        read(log, ReadOptions(format="gone"))
    assert read(log).interactions.height == 1  # who does not ask for it is not stopped by it


def test_by_its_command(tmp_path):
    """``profiler check`` and ``build`` in processes of their own, with the package installed."""
    log, package = tmp_path / "log.txt", tmp_path / "package"
    log.write_text(LOG.partition("\n")[2].join(["#baskets\n", ""]))
    package.mkdir()
    installed(package, baskets="basket_format:READER")
    path = os.pathsep.join([str(package), str(ROOT)])
    env = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    enter = [sys.executable, "-c", "import sys, cli; sys.exit(cli.profiler_main())"]
    for command in (["check"], ["build", "--store", str(tmp_path / "s.db"), "--dry-run"]):
        run = subprocess.run(
            [*enter, *command[:1], str(log), "--format", "baskets", *command[1:]],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
    assert "2 users, 3 items, 4 interactions" in run.stdout


def test_an_empty_group_and_length():
    registry = Registry("part", "interest_profiler.none_such", int, {"one": "sys:maxsize"})
    assert (list(registry), len(registry), "two" in registry) == (["one"], 1, False)
    assert registry.get_known("one") == sys.maxsize
    with pytest.raises(UserError, match="unknown part 'two': use one of one"):
        registry.get_known("two")


def test_published_data_sets_have_a_format_each():
    """Fault: a name that the help lists was unknown."""
    assert set(LAYOUTS) <= set(FORMATS)
    assert [layout_format(name) for name in ("ML-1M", "hm", "lastfm-360k")] == [
        "movielens",
        "hm",
        "lastfm",
    ]
    with pytest.raises(UserError, match=r"there is no such layout; did you mean 'ml-1m'"):
        layout_format("ml-1")
