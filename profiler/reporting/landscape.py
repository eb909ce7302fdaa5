"""The map: every interest at a point in the plane, near those that mean something similar.

Places come from the stored text vectors by t-SNE (van der Maaten and Hinton, JMLR 2008) started
from the first two principal components; a handful of interests is placed by these components
alone. Themes are k-means clusters of the vectors themselves, not of the places. One thread and a
fixed seed: the same store always gives the same map.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from profiler.reporting.words import name_groups

if TYPE_CHECKING:
    from store.store import Store

MOST_POINTS = 2_000
MOST_THEMES = 8
WIDTH, HEIGHT, MARGIN = 480.0, 360.0, 16.0
_FEWEST_FOR_TSNE = 30
_COMPONENTS = 30


@dataclass(frozen=True)
class Point:
    """One interest on the map; ``theme`` is the theme's number, places are SVG units."""

    interest_id: int
    x: float
    y: float
    r: float
    theme: int


@dataclass(frozen=True)
class Theme:
    """A cluster of interests: its number, name, size, and where its name is written."""

    number: int
    name: str
    interests: int
    users: int
    x: float
    y: float


@dataclass(frozen=True)
class Landscape:
    """The map; ``unplaced`` interests have no text vector."""

    points: list[Point]
    themes: list[Theme]
    unplaced: int
    method: str

    width, height = WIDTH, HEIGHT


def draw_map(store: Store, entries: list[dict[str, Any]], seed: int = 0) -> Landscape:
    """Place the interests ``entries`` (of :func:`store.listing.list_interests`) and find themes."""
    vectors = _vectors(store, [entry["interest_id"] for entry in entries])
    placed = [entry for entry in entries if entry["interest_id"] in vectors]
    placed.sort(key=lambda entry: int(entry["interest_id"]))
    if not placed:
        return Landscape([], [], len(entries), "")
    matrix = np.stack([vectors[entry["interest_id"]] for entry in placed]).astype(np.float64)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):  # sums in another order would move every point
        places, method = _places(matrix, seed)
        groups = _themes(matrix, seed)
    fitted = _fit(places)
    points = [
        Point(entry["interest_id"], float(x), float(y), _radius(entry["users"]), int(group))
        for entry, (x, y), group in zip(placed, fitted, groups, strict=True)
    ]
    return Landscape(points, _named(placed, points), len(entries) - len(placed), method)


def _vectors(store: Store, wanted: list[int]) -> dict[int, NDArray[np.float32]]:
    keep = set(wanted)
    with store.read() as connection:
        rows = connection.exec_driver_sql("SELECT interest_id, text_digest FROM interests").all()
    return store.vectors.of_interests([(row[0], row[1]) for row in rows if row[0] in keep])


def _places(matrix: NDArray[np.float64], seed: int) -> tuple[NDArray[np.float64], str]:
    """Places in the plane ``[n, 2]`` and how they were found."""
    centred = matrix - matrix.mean(axis=0)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(axis=1)])  # svd leaves them open
    components = (u * s * signs)[:, :_COMPONENTS]
    if len(matrix) < _FEWEST_FOR_TSNE:
        flat = np.zeros((len(matrix), 2))
        flat[:, : components.shape[1]] = components[:, :2]
        return flat, "first two principal components"
    from sklearn.manifold import TSNE

    start = components[:, :2] / max(float(components[:, 0].std()), 1e-12) * 1e-4
    embedding = TSNE(
        perplexity=min(30.0, (len(matrix) - 1) / 3), init=start, random_state=seed, max_iter=750
    ).fit_transform(components)
    return np.asarray(embedding, dtype=np.float64), "t-SNE of their texts' vectors"


def _themes(matrix: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Cluster of each row; clusters are numbered by size, the largest first."""
    k = max(2, min(MOST_THEMES, round(math.sqrt(len(matrix) / 2))))
    distinct = len(np.unique(matrix, axis=0))
    from sklearn.cluster import KMeans

    found = KMeans(min(k, distinct), n_init=4, random_state=seed).fit_predict(matrix)
    sizes = Counter(found.tolist())
    first = {group: int(np.argmax(found == group)) for group in sizes}
    order = sorted(sizes, key=lambda group: (-sizes[group], first[group]))
    number = {group: rank for rank, group in enumerate(order)}
    return np.array([number[group] for group in found.tolist()], dtype=np.int64)


def _fit(places: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    unit = np.where(high > low, (places - low) / span, 0.5)
    size = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN])
    fitted: NDArray[np.float64] = np.round(MARGIN + unit * size, 1)
    return fitted


def _radius(users: int) -> float:
    """Area grows with the logarithm of users reached, so that the smallest stay visible."""
    return round(2.2 + 0.9 * math.log10(1 + users), 2)


def _named(entries: list[dict[str, Any]], points: list[Point]) -> list[Theme]:
    groups = [point.theme for point in points]
    names = name_groups([entry["label"] for entry in entries], groups)
    themes = []
    for number, name in names.items():
        own = [i for i, group in enumerate(groups) if group == number]
        x, y = (float(np.median([getattr(points[i], axis) for i in own])) for axis in "xy")
        users = max(int(entries[i]["users"]) for i in own)
        themes.append(Theme(number, name, len(own), users, round(x, 1), round(y, 1)))
    return _apart(themes)


def _apart(themes: list[Theme], gap: float = 15.0) -> list[Theme]:
    """Move names down until no two are written over each other."""
    done: list[Theme] = []
    for theme in sorted(themes, key=lambda t: (t.y, t.number)):
        half = 3.2 * len(theme.name)
        x = min(max(theme.x, half + 2), max(WIDTH - half - 2, half + 2))
        y = theme.y
        for other in done:
            reach = 3.2 * (len(theme.name) + len(other.name))
            if abs(other.x - x) < reach and y - other.y < gap:
                y = other.y + gap
        moved = Theme(theme.number, theme.name, theme.interests, theme.users, round(x, 1), y)
        done.append(moved)
    return sorted(done, key=lambda t: t.number)
