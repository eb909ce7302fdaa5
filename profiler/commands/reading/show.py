"""``profiler show``: a user's interests, each in one sentence with its items; or an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from store.console.options import Detail, Json, StoreFile, option

if TYPE_CHECKING:
    from pathlib import Path

    from store.views.subjects.users import Evidence, Group, Interest, Item, OwnInterest, UserProfile

RECENT = 5
GROUPS = 3
"""Synthetic users that are named where not everything is shown."""
NAMED = 2
"""Items that a sentence names."""
WIDE = 100
LEAST = 20
"""Signs of a title that a sentence shows at least."""


def show(
    store: StoreFile,
    user: Annotated[
        str | None, typer.Argument(help="User id as in the data.", show_default=False)
    ] = None,
    item: Annotated[str | None, option("Show an item and its card in place of a user.")] = None,
    k: Annotated[
        int, typer.Option("-k", min=0, help="Interests of each part; 0 shows everything.")
    ] = 3,
    detail: Detail = False,
    json: Json = False,
) -> None:
    """Show a user's interests, each in a sentence: the user's own, then those of the exemplar.

    $ profiler show U042 --store shop.db
    $ profiler show U042 --store shop.db -k 0 --detail
    $ profiler show --item P001 --store shop.db
    """
    from store.console import print_json, say_lines
    from store.errors import UserError
    from store.store import open_store
    from store.upkeep.far_labels import far_among
    from store.views.subjects.users import show_user

    if (user is None) == (item is None):
        raise UserError("say whom to show: profiler show USER, or profiler show --item ITEM")
    if item is not None:
        _show_item(store, item, json=json)
        return
    with open_store(store) as opened:
        profile = show_user(opened, str(user))
        shown = {one.interest_id: one.label for one in _interests(profile)}
        far = far_among(opened, shown)
    if json:
        print_json(profile.to_json() | ({"far_labels": far} if far else {}))
        return
    doubtful = [f"{_text(shown[one])} (interest {one})" for one in far]
    found = lines(profile, k or None, detail=detail)
    if profile.descriptions:
        from profiler.commands.reading.item_lines import layer_lines

        found += ["", "what the items say of them:", *layer_lines(profile.descriptions, "items")]
    if doubtful:
        found += ["", f"labels that their items do not bear out: {'; '.join(doubtful)}"]
    say_lines(found)


def _interests(profile: UserProfile) -> list[OwnInterest | Interest]:
    """All interests of a user and of those who stand for them."""
    groups = [profile.profile, profile.exemplar, *profile.synthetic_users]
    return [*profile.own, *(one for group in groups if group for one in group.interests)]


def _show_item(store: Path, item: str, *, json: bool) -> None:
    from profiler.commands.reading.item_lines import item_lines
    from store.console import print_json, say_lines
    from store.store import open_store
    from store.views.items import show_item

    with open_store(store) as opened:
        found = show_item(opened, item)
    if json:
        print_json(found.to_json())
    else:
        say_lines(item_lines(found))


def lines(profile: UserProfile, most: int | None = None, *, detail: bool = False) -> list[str]:
    """Return what is known of a user as plain lines.

    Parameters
    ----------
    profile
        From :func:`store.views.subjects.users.show_user`.
    most
        Interests of each part; None shows everything, with whole descriptions.
    detail
        Add shares, numbers of members, similarities, who made the interests and what proves them.
    """
    user, own = profile.user, _by_share(profile.own)
    found = [f"user {_text(user.user_id)}: {user.interactions:,} interactions, most recent:"]
    found += [f"  {_title(item)}" for item in profile.history[:RECENT]]
    if own:
        shares = ", by shares that overlap" if detail else ""
        found += ["", f"stored interests that the user's own history shows{shares}:"]
    for interest in own[:most]:
        found += _own(interest, most, detail=detail)
    found += _more(len(own), most)
    for group in filter(None, (profile.profile, profile.exemplar)):
        found += ["", *_group(group, most, detail=detail)]
    synthetic = profile.synthetic_users
    if most is None:
        for group in synthetic:
            found += ["", *_group(group, most, detail=detail)]
    elif synthetic:
        found += ["", f"part of {len(synthetic)} synthetic users:"]
        found += [_in_short(group, most, detail=detail) for group in synthetic[:GROUPS]]
        found += _more(len(synthetic), GROUPS)
    if not (own or synthetic or profile.profile or profile.exemplar):
        found.append("no exemplar and no synthetic user stands for this user yet")
    return found


def _by_share(own: Sequence[OwnInterest]) -> list[OwnInterest]:
    """Own interests, those that show in most of the history first."""
    return sorted(own, key=lambda one: -one.score)


def _own(interest: OwnInterest, most: int | None, *, detail: bool) -> list[str]:
    found = [f"  {_sentence(interest.items, interest.label)}"]
    if detail:
        titles = "; ".join(_title(item) for item in interest.items)
        found.append(_fitting(f"    {interest.score:.0%} of the history, shown by {titles}", most))
        answer = "" if interest.response_id is None else f", answer {interest.response_id}"
        source = f"{_text(interest.of_subject)}, {_text(interest.source)}{answer}"
        found.append(f"    interest {interest.interest_id}, from {source}")
    return found


def _group(group: Group, most: int | None, *, detail: bool) -> list[str]:
    """Whom a user belongs to, and that one's interests."""
    from store.console import maker

    interests = group.interests
    found = [f"{_named(group, detail=detail)}:"]
    found += [f"  interests by {name}" for name in sorted({maker(i.source) for i in interests})]
    for interest in interests[:most]:
        found += _of_group(interest, most, detail=detail)
    if not interests:
        found.append(f"  no interests stored ({group.state})")
    return found + _more(len(interests), most)


