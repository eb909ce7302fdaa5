"""Work over users is the same whoever does it; a name that is no engine is refused before work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from store.engines.engine import OneProcess, current, engine_set, spans, working_on
from store.errors import UserError


def add(shared: int, piece: int) -> int:
    return shared + piece


class Backwards(OneProcess):
    name = "backwards"
    elsewhere = True


def test_this_process_does_the_work_unless_another_engine_is_named():
    assert list(current().each(add, 10, [1, 2])) == [11, 12]
    engine = Backwards()
    with engine_set(engine):
        assert current() is engine
        with working_on(None) as inner:
            assert inner is engine
    assert current().name == "one process"


def test_an_unknown_engine_is_refused():
    with pytest.raises(UserError, match="on=spark: give ray"), working_on("spark"):
        pass


def test_ranges_cover_all_rows_once():
    assert spans(5, 2) == [(0, 2), (2, 4), (4, 5)]
    assert spans(0, 2) == []


def test_nobody_who_does_not_ask_for_ray_imports_it():
    code = (
        "import sys, profiler.pipeline, profiler.building.steps, recommender.serving.export, "
        "store.engines.engine; sys.exit('ray' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
