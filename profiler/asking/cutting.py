"""The items of a subject that fit a budget of tokens, and the lines that they take in a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from profiler.choices import Cut
from profiler.shown import ShownItem, ShownSubject
from prompts.items import estimate_tokens, item_lines, numbered_lines


def cut_items(
    subject: ShownSubject, token_budget: int, cut: Cut, *, numbered: bool = False
) -> tuple[ShownItem, ...]:
    """The items whose lines fit the budget, in their order; always at least one.

    ``recent`` keeps the end of the list (for a synthetic user its beginning, where the items with
    the most owners stand). ``spread`` keeps an even spread with both ends, as many as fit.
    """
    items = subject.items
    costs = [estimate_tokens(line + "\n") for line in item_texts(items, numbered)]
    if sum(costs) <= token_budget:
        return items
    if cut == "spread":
        places = _spread_places(costs, token_budget)
    elif subject.kind == "synthetic":
        places = list(range(_fitting(costs, token_budget)))
    else:
        places = list(range(len(items) - _fitting(costs[::-1], token_budget), len(items)))
    return tuple(items[place] for place in places)


def _fitting(costs: Sequence[int], budget: int) -> int:
    """How many of the first costs fit, at least one."""
    total = 0
    for count, cost in enumerate(costs):
        total += cost
        if total > budget:
            return max(1, count)
    return len(costs)


def _spread_places(costs: Sequence[int], budget: int) -> list[int]:
    """The largest even spread that fits; with one place, the last."""
    last = len(costs) - 1
    for count in range(last, 1, -1):
        places = [round(step * last / (count - 1)) for step in range(count)]
        if sum(costs[place] for place in places) <= budget:
            return places
    return [last]


def item_texts(items: Sequence[ShownItem], numbered: bool) -> list[str]:
    """Return the line of each item: by its number in the prompt, or by its own id."""
    names = [item.title or ", ".join(item.categories) for item in items]
    if numbered:
        return numbered_lines(names)
    return item_lines(names, [item.item_id for item in items])
