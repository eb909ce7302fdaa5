"""Which colour each theme gets: neighbours on the map look unlike, whoever looks.

The nine colours were found by search (least OKLab distance over normal sight and three kinds of
colour-blindness, 3:1 on the map); the front end holds the same list.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LIGHT = (
    "#40599c",
    "#ad5519",
    "#368a79",
    "#671353",
    "#d2791a",
    "#1694f7",
    "#510090",
    "#7f4459",
    "#0c4b00",
)
DARK = (
    "#3e77ee",
    "#e18502",
    "#21c097",
    "#a75c9b",
    "#e9c900",
    "#7ce4fe",
    "#b59af6",
    "#d04044",
    "#cff2b0",
)

_TRIALS = 4_000
_NEAR = 60.0
"""Distance on the map over which nearness fades, in its units (our choice)."""

_STEP = 7
"""Every seventh dot of a theme stands for it: distances of two themes need no more."""

# Normal sight, then protan, deutan and tritan (Machado, Oliveira and Fernandes, IEEE TVCG 2009).
_SIGHTS = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ]
)
# Linear RGB to OKLab (Ottosson, 2020).
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def assign_hues(xy: NDArray[np.float64], themes: NDArray[np.int64], n: int) -> list[int]:
    """Colour of each of ``n`` themes, by number, for dots at ``xy`` (``[dots, 2]``)."""
    if n < 2:
        return [0] * n
    near = np.exp(-_gaps([xy[themes == theme][::_STEP] for theme in range(n)]) / _NEAR)
    clash = 1 / (0.02 + np.minimum(apart(LIGHT), apart(DARK)))
    rng = np.random.default_rng(0)
    orders = np.stack([_order(rng, n, len(LIGHT)) for _ in range(_TRIALS)])
    pairs = np.triu_indices(n, 1)
    worst = (near[pairs] * clash[orders[:, pairs[0]], orders[:, pairs[1]]]).sum(axis=1)
    return [int(hue) for hue in orders[int(worst.argmin())]]


def apart(colours: Sequence[str]) -> NDArray[np.float64]:
    """Least OKLab distance of each two colours over all kinds of sight, ``[n, n]``."""
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.einsum("sij,nj->sni", _SIGHTS, linear), 0, 1)
    lab = np.cbrt(seen @ _TO_LMS.T) @ _TO_LAB.T
    gaps = np.linalg.norm(lab[:, :, None] - lab[:, None], axis=3)
    found: NDArray[np.float64] = gaps.min(axis=0)
    return found


def _order(rng: np.random.Generator, n: int, colours: int) -> NDArray[np.int64]:
    return rng.permutation(colours)[:n] if n <= colours else rng.integers(0, colours, n)


def _gaps(points: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Least distance of the dots of each two themes."""
    from scipy.spatial import cKDTree

    trees = [cKDTree(own) if len(own) else None for own in points]
    gaps = np.full((len(points), len(points)), 1e3)
    for i, tree in enumerate(trees):
        for j in range(i):
            if tree is not None and len(points[j]):
                gaps[i, j] = gaps[j, i] = float(tree.query(points[j])[0].min())
    return gaps
