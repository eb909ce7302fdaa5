"""``profiler show`` answers in one screen, and cuts no word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from profiler.commands.reading.show import WIDE, lines


def interest(number: int) -> Any:
    items = [
        SimpleNamespace(item_id=f"i{n}", title=f"Item {n} of it", touched=n == 7) for n in range(9)
    ]
    return SimpleNamespace(
        label=f"Interest {number}",
        description="wordy " * 40,
        source="offline",
        strength=0.5,
        evidence=items,
    )


def group(name: str) -> Any:
    many = [interest(number) for number in range(12)]
    return SimpleNamespace(name=name, members=4, similarity=0.5, interests=many, state="ok")


def own(number: int) -> Any:
    item = SimpleNamespace(item_id="i", title="T")
    return SimpleNamespace(label=f"Own {number}", score=0.1, items=[item])


PROFILE: Any = SimpleNamespace(
    user=SimpleNamespace(user_id="U1", interactions=900),
    history=[SimpleNamespace(item_id=f"i{n}", title=None) for n in range(10)],
    own=[own(number) for number in range(9)],
    profile=None,
    exemplar=group("exemplar:U2"),
    synthetic_users=[group(f"synthetic:{n}") for n in range(7)],
)


def test_a_busy_user_fits_on_a_screen() -> None:
    shown = lines(PROFILE, 3)
    assert len(shown) <= 32
    assert max(len(line) for line in shown) <= WIDE
    assert sum("more (-k 0 shows everything)" in line for line in shown) == 3
    assert not [line for line in shown if line.endswith(" wor …")]
    assert "Item 7 of it (own)" in "\n".join(shown), "own items come first"


def test_everything_is_shown_where_asked_for() -> None:
    shown = "\n".join(lines(PROFILE, None))
    assert "Own 8" in shown
    assert "Interest 11: " + "wordy " * 39 in shown
    assert "synthetic:6 (4 members" in shown
    assert "…" not in shown
