"""``profiler explain``: why an item fits a user, by the stored interests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from profiler.commands.options import User
from store.console.options import Detail, Json, StoreFile, option

if TYPE_CHECKING:
    from store.views.interests.explanation import Explanation


def explain(
    user: User,
    item: Annotated[str, option("Item id as in the data.")],
    store: StoreFile,
    detail: Detail = False,
    json: Json = False,
) -> None:
    """Explain in one sentence why an item fits a user, by the stored interests alone.

    --detail adds the user's nearest interests, the items that prove them and the answer they
    come from.

    $ profiler explain U042 --item P096 --store shop.db
    $ profiler explain U042 --item P096 --store shop.db --detail
    """
    from profiler.commands.reading.item_lines import card_lines
    from store.console import plain, print_json, say, say_lines
    from store.store import open_store
    from store.views.interests.explanation import explain_item

    with open_store(store) as opened:
        explanation = explain_item(opened, user, item)
    if json:
        print_json(explanation.to_json())
        return
    say(f"{plain(explanation.item.title or item)} for user {plain(user)}:")
    say_lines([line.strip() for line in card_lines(explanation.card)], "  ")
    say_lines(lines(explanation, detail=detail), "  ")


def lines(explanation: Explanation, *, detail: bool) -> list[str]:
    """Return an explanation as lines: the sentence, the interest's words, then the figures."""
    from store.console import plain

    found = [plain(explanation.sentence)]
    if not detail:
        by_id = {one.interest_id: one for one in explanation.interests}
        words = None if explanation.named is None else by_id[explanation.named]
        if words is not None and words.description:
            found.append(f"{plain(words.label)}: {plain(words.description)}")
        return found
    if not explanation.interests:
        found.append("no stored interest of theirs to compare it with")
    for path in explanation.interests:
        near = "it proves this interest" if path.is_evidence else f"near {path.similarity:.2f}"
        found.append(f"{plain(path.label)} ({near}): {plain(path.description)}")
        titles = [
            plain(e.title or e.item_id) + (" (own)" if e.touched else "") for e in path.evidence
        ]
        more = f"; and {len(titles) - 4} more" if len(titles) > 4 else ""
        found.append(f"  shown by {'; '.join(titles[:4])}{more}")
        source = f"answer {path.response_id}" if path.response_id else path.source
        whom = plain(explanation.user)
        found.append(f"  user {whom} -> {plain(path.subject)} ({path.through}) -> {source}")
    return found
