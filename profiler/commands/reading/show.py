"""``profiler show``: a user's interests and the items that prove them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiler.commands.options import User
from store.console.options import Json, StoreFile

if TYPE_CHECKING:
    from store.views.users import Interest, UserProfile


def show(
    user: User,
    store: StoreFile,
    json: Json = False,
) -> None:
    """A user's interests, through exemplar and synthetic users, with evidence.

    $ profiler show U042 --store shop.db
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.views.users import show_user

    with open_store(store) as opened:
        profile = show_user(opened, user)
    if json:
        print_json(profile.to_json())
        return
    for line in lines(profile):
        say(line)


def lines(profile: UserProfile) -> list[str]:
    """Return what is known of a user as plain lines."""
    from store.console import maker, plain

    user = profile.user
    found = [f"user {plain(user.user_id)}: {user.interactions} interactions, most recent:"]
    found += [f"  {plain(item.title or item.item_id)}" for item in profile.history[:5]]
    if profile.own:
        found += ["", "stored interests that cover its own history:"]
    for interest in profile.own:
        titles = "; ".join(plain(i.title or i.item_id) for i in interest.items[:3])
        found += [f"  {plain(interest.label)} ({interest.score:.0%} of the history)"]
        found += [f"    shown by {titles}"]
    groups = [profile.profile, profile.exemplar, *profile.synthetic_users]
    for group in [g for g in groups if g]:
        similarity = "" if group.similarity is None else f", similarity {group.similarity:.2f}"
        found += ["", f"{plain(group.name)} ({group.members} members{similarity}):"]
        makers = sorted({maker(interest.source) for interest in group.interests})
        found += [f"  interests by {name}" for name in makers]
        found += [line for interest in group.interests for line in _interest(interest)]
        if not group.interests:
            found.append(f"  no interests stored ({group.state})")
    if len(found) == 6 and not any(groups):
        found.append("no exemplar and no synthetic user stands for this user yet")
    return found


def _interest(interest: Interest) -> list[str]:
    from store.console import plain

    titles = [
        plain(item.title or item.item_id) + (" (own)" if item.touched else "")
        for item in interest.evidence
    ]
    shown = "; ".join(titles[:4]) + (f"; and {len(titles) - 4} more" if len(titles) > 4 else "")
    return [
        f"  {plain(interest.label)}: {plain(interest.description)}",
        f"    strength {interest.strength:.0%}, evidence: {shown}",
    ]
