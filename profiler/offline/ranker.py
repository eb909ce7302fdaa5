"""Rankings without a language model: the teacher's order and that of the texts, put together.

It stands in where no model is asked, and it is the control of real rankings: it knows nothing that
the teacher and the item texts do not hold. The two orders are joined by reciprocal ranks (Cormack
et al., SIGIR'09), which needs no scale of either.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from profiler.llm.port import Reply, Request
from profiler.offline.reply import StandIn, made_reply
from profiler.shown import ShownItem, ShownSubject
from prompts.items import clean_text
from store.digests import bytes_digest

if TYPE_CHECKING:
    from store.store import Store

VERSION = 1
SMOOTH = 60.0
"""Added to ranks before they are inverted, as usual."""
HINTS = 3

Sizes = Callable[[ShownSubject], tuple[int, int]]
"""How many of a subject's items are candidates, and how many of these are wanted."""
Sessions = Callable[[ShownSubject], Sequence[tuple[Sequence[ShownItem], ...]]]
"""What was taken and what was listed, session by session."""


class OfflineRanker(StandIn):
    """A :class:`profiler.llm.port.ChatPort` that asks nobody.

    Parameters
    ----------
    vectors
        float32 ``[V, D]``, unit text vectors of all items, zero where an item has no text; None
        where the store has none, and then the teacher's order stays as it is.
    """

    def __init__(self, vectors: NDArray[np.float32] | None) -> None:
        self._vectors = vectors
        self._sizes: Sizes = lambda subject: (0, 0)
        self._sessions: Sessions = lambda subject: ()

    @classmethod
    def of_store(cls, store: Store) -> OfflineRanker:
        """The stand-in with the text vectors of a store."""
        return cls(store.vectors.items() if store.meta("encoder") is not None else None)

    def answers(self, sizes: Sizes | None = None, sessions: Sessions | None = None) -> None:
        """Learn how the items of the next questions' subjects are divided."""
        self._sizes = sizes or self._sizes
        self._sessions = sessions or self._sessions

    @property
    def params(self) -> Mapping[str, Any]:
        """What changes an answer beside the request: the texts."""
        texts = None if self._vectors is None else bytes_digest([self._vectors.tobytes()])
        return {"version": VERSION, "texts": texts}

    async def ask(self, request: Request) -> Reply:
        """Answer from the items of the request; the messages are not read."""
        started = time.perf_counter()
        if request.task == "rank":
            return made_reply({"ranking": self._ranking(request.subject)}, self.name, started)
        hints = category_hints(self._sessions(request.subject))
        return made_reply({"hints": hints}, self.name, started)

    def _ranking(self, subject: ShownSubject) -> list[int]:
        candidates, wanted = self._sizes(subject)
        ids = [item.item_ix for item in subject.items]
        ranks = np.arange(1, candidates + 1, dtype=np.float64)
        scores = 1 / (SMOOTH + ranks)
        if self._vectors is not None:
            alike = self._vectors[ids[:candidates]] @ self._vectors[ids[candidates:]].mean(0)
            by_text = np.empty(candidates)
            by_text[np.argsort(-alike, kind="stable")] = ranks
            scores += 1 / (SMOOTH + by_text)
        return [int(place) + 1 for place in np.argsort(-scores, kind="stable")[:wanted]]


def category_hints(sessions: Sequence[tuple[Sequence[ShownItem], ...]]) -> list[str]:
    """Say which categories the lists hold more often, or more rarely, than the histories."""
    taken = Counter(kind for one, _ in sessions for item in one for kind in item.categories)
    listed = Counter(kind for _, one in sessions for item in one for kind in item.categories)
    n_taken, n_listed = max(1, taken.total()), max(1, listed.total())
    apart = {
        kind: listed[kind] / n_listed - taken[kind] / n_taken for kind in sorted(taken | listed)
    }
    widest = sorted(apart, key=lambda kind: (-abs(apart[kind]), kind))[:HINTS]
    said = [
        f"Lists hold {clean_text(kind, 80)} {'more' if apart[kind] > 0 else 'less'} often than "
        "what was taken before does."
        for kind in widest
        if apart[kind]
    ]
    return said or ["Lists hold what was taken before."]
