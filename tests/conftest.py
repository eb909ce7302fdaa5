"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis  # now: CPython 3.11 may fail to parse what pytest imports late
import pytest

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer

# As `make test` sets them, before anything that reads them is imported: the pages show figures to
# the last digit of a float32, and with two threads sums run in another order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")


# No test measures time: on a busy machine an example may take long, or its input.
hypothesis.settings.register_profile(
    "busy machines", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(  # a mutant has failed: the shortest example is of no use
    "mutants",
    parent=hypothesis.settings.get_profile("busy machines"),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    database=None,
    derandomize=True,
)
hypothesis.settings.load_profile("mutants" if os.environ.get("MUTATION") else "busy machines")


@pytest.fixture(scope="session", autouse=True)
def _same_vectors_on_every_processor() -> Iterator[None]:
    """The pages show what fp32 gives; where a processor has bf16, ``auto`` would take that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("profiler.vectors.encoding._has_bf16", lambda: False)
        yield


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("INTEREST_PROFILER_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set INTEREST_PROFILER_DATA to use it")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the tests' own; skips where none is installed."""
    from tests.postgres_server import running_server

    with running_server() as server:
        yield server
