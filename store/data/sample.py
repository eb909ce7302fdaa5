"""A small shop with planted interests: what a profiler should find in it is known.

How a user shops (our own model, meant to be plain rather than true to any shop):

- every item belongs to one of the planted interests, and is popular by rank within it;
- every user has two to four interests, whose strengths drift from a first to a last mix;
- the next item stays with the interest of the one before more often than not, and within an
  interest tends to be one of the three items that usually follow the user's last one there;
- one in twenty is a stray from any other interest; nobody takes the same item twice.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from store.data.sample_words import BRANDS, INTERESTS, VARIANTS
from store.errors import DataError
from store.files import whole_files
from store.outputs import output_targets

__all__ = ["Sample", "Truth", "load_truth", "write_sample"]

USERS = 400
SEED = 7
FILES = ("interactions.tsv", "items.tsv", "truth.json")

STAY = 0.6
FOLLOW = 0.6
FOLLOWERS = 3
STRAY = 0.05
SHORTEST, LONGEST = 8, 40
OPENING = 1_672_531_200
"""2023-01-01, when the shop opens; users arrive over two years."""
YEAR = 365 * 86_400


@dataclass(frozen=True)
class Item:
    """One article of the shop."""

    item_id: str
    title: str
    department: str
    interest: int


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Attributes
    ----------
    interests
        Names of the planted interests.
    items
        Item id → name of its interest.
    users
        User id → name of an interest → its strength over the whole history; strengths sum to 1.
    """

    interests: list[str]
    items: dict[str, str]
    users: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Sample:
    """Size of a written shop."""

    folder: Path
    users: int
    items: int
    interactions: int


@dataclass(frozen=True)
class _Shelf:
    """Items of one interest, most popular first, and what usually follows each."""

    items: list[Item]
    weights: list[float]
    followers: list[list[int]]


def write_sample(
    folder: Path, *, users: int = USERS, seed: int = SEED, overwrite: bool = False
) -> Sample:
    """Write ``interactions.tsv``, ``items.tsv`` and ``truth.json``.

    Parameters
    ----------
    folder
        Made if absent.
    users
        Number of users, at least 1.
    seed
        Decides everything; the same seed and number of users give the same bytes.
    overwrite
        Replace an earlier sample in the folder.

    Raises
    ------
    DataError
        The folder holds something other than a sample, or cannot be written, or ``users`` is
        below 1.
    """
    if users < 1:
        raise DataError(f"a shop needs at least one user, not {users}")
    folder = Path(folder)
    _refuse_foreign(folder)
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    items = _make_items(rng)
    shelves = _make_shelves(items, rng)
    width = len(str(users))
    log: list[str] = ["user_id\titem_id\ttimestamp"]
    tastes: dict[str, dict[str, float]] = {}
    for number in range(1, users + 1):
        user = f"U{number:0{width}d}"
        tastes[user], history = _shop(shelves, rng)
        log += [f"{user}\t{item.item_id}\t{second}" for item, second in history]
    listed = ["item_id\ttitle\tcategories"]
    listed += [f"{item.item_id}\t{item.title}\t{item.department}" for item in items]
    truth = {
        "seed": seed,
        "interests": [interest.name for interest in INTERESTS],
        "items": {item.item_id: INTERESTS[item.interest].name for item in items},
        "users": tastes,
    }
    texts = ("\n".join(log), "\n".join(listed), json.dumps(truth, indent=1))
    targets = output_targets(folder, FILES, overwrite=overwrite)
    with whole_files(targets) as partials:
        for partial, content in zip(partials, texts, strict=True):
            partial.write_text(content + "\n", encoding="utf-8", newline="\n")
    return Sample(folder, users, len(items), len(log) - 1)


def load_truth(folder: Path) -> Truth:
    """Read what was planted in a sample shop.

    Raises
    ------
    DataError
        The folder holds no sample.
    """
    path = Path(folder) / "truth.json"
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
        return Truth(truth["interests"], truth["items"], truth["users"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} is not the truth of a sample; run: profiler sample FOLDER"
        ) from error


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; name a folder")
    others = sorted(path.name for path in folder.glob("*")) if folder.exists() else []
    if others and "truth.json" not in others:
        raise DataError(f"{folder} already holds {', '.join(others[:10])}; name a new folder")


