"""``profiler show``: a user's interests and the items that prove them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profiler.commands.options import User
from store.console.options import Json, StoreFile

if TYPE_CHECKING:
    from store.views.subjects.users import Evidence, Group, Interest, Item, UserProfile

RECENT = 5
GROUPS = 3
"""Synthetic users that are named where not everything is shown."""
WIDE = 100


def show(
    user: User,
    store: StoreFile,
    k: Annotated[
        int, typer.Option("-k", min=0, help="Interests of each part; 0 shows everything.")
    ] = 3,
    json: Json = False,
) -> None:
    """A user's interests, through exemplar and synthetic users, with evidence.

    $ profiler show U042 --store shop.db
    $ profiler show U042 --store shop.db -k 0
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.views.subjects.users import show_user

    with open_store(store) as opened:
        profile = show_user(opened, user)
    if json:
        print_json(profile.to_json())
        return
    for line in lines(profile, k or None):
        say(line)


def lines(profile: UserProfile, most: int | None = None) -> list[str]:
    """Return what is known of a user as plain lines.

    Parameters
    ----------
    profile
        From :func:`store.views.subjects.users.show_user`.
    most
        Interests of each part; None shows everything, with whole descriptions.
    """
    user, own = profile.user, profile.own
    found = [f"user {_text(user.user_id)}: {user.interactions} interactions, most recent:"]
    found += [f"  {_title(item)}" for item in profile.history[:RECENT]]
    if own:
        found += ["", "stored interests that cover the user's own history:"]
    for interest in own[:most]:
        titles = "; ".join(_title(item) for item in interest.items[:3])
        found += [f"  {_text(interest.label)} ({interest.score:.0%} of the history)"]
        found += [_fitting(f"    shown by {titles}", most)]
    found += _more(len(own), most)
    for group in filter(None, (profile.profile, profile.exemplar)):
        found += ["", *_group(group, most)]
    synthetic = profile.synthetic_users
    if most is None:
        for group in synthetic:
            found += ["", *_group(group, most)]
    elif synthetic:
        found += ["", f"part of {len(synthetic)} synthetic users:"]
        found += [_in_short(group, most) for group in synthetic[:GROUPS]]
        found += _more(len(synthetic), GROUPS)
    if not (own or synthetic or profile.profile or profile.exemplar):
        found.append("no exemplar and no synthetic user stands for this user yet")
    return found


def _group(group: Group, most: int | None) -> list[str]:
    """Whom a user belongs to, and that one's interests."""
    from store.console import maker

    interests = group.interests
    found = [f"{_named(group)}:"]
    found += [f"  interests by {name}" for name in sorted({maker(i.source) for i in interests})]
    for interest in interests[:most]:
        proven = _proofs(interest)
        titles = [_title(item) + (" (own)" if item.touched else "") for item in proven]
        proofs = "; ".join(titles[:4])
        more = f"; and {len(titles) - 4} more" if len(titles) > 4 else ""
        said = f"  {_text(interest.label)}: {_text(interest.description)}"
        found.append(_fitting(said, most))
        strength = f"    strength {interest.strength:.0%}, evidence: "
        found.append(_fitting(f"{strength}{proofs}{more}", most))
    if not interests:
        found.append(f"  no interests stored ({group.state})")
    return found + _more(len(interests), most)


def _in_short(group: Group, most: int) -> str:
    labels = "; ".join(_text(interest.label) for interest in group.interests[:most])
    return _fitting(f"  {_named(group)}: {labels or 'no interests stored'}", most)


def _named(group: Group) -> str:
    near = "" if group.similarity is None else f", similarity {group.similarity:.2f}"
    return f"{_text(group.name)} ({group.members} members{near})"


def _more(number: int, most: int | None) -> list[str]:
    if most is None or number <= most:
        return []
    return [f"  and {number - most} more (-k 0 shows everything)"]


def _fitting(line: str, most: int | None) -> str:
    """A line as it is where everything is shown, else cut between two words."""
    if most is None or len(line) <= WIDE:
        return line
    from store.console import shortened

    indent = line[: len(line) - len(line.lstrip())]
    return indent + shortened(line.strip(), WIDE - len(indent))


def _proofs(interest: Interest) -> list[Evidence]:
    """Evidence of an interest, the user's own items first."""
    return sorted(interest.evidence, key=lambda item: not item.touched)


def _title(item: Item) -> str:
    return _text(item.title or item.item_id)


def _text(value: object) -> str:
    from store.console import plain

    return plain(value)
