"""``manifest.json``: what a model is, what it was trained on and how well it did."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from recommender.backbones.base import Backbone
from recommender.data.semantics import METHODS
from store.digests import json_digest
from store.errors import UserError

if TYPE_CHECKING:
    from recommender.data.semantics import Method
    from store.data.dataset import Dataset

FORMAT = 1
MANIFEST = "manifest.json"


class Manifest(BaseModel):
    """What a model is, what it was trained on and how well it did.

    Attributes
    ----------
    backbone, config
        Name and settings of the model; enough to build it again.
    n_items, items_digest
        How many items it scores, and the address of their list of ids.
    dataset_digest, split
        The store's data set and split it was trained on.
    training, configuration_digest
        Settings of the run (loss, objectives, optimiser, seed), and the address of these and of the
        model's own.
    metrics
        The metric card: figures by part and name, with the protocol they belong to.
    encoder
        Name of the text encoder, where text vectors started the item table or aligned it.
    versions, created_at
        Of Python and torch; in UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    backbone: str
    config: dict[str, Any]
    n_items: int = Field(ge=1)
    items_digest: str
    dataset_digest: str
    split: str
    training: dict[str, Any] = Field(default_factory=dict)
    configuration_digest: str = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    encoder: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    created_at: str = ""

    @field_validator("training")
    @classmethod
    def _of_kinds_that_serving_reads(cls, facts: dict[str, Any]) -> dict[str, Any]:
        """A file changed by hand is refused here and not where a model is served."""
        for name in ("store", "projection_digest"):
            if not isinstance(facts.get(name), str | None):
                raise ValueError(f"{name} is {facts[name]!r}, not a text")
        if facts.get("interests", METHODS[0]) not in METHODS:
            known = " or ".join(METHODS)
            raise ValueError(f"interests is {facts['interests']!r}, not {known}")
        return facts

    @property
    def projection_digest(self) -> str | None:
        """Address of the interests in the model's space that were saved beside it."""
        digest: str | None = self.training.get("projection_digest")
        return digest

    @property
    def store(self) -> str | None:
        """Path of the store the model was trained on."""
        path: str | None = self.training.get("store")
        return path

    @property
    def method(self) -> Method:
        """Whose interests are a user's."""
        method: Method = self.training.get("interests", METHODS[0])
        return method


def describe(
    model: Backbone,
    dataset: Dataset,
    *,
    training: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
    encoder: str | None = None,
) -> Manifest:
    """Manifest of a model trained on a data set.

    Parameters
    ----------
    model, dataset
        What was trained, and on what; the manifest holds their digests.
    training
        Settings of the run.
    metrics
        The metric card.
    encoder
        Name of the encoder of the store's texts, where the model used them.
    """
    config = model.config.model_dump(mode="json")
    return Manifest(
        backbone=model.name,
        config=config,
        n_items=model.n_items,
        items_digest=json_digest(dataset.item_ids),
        dataset_digest=dataset.digest,
        split=str(dataset.split),
        training=training or {},
        configuration_digest=json_digest(
            {"backbone": model.name, "config": config, "training": training or {}}
        ),
        metrics=metrics or {},
        encoder=encoder,
        versions={"python": platform.python_version(), "torch": torch.__version__},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_manifest(folder: Path) -> Manifest:
    """Manifest of a model folder.

    Raises
    ------
    UserError
        Where there is none, it is damaged, or of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(f"no model at {folder}: {MANIFEST} is missing; train with --out {folder}")
    content = read_json(path)
    if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
        raise UserError(
            f"{path} has format {content['format']}, this version reads {FORMAT}; train again "
            "or use the version that wrote it"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        said = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{path} is damaged ({where}: {said}); train again") from None


def read_json(path: Path) -> Any:
    """Content of a JSON file of a model.

    Raises
    ------
    UserError
        Where it cannot be read, is not JSON, or is nested without end.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem}); train again") from None
    except ValueError as problem:
        first = str(problem).splitlines()[0]
        raise UserError(f"{path} is damaged ({first}); train again") from None
    except RecursionError:
        raise UserError(f"{path} is damaged (nested too deep); train again") from None


def differences(manifest: Manifest, dataset: Dataset) -> list[str]:
    """What else differs from the store a model was trained on, in plain words; none if nothing.

    These do not keep a model from serving: histories may have grown since.
    """
    changes = []
    if manifest.split != str(dataset.split):
        changes.append(f"trained on split {manifest.split}, the store has {dataset.split}")
    if manifest.dataset_digest != dataset.digest:
        changes.append("the store's histories or split have changed since the model was trained")
    return changes
