"""What a prompt shows: items, and whom or what it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShownItem:
    """One item of a subject as a prompt may show it.

    Attributes
    ----------
    item_ix, item_id
        The store's number and the outside id.
    title, categories
        Untrusted text from the data; ``title`` is None where the item has no text.
    """

    item_ix: int
    item_id: str
    title: str | None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownSubject:
    """Whoever one prompt is about, with the items that it shows.

    Attributes
    ----------
    subject_id
        Key in the store's table ``subjects``; None where it has no row there.
    kind
        ``exemplar``, ``synthetic``, ``user``, or what another task asks about.
    name
        ``exemplar:USER_ID``, ``user:USER_ID`` or ``synthetic:DIGEST12``.
    items
        In time order (a user, an exemplar) or by owners (a synthetic user).
    task_subject_id
        Key in the store's table ``task_subjects``; None where it has no row there.
    texts
        What the question quotes beside the items, one line each: texts of neighbours.
    """

    subject_id: int | None
    kind: str
    name: str
    items: tuple[ShownItem, ...]
    task_subject_id: int | None = None
    texts: tuple[str, ...] = ()