def _make_items(rng: random.Random) -> list[Item]:
    """Two articles of each product; ids are dealt at random, so that they tell nothing."""
    drafts = [
        (interest, product, which)
        for interest, words in enumerate(INTERESTS)
        for product in words.products
        for which in range(2)
    ]
    numbers = list(range(1, len(drafts) + 1))
    rng.shuffle(numbers)
    items = []
    for number, (interest, product, which) in zip(numbers, drafts, strict=True):
        words = INTERESTS[interest]
        if which == 0:
            brands, taglines = rng.sample(BRANDS, 2), rng.sample(words.taglines, 2)
        title = f"{brands[which]} {product} - {taglines[which]}"
        if which == 1:
            title += f", {rng.choice(VARIANTS)}"
        items.append(Item(f"P{number:03d}", title, words.department, interest))
    return sorted(items, key=lambda item: item.item_id)


def _make_shelves(items: Sequence[Item], rng: random.Random) -> list[_Shelf]:
    shelves = []
    for interest in range(len(INTERESTS)):
        own = [item for item in items if item.interest == interest]
        rng.shuffle(own)
        weights = [1 / (rank + 3) for rank in range(len(own))]
        followers = [
            rng.sample([other for other in range(len(own)) if other != place], FOLLOWERS)
            for place in range(len(own))
        ]
        shelves.append(_Shelf(own, weights, followers))
    return shelves


def _shop(
    shelves: Sequence[_Shelf], rng: random.Random
) -> tuple[dict[str, float], list[tuple[Item, int]]]:
    """One user: the strengths of their interests, and their history with times."""
    chosen = _choose_interests(len(shelves), rng)
    base = [rng.uniform(0.2, 1.2) for _ in chosen]
    first, last = _drift(base, rng), _drift(base, rng)
    length = min(LONGEST, SHORTEST + int(rng.expovariate(1 / 10)))
    second = OPENING + rng.randrange(YEAR)
    taken: dict[int, list[int]] = {}
    history: list[tuple[Item, int]] = []
    now = chosen[0]
    for step in range(length):
        share = step / (length - 1)
        mix = [(1 - share) * early + share * late for early, late in zip(first, last, strict=True)]
        if step == 0 or rng.random() > STAY:
            now = rng.choices(chosen, mix)[0]
        shelf = rng.randrange(len(shelves)) if rng.random() < STRAY else now
        place = _take(shelves[shelf], taken.setdefault(shelf, []), rng)
        if place is not None:
            history.append((shelves[shelf].items[place], second))
        second += rng.randrange(600, 20 * 86_400)
    tastes = {
        INTERESTS[interest].name: round((early + late) / 2, 4)
        for interest, early, late in zip(chosen, first, last, strict=True)
    }
    return tastes, history


def _choose_interests(interests: int, rng: random.Random) -> list[int]:
    """Choose two to four; some are more common than others, as in any shop."""
    common = [1 / (rank + 4) for rank in range(interests)]
    count = rng.choice((2, 3, 3, 4))
    chosen: list[int] = []
    while len(chosen) < count:
        pick = rng.choices(range(interests), common)[0]
        if pick not in chosen:
            chosen.append(pick)
    return chosen


def _drift(base: Sequence[float], rng: random.Random) -> list[float]:
    """Change strengths by up to a half either way; they sum to 1."""
    raw = [strength * rng.uniform(0.5, 1.5) for strength in base]
    return [strength / sum(raw) for strength in raw]


def _take(shelf: _Shelf, taken: list[int], rng: random.Random) -> int | None:
    """Choose a place on the shelf that was not taken yet; None where the shelf is empty."""
    free = [place for place in range(len(shelf.items)) if place not in taken]
    if not free:
        return None
    usual = [place for place in shelf.followers[taken[-1]] if place not in taken] if taken else []
    if usual and rng.random() < FOLLOW:
        place = rng.choice(usual)
    else:
        place = rng.choices(free, [shelf.weights[place] for place in free])[0]
    taken.append(place)
    return place
