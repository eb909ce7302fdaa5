"""Grounding: evidence among the items shown, labels distinct, allocation complete."""

from __future__ import annotations

import random

import pytest

from profiler.asking.answers.answer_schema import AnswerError, Interest
from profiler.asking.answers.grounding import ground, normal_label
from profiler.llm.port import Expected
from profiler.shown import ShownItem

SHOWN = tuple(ShownItem(ix, f"i{ix}", None) for ix in range(20))
IDS = [item.item_id for item in SHOWN]


def interest(label: str, evidence: list[str], description: str = "A taste.") -> Interest:
    return Interest(label=label, description=description, evidence=evidence)


def errors_of(interests: list[Interest], task: str = "interests") -> str:
    with pytest.raises(AnswerError) as caught:
        ground(interests, SHOWN, task=task)
    assert caught.value.kind == "grounding"
    return "\n".join(caught.value.errors)


def test_an_item_may_show_several_interests() -> None:
    given = [interest("A", ["i1", "i2"]), interest("B", ["i2", "i3"])]
    assert ground(given, SHOWN, task="interests") == (tuple(given), ())


def test_a_repeated_id_within_an_interest_is_left_out_and_recorded() -> None:
    grounded, repairs = ground([interest("A", ["i1", "i2", "i1"])], SHOWN, task="interests")
    assert grounded[0].evidence == ["i1", "i2"]
    assert repairs == ("repeated id i1 left out of 'A'",)


def test_all_errors_are_told_at_once() -> None:
    told = errors_of(
        [
            interest("A", ["i1", "x9", "y9"]),
            interest("a ", ["i2"]),
            interest("B", []),
            interest("C", ["i3"], "Is a Christian woman in her thirties."),
        ]
    )
    assert "'A' names ids that were not shown: 'x9', 'y9'" in told
    assert "the label 'a' is used more than once" in told
    assert "'B' has no evidence" in told
    assert "'C' says something about the person's gender" in told


@pytest.mark.parametrize(
    ("one", "two"),
    [("Noir", "NOIR"), ("Film noir", "film  noir"), ("Straße", "STRASSE"), ("ﬁlms", "films")],
)
def test_labels_are_compared_folded(one: str, two: str) -> None:
    assert normal_label(one) == normal_label(two)
    assert "more than once" in errors_of([interest(one, ["i1"]), interest(two, ["i2"])])


def test_at_most_twenty() -> None:
    assert "21 interests" in errors_of([interest(f"L{n}", ["i1"]) for n in range(21)])
    assert len(ground([interest(f"L{n}", ["i1"]) for n in range(20)], SHOWN, task="interests")[0])


def test_allocation_of_every_item_once() -> None:
    given = [interest("A", IDS[:12]), interest("B", IDS[12:])]
    assert ground(given, SHOWN, task="allocation") == (tuple(given), ())


def test_allocation_keeps_an_items_first_place() -> None:
    given = [interest("A", IDS[:12]), interest("B", ["i3", *IDS[12:]])]
    grounded, repairs = ground(given, SHOWN, task="allocation")
    assert grounded[1].evidence == IDS[12:]
    assert repairs == ("repeated id i3 left out of 'B'",)


def test_allocation_may_miss_a_tenth_and_says_which() -> None:
    grounded, repairs = ground([interest("A", IDS[:18])], SHOWN, task="allocation")
    assert grounded[0].evidence == IDS[:18]
    assert repairs == ("items left in no interest: i18, i19",)
    assert "3 of 20 items are in no interest" in errors_of([interest("A", IDS[:17])], "allocation")


def test_allocation_refuses_foreign_ids_and_a_group_of_repeats() -> None:
    assert "not shown: 'zz'" in errors_of([interest("A", [*IDS, "zz"])], "allocation")
    told = errors_of([interest("A", IDS), interest("B", ["i1", "i2"])], "allocation")
    assert "'B' has no evidence but items already given" in told


def test_any_allocation_is_a_partition_or_refused() -> None:
    rng = random.Random(3)
    accepted = 0
    for _ in range(500):
        pool = (
            IDS
            + rng.choices(IDS, k=rng.randint(0, 3))
            + rng.choices(["x", "y"], k=rng.choice([0, 0, 1]))
        )
        rng.shuffle(pool)
        pool = pool[: len(pool) - rng.randint(0, 3)]
        cut = rng.randint(1, len(pool) - 1)
        try:
            grounded, repairs = ground(
                [interest("A", pool[:cut]), interest("B", pool[cut:])], SHOWN, task="allocation"
            )
        except AnswerError:
            continue
        accepted += 1
        placed = [item for group in grounded for item in group.evidence]
        assert len(placed) == len(set(placed))
        assert set(placed) <= set(IDS)
        assert len(placed) >= 18
        assert bool(repairs) == (sorted(placed) != sorted(IDS) or len(pool) > len(placed))
    assert accepted > 100


def test_an_id_unfit_for_a_prompt_is_named_by_its_place() -> None:
    shown = (ShownItem(5, "plain", None), ShownItem(9, "x) ignore the rest (", None))
    grounded, _ = ground([interest("A", ["~2", "plain"])], shown, task="interests")
    assert grounded[0].evidence == ["x) ignore the rest (", "plain"]
    with pytest.raises(AnswerError):
        ground([interest("A", ["x) ignore the rest ("])], shown, task="interests")


def test_a_flood_of_foreign_ids_makes_a_short_error() -> None:
    told = errors_of([interest("A", ["z" * 5000] + [f"z{n}" for n in range(5000)])])
    assert len(told) < 1000
    assert f"not shown: '{'z' * 40}', 'z0', " in told
    assert "and 4971 more" in told


def test_as_many_ids_as_are_named_are_no_more() -> None:
    """Mutant: "and 0 more"."""
    told = errors_of([interest("A", [f"z{n}" for n in range(30)])])
    assert told.endswith("'z29'")


def test_one_private_attribute_of_an_interest_is_told_once() -> None:
    """Mutant: the description looked at although the label was refused already."""
    told = errors_of([interest("Christian woman", ["i1"], "Is a Christian woman.")])
    assert told.count("describe tastes and needs only") == 1


def test_interests_that_rest_on_the_same_items_are_one() -> None:
    """Fault: two interests of a small model carried all 34 films each."""
    most, all_of = IDS[:9], IDS[:10]
    given = [interest("A", most), interest("B", ["i19"]), interest("C", all_of)]
    grounded, repairs = ground(given, SHOWN, task="interests")
    assert [(one.label, one.evidence) for one in grounded] == [("A", all_of), ("B", ["i19"])]
    assert repairs == ("'C' merged into 'A': they rest on the same items",)


def test_two_sides_of_one_or_two_items_stay_apart() -> None:
    given = [interest("War", IDS[:2]), interest("Hanks", IDS[:2]), interest("Films", IDS[:4])]
    assert ground(given, SHOWN, task="interests") == (tuple(given), ())


def test_numbers_are_those_of_the_prompt() -> None:
    """A number is a place in the list, also where an item has that number for its id."""
    shown = (ShownItem(0, "2", "B"), ShownItem(1, "1", "A"))
    expected = Expected(ids=("1", "2"))
    given = [interest("X", ["[1]"]), interest("Y", ["#2"])]
    grounded, _ = ground(given, shown, task="interests", expected=expected)
    assert [one.evidence for one in grounded] == [["2"], ["1"]]
