"""A trained model as an object: load it, recommend, explain, find similar items, evaluate."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import polars as pl
import torch
from torch.nn import functional as F

from recommender.measure import evaluate
from recommender.serving.results import Explanation
from recommender.serving.service import Service
from store.errors import UserError
from store.store import Store

if TYPE_CHECKING:
    from types import TracebackType

    from recommender.backbones.base import Backbone
    from recommender.evaluation.ranking import Evaluation
    from recommender.model_folder.manifest import Manifest
    from recommender.serving.store_lists import StoreLists

__all__ = ["Model", "load"]

LISTS = {
    "user_id": pl.String,
    "rank": pl.Int64,
    "item_id": pl.String,
    "title": pl.String,
    "score": pl.Float64,
    "interest": pl.Int64,
}


def load(path: str | Path, store: Store | str | Path | None = None) -> Model:
    """Load a trained model.

    Parameters
    ----------
    path
        The model folder.
    store
        An open store or its path; None takes the one the model was trained on, where it is still
        there. Without a store raw histories are served, without titles and words.

    Raises
    ------
    UserError
        For a folder without a model, or a store that is not there or of other items.
    """
    return Model(Service(path, store=store))


class Model:
    """A trained model; use as a context manager, or call :meth:`close`.

    Attributes
    ----------
    folder : Path
        Where it was loaded from.
    backbone : Backbone
        The network, in evaluation mode.
    manifest : Manifest
        What it was trained on and how well it did on the validation part.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def folder(self) -> Path:
        """Where it was loaded from."""
        return self._service.folder

    @property
    def backbone(self) -> Backbone:
        """The network, in evaluation mode."""
        return self._service.model

    @property
    def manifest(self) -> Manifest:
        """What it was trained on and how well it did on the validation part."""
        return self._service.manifest

    def recommend(
        self,
        users: str | Sequence[str] | None = None,
        k: int = 10,
        *,
        history: Sequence[str] | None = None,
        filter_seen: bool = True,
        diversity: float = 0.0,
        explain: bool = False,
    ) -> pl.DataFrame:
        """Best items of users of the store, or for a raw history.

        Parameters
        ----------
        users
            One user or several; None with no history takes all users that have one.
        k
            Items for each.
        history
            Item ids, oldest first, for a user the store does not know.
        filter_seen
            Leave out what a user already has.
        diversity
            Weight of different categories in a list; 0 is off.
        explain
            Add the column ``why``: a sentence for each item.

        Returns
        -------
        polars.DataFrame
            ``user_id`` (null for a raw history), ``rank`` from 1, ``item_id``, ``title``,
            ``score``, ``interest``; ``why`` where it was asked for.

        Raises
        ------
        UserError
            For an unknown user or item, both users and a history, or k below 1.
        """
        if history is not None and users is not None:
            raise UserError("give users or a history, not both")
        if history is None and diversity == 0 and not explain:
            return self._batch([users] if isinstance(users, str) else users, k, filter_seen)
        named = [users] if isinstance(users, str) else users
        asked = [None] if history is not None else named or self._service.users()
        rows: list[dict[str, object]] = []
        for user in asked:
            items = self._service.recommend(
                user=user,
                history=history,
                k=k,
                filter_seen=filter_seen,
                diversity=diversity,
                explain=explain,
            )
            for item in items:
                why = None if item.explanation is None else item.explanation.sentence
                rows.append({"user_id": user, "why": why, **item.to_json()})
        return pl.DataFrame(rows, schema=LISTS | ({"why": pl.String} if explain else {}))

    def _batch(self, users: Sequence[str] | None, k: int, filter_seen: bool) -> pl.DataFrame:
        """Lists of many users by blocks of matrix products."""
        blocks = [
            block | {"title": self._titles(block["item_id"])}
            for block in self._service.batch(users, k, filter_seen=filter_seen)
        ]
        frames = [pl.DataFrame(block).select(*LISTS) for block in blocks]
        return pl.concat([pl.DataFrame(schema=LISTS), *(frame.cast(LISTS) for frame in frames)])  # type: ignore[arg-type]

    def explain(
        self, user: str | None, item: str, *, history: Sequence[str] | None = None
    ) -> Explanation:
        """Why the model gives an item its score.

        Parameters
        ----------
        user
            A user of the store; None where a ``history`` of item ids is given.
        item
            The item's id, whether or not it would be recommended.
        history
            Item ids, oldest first.

        Raises
        ------
        UserError
            For an unknown user or item.
        """
        return self._service.explain(item, user=user, history=history)

    def similar_items(self, item: str, k: int = 10) -> pl.DataFrame:
        """Items whose vectors have the largest cosine with an item's.

        Returns
        -------
        polars.DataFrame
            ``rank`` from 1, ``item_id``, ``title``, ``cosine``.

        Raises
        ------
        UserError
            For an item the model does not know, or k below 1.
        """
        index = self._service.index
        if item not in index:
            near = self._service.like_item(item)
            raise UserError(f"the model does not know item {item!r}{near}")
        if k < 1:
            raise UserError(f"k is {k}: ask for at least one item")
        with torch.inference_mode():
            table = F.normalize(self.backbone.item_embeddings()[1:].float(), dim=1)
            cosines = table @ table[index[item]]
            cosines[index[item]] = -torch.inf
            best = cosines.topk(min(k, len(cosines) - 1))
        ids = [self._service.item_ids[place] for place in best.indices.tolist()]
        return pl.DataFrame(
            {
                "rank": list(range(1, len(ids) + 1)),
                "item_id": ids,
                "title": self._titles(ids),
                "cosine": best.values.tolist(),
            },
            schema={
                "rank": pl.Int64,
                "item_id": pl.String,
                "title": pl.String,
                "cosine": pl.Float64,
            },
        )

    def evaluate(self, **options: Any) -> Evaluation:
        """Measure it by full ranking under the store's split; see :func:`recommender.evaluate`."""
        return evaluate(self.folder, self._service.store, **options)

    def lists(self) -> StoreLists:
        """The model as pages need it: ``profiler.report(…, recommending=model.lists())``.

        Raises
        ------
        UserError
            Where the model is loaded without its store.
        """
        from recommender.serving.store_lists import StoreLists

        return StoreLists.of(self._service)

    def close(self) -> None:
        """Close the store, where it was opened for this model."""
        self._service.close()

    def _titles(self, item_ids: Sequence[str]) -> list[str | None]:
        dataset, index = self._service.dataset, self._service.index
        if dataset is None:
            return [None] * len(item_ids)
        return [dataset.titles[index[item]] for item in item_ids]

    def _facts(self) -> dict[str, str]:
        manifest = self.manifest
        valid = manifest.metrics.get("valid", {})
        figures = ", ".join(
            f"{name} {value:.4f}" for name, value in valid.items() if isinstance(value, float)
        )
        aligned = "+".join(manifest.training.get("align", []))
        return {
            "backbone": manifest.backbone + (f"+{aligned}" if aligned else ""),
            "items": f"{manifest.n_items:,}",
            "interests": str(self.backbone.k),
            "split": manifest.split,
            "validation": figures or "not measured",
            "folder": str(self.folder),
        }

    def __repr__(self) -> str:
        facts = self._facts()
        return (
            f"<Model {facts['backbone']} of {facts['items']} items, {facts['interests']} "
            f"interest{'s' if self.backbone.k > 1 else ''} a user, split {facts['split']}, "
            f"at {facts['folder']}>"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table>{rows}</table>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