def _of_group(interest: Interest, most: int | None, *, detail: bool) -> list[str]:
    proven = _proofs(interest)
    if not proven:
        return [_fitting(f"  {_text(interest.label)} (imported words; no item proves it)", most)]
    found = [f"  {_sentence(proven, interest.label)}"]
    if not detail:
        return found
    titles = [_title(item) + (" (own)" if item.touched else "") for item in proven]
    proofs = "; ".join(titles[:4])
    more = f"; and {len(titles) - 4} more" if len(titles) > 4 else ""
    answer = "" if interest.response_id is None else f", answer {interest.response_id}"
    found.append(_fitting(f"    {_text(interest.description)}", most))
    strength = f"    strength {interest.strength:.0%}, evidence: "
    found.append(_fitting(f"{strength}{proofs}{more}", most))
    return [*found, f"    interest {interest.interest_id}{answer}"]


def _in_short(group: Group, most: int, *, detail: bool) -> str:
    labels = "; ".join(_text(interest.label) for interest in group.interests[:most])
    return _fitting(f"  {_named(group, detail=detail)}: {labels or 'no interests stored'}", most)


def _named(group: Group, *, detail: bool) -> str:
    if not detail:
        return _text(group.name)
    near = "" if group.similarity is None else f", similarity {group.similarity:.2f}"
    return f"{_text(group.name)} ({group.members:,} members{near})"


def _more(number: int, most: int | None) -> list[str]:
    if most is None or number <= most:
        return []
    return [f"  and {number - most:,} more (-k 0 shows everything)"]


def _fitting(line: str, most: int | None) -> str:
    """A line as it is where everything is shown, else cut between two words."""
    if most is None or len(line) <= WIDE:
        return line
    from store.console import shortened

    indent = line[: len(line) - len(line.lstrip())]
    return indent + shortened(line.strip(), WIDE - len(indent))


def _sentence(items: Sequence[Item], label: str) -> str:
    """Because of which items there is which interest; long titles end in an ellipsis."""
    from store.console import shortened
    from store.views.shared.sentences import interest_sentence

    named, label = items[:NAMED], _text(label)
    room = WIDE - len(interest_sentence([""] * len(named), label)) - 2
    most = max(room // max(len(named), 1), LEAST)
    return interest_sentence([shortened(i.title or i.item_id, most) for i in named], label)


def _proofs(interest: Interest) -> list[Evidence]:
    """Evidence of an interest, the user's own items first."""
    return sorted(interest.evidence, key=lambda item: not item.touched)


def _title(item: Item) -> str:
    return _text(item.title or item.item_id)


def _text(value: object) -> str:
    from store.console import plain

    return plain(value)
