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
        interest_id=number,
        response_id=None,
        strength=0.5,
        evidence=items,
    )


def group(name: str) -> Any:
    many = [interest(number) for number in range(12)]
    return SimpleNamespace(name=name, members=4, similarity=0.5, interests=many, state="ok")


def own(number: int) -> Any:
    item = SimpleNamespace(item_id="i", title="T")
    return SimpleNamespace(
        label=f"Own {number}",
        score=0.1 * number,
        items=[item],
        interest_id=number,
        of_subject="exemplar:U2",
        source="openai:m",
        response_id=7,
    )


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
    text = "\n".join(shown)
    assert "Because of “Item 7 of it” and “Item 0 of it”: an interest in Interest 0." in text
    assert "%" not in text, "figures stand behind --detail"
    assert text.index("Own 8") < text.index("Own 7"), "the largest share comes first"


def test_everything_is_shown_where_asked_for() -> None:
    shown = "\n".join(lines(PROFILE, None, detail=True))
    assert "Own 0" in shown
    assert (
        "80% of the history, shown by T\n    interest 8, from exemplar:U2, openai:m, ans" in shown
    )
    assert "by shares that overlap" in shown
    assert "Item 7 of it (own); Item 0" in shown
    assert "wordy " * 39 in shown
    assert "synthetic:6 (4 members" in shown
    assert "…" not in shown
