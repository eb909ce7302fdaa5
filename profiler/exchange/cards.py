"""Item cards made elsewhere: read, checked as a run's are, stored and marked as imported."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from profiler.asking.tasks.cards import Cards, CardText, card_error
from profiler.exchange.batch_files import numbered_lines
from store.data.dataset import item_text
from store.digests import text_digest
from store.errors import DataError, UserError
from store.suggestions import check_in_words
from store.tables.tasks.cards import IMPORTED, Card
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from store.store import Store

FIELDS = ("item_id", "card", "next")


@dataclass
class ImportedRows:
    """What became of a file of answers made elsewhere: cards, or rankings.

    Attributes
    ----------
    rows, stored, changed
        Lines; answers that the store now has from the file; those of them that are new or differ.
    dropped
        Lines left out, by reason.
    notes
        A line on each of these, with its place.
    """

    rows: int = 0
    stored: int = 0
    changed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def drop(self, number: int, reason: str, why: str = "") -> None:
        """Count a line that is left out, and say why."""
        self.dropped[reason] += 1
        self.notes.append(f"line {number}: {why or reason}")


def import_cards(store: Store, file: Path, *, name: str, dry_run: bool = False) -> ImportedRows:
    """Read a file of cards and store them; a second import of the same file changes nothing.

    Each line is a JSON object with ``item_id``, ``card`` and ``next`` (a list of phrases). A card
    of the file takes the place of the one that its item had; no run replaces it.

    Parameters
    ----------
    store
        With the items of a build.
    file
        JSON lines, plain or gzip.
    name
        Where the cards are from: their source is ``import:NAME``.
    dry_run
        Check and count; store nothing.

    Raises
    ------
    DataError
        The file does not exist, is not text, or holds no card of an item of the store.
    """
    found = ImportedRows()
    cards = dict(_cards(store, file, f"{IMPORTED}{name}", found))
    if not cards:
        first = f" (first: {found.notes[0]})" if found.notes else ""
        raise DataError(f"{file} holds no card of an item of {store.path}{first}")
    before = store.cards.load()
    changed = [card for ix, card in cards.items() if before.get(ix) != card]
    found.stored, found.changed = len(cards), len(changed)
    if dry_run or not changed:
        return found
    ids = {one.item_ix: one.item_id for one in store.datasets.item_texts(cards)}
    with store.write(), store.runs.recording("import-cards", {"name": name}) as run:
        store.cards.save(changed)
        subjects = [
            TaskSubject(Cards.name, "item", f"item:{ids[one.item_ix]}", item_ix=one.item_ix)
            for one in changed
        ]
        store.tasks.set_states(store.tasks.add(subjects), "ok")
        run.stats = {"stored": found.stored, "changed": found.changed}
    return found


def _cards(
    store: Store, file: Path, source: str, found: ImportedRows
) -> Iterator[tuple[int, Card]]:
    """Cards of items of the store that are accepted; everything else is counted."""
    items = store.datasets.item_texts()
    texts = {one.item_ix: item_text(one.title, one.categories) for one in items}
    index = {one.item_id: one.item_ix for one in items}
    seen: set[str] = set()
    for number, line in numbered_lines(file):
        found.rows += 1
        given = _read(number, line, found)
        if given is None:
            continue
        if given.id not in index:
            found.drop(number, "unknown item", f"no item {given.id[:40]!r} in the store")
            continue
        if given.id in seen:
            found.drop(number, "repeated item", f"item {given.id[:40]!r} has a card already")
            continue
        text = texts[index[given.id]]
        wrong = card_error(given, text)
        if wrong:
            found.drop(number, "not accepted", wrong)
            continue
        seen.add(given.id)
        yield (
            index[given.id],
            Card(index[given.id], given.card, tuple(given.next), source, text_digest(text)),
        )


def _read(number: int, line: str, found: ImportedRows) -> CardText | None:
    try:
        content = json.loads(line, object_pairs_hook=_unique)
        if not isinstance(content, dict):
            found.drop(number, "unreadable", "not a JSON object")
            return None
        extra = sorted(set(content) - set(FIELDS))
        if extra:
            found.drop(number, "unreadable", f"the field {extra[0][:40]!r} is not one of {FIELDS}")
            return None
        return CardText.model_validate(
            {"id": content.get("item_id"), "card": content.get("card"), "next": content.get("next")}
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]).replace("id", "item_id", 1)
        found.drop(number, "unreadable", f"{place}: {check_in_words(first['msg'])}")
    except UserError as error:
        found.drop(number, "unreadable", str(error))
    except (ValueError, RecursionError):
        found.drop(number, "unreadable", "not a JSON object")
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A field that stands twice would silently be the last of the two."""
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"the field {twice[:40]!r} stands there twice")
    return content
