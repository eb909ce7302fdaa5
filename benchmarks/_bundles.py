"""Shopping sessions that people grouped into bundles, each with the intent they wrote."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from _data import data_dir
from numpy.typing import NDArray

from profiler.quality.measures import Membership, membership


@dataclass(frozen=True)
class Session:
    """Rows of a session's items, and its bundles as rows of the catalogue with their intents."""

    rows: NDArray[np.int64]
    bundles: list[set[int]]
    intents: list[str]

    def truth(self) -> Membership:
        """Membership matrix of the bundles, bool ``[items, bundles]``."""
        return membership(self.bundles, self.rows.tolist())

    def annotators(self) -> list[list[set[int]]]:
        """Bundles by reconstructed annotator: one person's bundles do not overlap, so a bundle
        goes to the first person none of whose bundles it overlaps."""
        people: list[list[set[int]]] = []
        for bundle in self.bundles:
            for mine in people:
                if all(bundle.isdisjoint(other) for other in mine):
                    mine.append(bundle)
                    break
            else:
                people.append([bundle])
        return people


@dataclass(frozen=True)
class Bundles:
    """Titles and category paths of all items, and the sessions."""

    titles: list[str]
    paths: list[tuple[str, ...]]
    sessions: list[Session]


def load_bundles(name: str = "labelled-bundles-electronics") -> Bundles:
    """Read a folder of the bundle data, sessions in the order of their numbers."""
    folder = data_dir(name)

    def rows_of(file: str) -> list[list[str]]:
        with (folder / file).open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))[1:]

    titles = dict(rows_of("item_titles.csv"))
    paths = {item: category_path(text) for item, text in rows_of("item_categories.csv")}
    ids = sorted(titles, key=int)
    row = {item: place for place, item in enumerate(ids)}
    items, bundles, members = defaultdict(list), defaultdict(list), defaultdict(set)
    for session, item in rows_of("session_items.csv"):
        items[session].append(row[item])
    for session, bundle in rows_of("session_bundles.csv"):
        bundles[session].append(bundle)
    for bundle, item in rows_of("bundle_items.csv"):
        members[bundle].add(row[item])
    intents = {bundle: text.strip() for bundle, text in rows_of("bundle_intents.csv")}
    sessions = [
        Session(
            np.array(items[s]),
            [members[b] for b in bundles[s]],
            [intents[b] for b in bundles[s]],
        )
        for s in sorted(items, key=int)
    ]
    return Bundles([titles[i] for i in ids], [paths.get(i, ()) for i in ids], sessions)


def category_path(text: str) -> tuple[str, ...]:
    """First path of ``[[A,B, C],[D]]``: names are parted by a comma without a blank after it."""
    found = re.search(r"\[\[([^\[\]]+)\]", text)
    return tuple(part.strip() for part in re.split(r",(?! )", found[1])) if found else ()
