"""The offline extractor: interests from word statistics and text vectors. Not a language model.

It keeps the contract of a chat model (one request in, one JSON text out), so that everything
downstream is real without a key or a network: it groups the subject's items by their text vectors
(:mod:`profiler.offline.grouping`) and names each group from its own words
(:mod:`profiler.offline.labels`). It cannot say why somebody wants something. Its interests carry
the source ``offline``, and commands
that print them say that no language model made them; the texts themselves stay free of that note,
because they are encoded and compared.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from profiler.asking.answers.grounding import normal_label
from profiler.llm.port import Reply, Request
from profiler.offline.categories import CategoryIndex, Encode
from profiler.offline.grouping import THRESHOLD, centred, groups_of, mean_of
from profiler.offline.labels import Labels
from profiler.offline.phrases import PhraseIndex
from profiler.offline.reply import StandIn, made_reply
from profiler.shown import ShownItem
from prompts.items import shown_ids

if TYPE_CHECKING:
    from store.data.dataset import Dataset

VERSION = 3


@dataclass(frozen=True)
class CorpusStatistics:
    """What the extractor knows of the whole catalogue: how to name its items, and their mean.

    Attributes
    ----------
    labels
        Phrases and categories of the catalogue.
    mean
        float32 ``[d]``, mean over the items that have text.
    """

    labels: Labels
    mean: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        titles: Sequence[str | None],
        categories: Sequence[Sequence[str]],
        vectors: NDArray[np.float32],
        encode: Encode | None = None,
    ) -> CorpusStatistics:
        """Statistics of a catalogue.

        Parameters
        ----------
        titles, categories
            Of each item.
        vectors
            float32 ``[items, d]``, unit rows, zero where an item has no text.
        encode
            From texts to vectors of the same encoder: tells what the names of categories mean.
            Without it a name means what its items do on average.
        """
        mean = mean_of(vectors)
        moved = centred(vectors, mean)
        phrases = PhraseIndex.of(titles, moved)
        return cls(Labels(phrases, CategoryIndex.of(categories, moved, encode)), mean)

    def centred(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors less :data:`CENTRE` of the catalogue's mean, unit again; zero stays zero."""
        return centred(vectors, self.mean)


class OfflineExtractor(StandIn):
    """A :class:`profiler.llm.port.ChatPort` that asks nobody.

    Parameters
    ----------
    dataset
        Its titles and categories give the words' frequencies.
    item_vectors
        float32 ``[items, d]``, unit rows, zero where an item has no text.
    max_interests
        The most interests of one answer.
    threshold
        Height at which Ward's tree is cut; see :data:`THRESHOLD`.
    encode
        From texts to vectors of the encoder that made ``item_vectors``; see
        :meth:`CorpusStatistics.of`.
    """

    def __init__(
        self,
        dataset: Dataset,
        item_vectors: NDArray[np.float32],
        *,
        max_interests: int = 20,
        threshold: float = THRESHOLD,
        encode: Encode | None = None,
    ) -> None:
        self._vectors = item_vectors
        self._dataset, self._encode = dataset, encode
        self._max_interests = max_interests
        self._threshold = threshold
        texts = json.dumps([dataset.titles, dataset.categories]).encode()
        content = hashlib.sha256(texts)
        content.update(np.ascontiguousarray(item_vectors).tobytes())
        self._catalogue = content.hexdigest()[:16]

    @cached_property
    def _corpus(self) -> CorpusStatistics:
        """Made with the first answer: a build that asks nothing does not pay for it."""
        data = self._dataset
        return CorpusStatistics.of(data.titles, data.categories, self._vectors, self._encode)

    @property
    def params(self) -> Mapping[str, Any]:
        """All that changes an answer beside the request: settings, and the catalogue's digest."""
        return {
            "version": VERSION,
            "threshold": self._threshold,
            "max_interests": self._max_interests,
            "catalogue": self._catalogue,
            "names": "encoded" if self._encode else "by items",
        }

    async def ask(self, request: Request) -> Reply:
        """Answer a request from its subject's items; the messages are not read."""
        started = time.perf_counter()
        shown = request.subject.items
        interests = extract(
            shown,
            self._vectors[[item.item_ix for item in shown]],
            self._corpus,
            self._max_interests,
            threshold=self._threshold,
            task=request.task,
        )
        own = [item.item_id for item in shown]
        ids = dict(zip(own, request.expected.ids or shown_ids(own), strict=True))
        for interest in interests:
            interest["evidence"] = [ids[item] for item in interest["evidence"]]
        return made_reply({"interests": interests}, self.name, started)


class FoundInterest(TypedDict):
    """A group of items with its name; ``evidence`` are item ids, most typical first."""

    label: str
    description: str
    evidence: list[str]


def extract(
    shown: Sequence[ShownItem],
    vectors: NDArray[np.float32],
    corpus: CorpusStatistics,
    max_interests: int = 20,
    *,
    threshold: float = THRESHOLD,
    task: str = "interests",
) -> list[FoundInterest]:
    """Group a subject's items and name the groups.

    The result does not depend on the order of ``shown``. An item is in at most one interest. With
    the task ``interests`` an item that stands alone stays out, unless no two items go together;
    with ``allocation`` every item is in exactly one, those without text in one of their own.

    Parameters
    ----------
    shown
        The items the subject stands for.
    vectors
        float32 ``[n, d]``, the text vector of each shown item, zero where it has no text.
    corpus
        Statistics of the whole catalogue.
    max_interests
        The most interests returned, at least 2.
    threshold
        Height at which Ward's tree is cut.
    task
        ``interests`` or ``allocation``.

    Returns
    -------
    list of FoundInterest
        The interest with the most evidence first. Empty where nothing has text (``interests``)
        or is shown.
    """
    order = sorted(range(len(shown)), key=lambda row: (shown[row].item_ix, shown[row].item_id))
    items = [shown[row] for row in order]
    moved = corpus.centred(np.asarray(vectors, dtype=np.float32)[order])
    silent = np.flatnonzero(~np.any(moved != 0, axis=1)).tolist() if task == "allocation" else []
    most = max(1, max_interests - bool(silent))
    groups = groups_of(moved, threshold, most, singles=task == "allocation")
    groups += [silent] if silent else []
    interests: list[FoundInterest] = []
    taken: set[str] = set()
    for members in groups:
        label, description = corpus.labels.describe(
            [items[row] for row in members], moved[members], taken
        )
        taken.add(normal_label(label))
        evidence = [items[row].item_id for row in members]
        interests.append({"label": label, "description": description, "evidence": evidence})
    return interests
