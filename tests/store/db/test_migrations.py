"""The numbered migrations."""

from __future__ import annotations

from store.db.migrations import available


def test_migrations_are_numbered_one_by_one() -> None:
    """Two that had taken the same number were taken for one."""
    assert [number for number, _ in available()] == list(range(1, len(available()) + 1))
