"""Everything about the interests of a store that a page shows, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiler.reporting.map.groups import Groups, load_groups
from profiler.reporting.map.hues import assign_hues
from profiler.reporting.map.own_items import OwnItems, load_own_items, times_of_groups
from profiler.reporting.map.places import Places, place
from profiler.reporting.map.themes import Cut, Themes, find_themes
from profiler.reporting.shared.contract import Interests, Region
from store.views.atlas import evidence_of_groups

if TYPE_CHECKING:
    from profiler.reporting.shared.item_titles import ItemTitles
    from store.data.dataset import Dataset
    from store.store import Store

NEIGHBOURS = 6
_BLOCK = 1_000
_CANDIDATES = 24


@dataclass(frozen=True)
class Atlas:
    """Merged interests with their places, themes and colours.

    Attributes
    ----------
    groups
        Above the floor, those that most people show first; the first ``drawn`` are on the map.
    hidden
        Groups that reach too few people to be shown.
    own
        Own items that show a group.
    places, themes, hues
        Of the map.
    """

    groups: Groups
    drawn: int
    hidden: int
    own: OwnItems
    places: Places
    themes: Themes
    hues: list[int]

    @property
    def spots(self) -> NDArray[np.float64]:
        """Where the parts lie on the map, ``[parts, 2]``."""
        return _spots(self.places.xy, self.themes.parts, self.drawn)

    def regions(self) -> tuple[list[Region], list[Region]]:
        """Themes and parts for the page."""
        theme_spots = _spots(self.places.xy, self.themes.themes, self.drawn)
        count = len(self.themes.themes.names)
        return (
            _regions(self.themes.themes, theme_spots, np.arange(count), self.hues),
            _regions(self.themes.parts, self.spots, self.themes.theme_of_part, self.hues),
        )


def draw_atlas(store: Store, *, most: int | None, floor: int = 1, seed: int = 0) -> Atlas:
    """Place the interests of a store.

    Parameters
    ----------
    store
        The store; it is only read.
    most
        Interests on the map, those that most people show; None draws all.
    floor
        Fewest people an interest reaches to be shown at all.
    seed
        Decides the map, not the themes.
    """
    everything = load_groups(store)
    groups = everything.above(floor)
    drawn = len(groups) if most is None else min(most, len(groups))
    places = place(groups.vectors[:drawn], seed)
    themes = find_themes(groups)
    return Atlas(
        groups=groups,
        drawn=drawn,
        hidden=len(everything) - len(groups),
        own=load_own_items(store),
        places=places,
        themes=themes,
        hues=assign_hues(places.xy, themes.themes.of[:drawn], len(themes.themes.names)),
    )


def points(dataset: Dataset, atlas: Atlas) -> Interests:
    """The interests on the map as columns, without what is told of one alone."""
    n, groups = atlas.drawn, atlas.groups
    first, last = times_of_groups(dataset, atlas.own, groups.ids[:n])
    return Interests(
        id=[int(one) for one in groups.ids[:n]],
        label=groups.labels[:n],
        x=[float(x) for x in atlas.places.xy[:, 0]],
        y=[float(y) for y in atlas.places.xy[:, 1]],
        theme=[int(t) for t in atlas.themes.themes.of[:n]],
        part=[int(p) for p in atlas.themes.parts.of[:n]],
        people=[int(p) for p in groups.people[:n]],
        own=[int(p) for p in groups.own[:n]],
        merged=[len(members) for members in groups.members[:n]],
        first=first,
        last=last,
    )


def columns(
    store: Store, dataset: Dataset, atlas: Atlas, origins: list[int], titles: ItemTitles
) -> Interests:
    """The interests on the map as columns; ``origins`` are their places in the page's list."""
    n, groups = atlas.drawn, atlas.groups
    ids = [int(one) for one in groups.ids[:n]]
    evidence = evidence_of_groups(store, ids)
    told = {
        "description": [
            text if evidence[one] else f"{text} {UNPROVEN}".strip()
            for one, text in zip(ids, groups.descriptions[:n], strict=True)
        ],
        "origin": origins,
        "evidence": [titles.numbers(evidence[one]) for one in ids],
        "near": neighbours(groups.vectors[:n], groups.labels[:n]),
    }
    return Interests(**{**dict(points(dataset, atlas)), **told})


UNPROVEN = "(Imported words; no item proves this interest.)"


def neighbours(
    vectors: NDArray[np.float32], labels: list[str], most: int = NEIGHBOURS
) -> list[list[tuple[int, float]]]:
    """Nearest others of each row with their cosine; one of several that are called the same."""
    found: list[list[tuple[int, float]]] = []
    names = [label.casefold() for label in labels]
    for start in range(0, len(vectors), _BLOCK):
        cosine = vectors[start : start + _BLOCK] @ vectors.T
        for row in range(len(cosine)):
            cosine[row, start + row] = -1
            found.append(nearest(cosine[row], names, {names[start + row]}, most))
    return found


def nearest(
    cosine: NDArray[np.float32], names: list[str], seen: set[str], most: int
) -> list[tuple[int, float]]:
    """Best rows by cosine whose name is not seen yet; ``seen`` grows."""
    few = np.argpartition(-cosine, min(_CANDIDATES, len(cosine) - 1))[:_CANDIDATES]
    kept: list[tuple[int, float]] = []
    for row in few[np.lexsort((few, -cosine[few]))].tolist():
        if len(kept) == most or cosine[row] <= 0:
            break
        if names[row] not in seen:
            seen.add(names[row])
            kept.append((row, round(float(cosine[row]), 2)))
    return kept


def _spots(xy: NDArray[np.float64], cut: Cut, drawn: int) -> NDArray[np.float64]:
    """Where each region's name stands: on its dot nearest to the median of them."""
    spots = np.zeros((len(cut.names), 2))
    for region in range(len(cut.names)):
        own = xy[cut.of[:drawn] == region]
        if len(own):
            middle = np.median(own, axis=0)
            spots[region] = (own[np.argmin(((own - middle) ** 2).sum(axis=1))] + middle) / 2
    return spots


def _regions(
    cut: Cut, spots: NDArray[np.float64], theme_of: NDArray[np.int64], hues: list[int]
) -> list[Region]:
    return [
        Region(
            id=number,
            theme=int(theme_of[number]),
            name=name,
            x=round(float(spots[number, 0]), 1),
            y=round(float(spots[number, 1]), 1),
            interests=int(cut.sizes[number]),
            people=int(cut.people[number]),
            hue=hues[int(theme_of[number])],
        )
        for number, name in enumerate(cut.names)
    ]
