from __future__ import annotations

from pathlib import Path

import pytest

from profiler.reporting.coverage import coverage_charts
from store.store import Store, open_store
from tests.reading_store import fill


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(fill(tmp_path / "s.db"))


def test_users_near_an_exemplar_and_exemplar_by_exemplar(store: Store) -> None:
    """Five users: two exemplars with similarity 1 to themselves, three members with 0.5."""
    near, cumulative, _ = coverage_charts(store)
    shares = {row[0]: row[1] for row in near.rows}
    assert (shares["0"], shares["1"]) == ("100 %", "40 %")
    # The larger cluster (3 users) comes first; only the exemplars themselves are within 0.9.
    assert cumulative.rows == [
        ["0", "0 %", "0 %", "0 %", "0 %"],
        ["1", "60 %", "20 %", "20 %", "20 %"],
        ["2", "100 %", "40 %", "40 %", "40 %"],
    ]


def test_synthetic_users_without_details_are_counted_from_what_is_stored(store: Store) -> None:
    chart = coverage_charts(store)[2]
    assert chart.rows == [["0", "0 %", "0 %"], ["1", "60 %", "50 %"]]


def test_synthetic_users_as_maximum_coverage_counted_them(store: Store) -> None:
    store.set_meta(synthetic_users={"items": 6})
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE subjects SET details = ? WHERE kind = 'synthetic'",
            ('{"rank":0,"users_covered":2,"items_covered":3,"weight_covered":0.25}',),
        )
    chart = coverage_charts(store)[2]
    assert chart.headers[1:] == ["users in a clique", "items they own", "of the objective"]
    assert chart.rows[-1] == ["1", "40 %", "50 %", "25 %"]
