"""Made data of any size: users, items with titles and categories, interactions with times.

Everything follows from the seed. Users are made in blocks of :data:`BLOCK`, each block from a seed
of its own, and written block by block, so memory does not grow with the number of users.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 50_000
"""Users made and written at once."""
THEMES = 400
SHORTEST = 5
OPENING, YEARS = 1_577_836_800, 4 * 365 * 86_400
_KINDS = [
    "tent",
    "lantern",
    "stove",
    "kettle",
    "grinder",
    "mug",
    "notebook",
    "pen",
    "lamp",
    "desk",
    "chair",
    "shelf",
    "drill",
    "saw",
    "wrench",
    "brush",
    "easel",
    "canvas",
    "guitar",
    "tuner",
    "amplifier",
    "racket",
    "ball",
    "glove",
    "helmet",
    "saddle",
    "pump",
    "puzzle",
    "kite",
    "robot",
    "camera",
    "lens",
    "tripod",
    "charger",
    "cable",
    "router",
    "keyboard",
    "mouse",
    "rug",
    "curtain",
    "pillow",
    "blanket",
]
_USES = [
    "travel",
    "garden",
    "kitchen",
    "office",
    "winter",
    "school",
    "studio",
    "beach",
    "workshop",
    "nursery",
]
_MAKERS = [
    "Arden",
    "Bolt",
    "Corvo",
    "Delta",
    "Ember",
    "Fjord",
    "Grove",
    "Harbor",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Lumen",
]
_FORMS = [
    "compact",
    "classic",
    "folding",
    "steel",
    "wooden",
    "pocket",
    "deluxe",
    "silent",
    "bright",
    "heavy",
]


@dataclass(frozen=True)
class Size:
    """How much is made: users, items and (about) interactions."""

    users: int
    items: int
    interactions: int


def write_data(folder: Path, size: Size, seed: int = 0) -> Path:
    """Write ``interactions.parquet`` and ``items.parquet``; returns the folder.

    Each user has two to four themes, each theme has its items, popular by rank; one interaction in
    ten is of any item. The number of interactions of a user is log-normal, at least
    :data:`SHORTEST`, and together they are ``size.interactions`` but for rounding.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    themes = _themes(size.items, seed)
    pq.write_table(pa.table(_items(themes)), folder / "items.parquet", compression="zstd")
    schema = pa.schema(
        [("user_id", pa.string()), ("item_id", pa.string()), ("timestamp", pa.int64())]
    )
    with pq.ParquetWriter(folder / "interactions.parquet", schema, compression="zstd") as writer:
        for columns in _blocks(size, themes, seed):
            writer.write_table(pa.table(columns, schema=schema))
    return folder


def _themes(items: int, seed: int) -> np.ndarray[Any, Any]:
    """The theme of each item, so that the items of a theme are consecutive."""
    rng = np.random.default_rng([seed, 1])
    shares = rng.dirichlet(np.full(min(THEMES, items), 2.0))
    return np.sort(rng.choice(len(shares), size=items, p=shares))


def _items(themes: np.ndarray[Any, Any]) -> dict[str, list[Any]]:
    kinds, uses = len(_KINDS), len(_USES)
    rows = list(enumerate(themes.tolist()))
    return {
        "item_id": [f"i{number}" for number, _ in rows],
        "title": [
            f"{_MAKERS[number % 12]} {_FORMS[number // 12 % 10]} {_USES[theme // kinds % uses]} "
            f"{_KINDS[theme % kinds]} model {number % 9973}"
            for number, theme in rows
        ],
        "categories": [[_USES[theme // kinds % uses], _KINDS[theme % kinds]] for _, theme in rows],
    }


def _blocks(size: Size, themes: np.ndarray[Any, Any], seed: int) -> Iterator[dict[str, Any]]:
    mean = max(size.interactions / size.users - SHORTEST, 1.0)
    first = np.searchsorted(themes, np.arange(themes.max() + 2))
    held = np.flatnonzero(np.diff(first))
    for start in range(0, size.users, BLOCK):
        rng = np.random.default_rng([seed, 2, start])
        users = np.arange(start, min(size.users, start + BLOCK))
        lengths = SHORTEST + rng.lognormal(np.log(mean) - 0.5, 1.0, len(users)).round().astype(int)
        owner = np.repeat(users, lengths)
        own = held[rng.integers(0, len(held), (len(users), 4))]
        known = rng.integers(2, 5, len(users))
        theme = own[owner - start, (rng.random(len(owner)) * known[owner - start]).astype(int)]
        begin, end = first[theme], first[theme + 1]
        rank = ((end - begin) * rng.random(len(owner)) ** 2).astype(np.int64)
        item = np.where(
            rng.random(len(owner)) < 0.1, rng.integers(0, size.items, len(owner)), begin + rank
        )
        yield {
            "user_id": np.char.add("u", owner.astype(str)),
            "item_id": np.char.add("i", item.astype(str)),
            "timestamp": OPENING + rng.integers(0, YEARS, len(owner)),
        }


def write_encoder(folder: Path, dim: int = 384, seed: int = 0) -> Path:
    """Write a model of sentence-transformers that looks words up: vectors without any network.

    A text is the mean of the vectors of its words, drawn from the seed: texts with words in common
    are near to each other, and encoding costs next to nothing.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = ["[UNK]", *dict.fromkeys([*_KINDS, *_USES, *_MAKERS, *_FORMS, "model"])]
    words += [word.capitalize() for word in words if word.islower()]
    words += [str(number) for number in range(9973)]
    tokenizer = Tokenizer(WordLevel({word: row for row, word in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.random.default_rng([seed, 3]).normal(size=(len(words), dim)).astype(np.float32)
    weights[-9973:] *= 0.2  # numbers of models say little
    weights[0] *= 0.1
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)])
    model.save(str(folder))
    return folder


def make(words: Sequence[str]) -> None:
    """Write data and encoder: folder, folder, users, items, interactions."""
    write_data(Path(words[0]), Size(*map(int, words[2:])))
    write_encoder(Path(words[1]))
