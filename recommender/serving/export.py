"""What leaves the toolkit: lists as Parquet, item vectors as a faiss index, the user tower as ONNX.

All exports are for serving elsewhere; none needs the LLM or any text.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from recommender.base.library_paths import plain_path
from recommender.model_folder import artefacts
from recommender.serving.batches import lists_of
from recommender.serving.service import Service
from store.errors import UserError
from store.files import Target, whole_file
from store.outputs import output_target

if TYPE_CHECKING:
    import polars as pl

    from recommender.backbones.base import Backbone
    from store.store import Store


def export_target(service: Service, path: Path, *, overwrite: bool = False) -> Target:
    """Check, before anything is computed, that an export of a model may be written to ``path``.

    Raises
    ------
    UserError
        If the file exists and ``overwrite`` is false, or is the store or a file of the model.
    """
    stores = () if service.store is None else (service.store.path,)
    reads = [*artefacts.files_of(service.folder), *stores]
    return output_target(path, overwrite=overwrite, reads=reads, make_folder=True)


def write_parquet(
    service: Service,
    path: Path | Target,
    k: int,
    *,
    users: Sequence[str] | None = None,
    filter_seen: bool = True,
) -> int:
    """Write lists of users (all with a history by default); return the number of rows.

    Columns: ``user_id``, ``rank`` (from 1), ``item_id``, ``score``, ``interest``. The file appears
    when it is whole. A path of a file that exists is refused; a target of :func:`export_target` may
    replace it.

    Raises
    ------
    UserError
        If the file exists or cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            ("user_id", pa.string()),
            ("rank", pa.int32()),
            ("item_id", pa.string()),
            ("score", pa.float32()),
            ("interest", pa.int32()),
        ]
    )
    target = path if isinstance(path, Target) else export_target(service, path)
    rows = 0
    with (
        whole_file(target) as partial,
        partial.open("wb") as file,
        pq.ParquetWriter(file, schema) as writer,
    ):
        for columns in lists_of(service, users, k, filter_seen=filter_seen):
            writer.write_table(pa.table(columns, schema=schema))
            rows += len(columns["rank"])
    return rows


def ends_early(service: Service) -> str | None:
    """A note where lists of stored users end at the store's split."""
    if service.dataset is None or service.dataset.split.name == "none":
        return None
    return (
        f"histories end where the split {service.dataset.split} hides the rest; for lists to be "
        "served, build a store with --split none and train on it"
    )


def recommend_frame(
    model: str | Path,
    users: Sequence[str] | None = None,
    *,
    k: int = 10,
    store: Store | str | Path | None = None,
    filter_seen: bool = True,
) -> pl.DataFrame:
    """Lists of users (all with a history by default) as a polars frame.

    Columns: ``user_id``, ``rank`` (from 1), ``item_id``, ``score``, ``interest``.
    """
    import polars as pl

    with Service(model, store=store) as service:
        blocks = list(service.batch(users, k, filter_seen=filter_seen))
    kinds = {
        "user_id": pl.String,
        "rank": pl.Int64,
        "item_id": pl.String,
        "score": pl.Float64,
        "interest": pl.Int64,
    }
    return pl.concat(pl.DataFrame(block, schema=kinds) for block in [*blocks, {}])


def write_faiss(model: Backbone, path: Path | Target, kind: str = "Flat") -> int:
    """Write item vectors as an inner-product index whose ids are item_ix; return their number.

    Search it with each interest, pool the results, keep the best distinct ids: with ``Flat`` that
    equals exact serving. Beyond a million items take another kind, such as ``IVF4096,Flat`` (cells
    by k-means; set ``nprobe`` when searching) or ``HNSW32`` (a graph of neighbours).

    Parameters
    ----------
    model
        Any backbone.
    path
        The index file, which must not exist, or a target of :func:`export_target`.
    kind
        A string of faiss's index factory.

    Raises
    ------
    UserError
        Where faiss is not installed, does not know the kind, or cannot train it on so few items;
        where the file exists or cannot be written.
    """
    try:
        import faiss
    except ImportError:
        raise UserError(
            "a faiss index needs faiss; install it with: pip install 'interest-profiler[faiss]'"
        ) from None
    if re.search(r"HNSW[01](?!\d)", kind):  # ends the process inside faiss
        raise UserError(f"index {kind!r}: a graph needs 2 neighbours or more, such as HNSW32")
    vectors = model.item_embeddings()[1:].detach().float().contiguous().numpy()
    try:
        index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
    except RuntimeError as problem:
        raise UserError(
            f"faiss makes no index {kind!r} of {len(vectors):,} items ({_last_line(problem)}); "
            "take Flat, IVFn,Flat with fewer cells n than items, or HNSW32"
        ) from None
    with whole_file(_target(path)) as partial:
        try:
            with plain_path(partial) as plain:
                faiss.write_index(index, str(plain))
        except RuntimeError as problem:  # a full disk
            raise UserError(f"cannot write {path}: {_last_line(problem)}") from None
    return int(index.ntotal)


def _target(path: Path | Target) -> Target:
    return path if isinstance(path, Target) else output_target(path, make_folder=True)


def _last_line(problem: Exception) -> str:
    """What faiss says, without the place in its source that it says first."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1].rpartition(": ")[2] if lines else "no reason given"


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints pages of notes for its own developers; what fails is still raised."""
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


class _Tower(nn.Module):
    def __init__(self, model: Backbone) -> None:
        super().__init__()
        self.model = model

    def forward(self, history: Tensor) -> Tensor:
        interests: Tensor = self.model(history).interests
        return interests


def write_onnx(model: Backbone, path: Path | Target) -> dict[str, Any]:
    """Write the user tower: ``history`` int64 ``[B, L]`` → ``interests`` float32 ``[B, K, d]``.

    B is free; L is the model's length, zeros on the right.

    Raises
    ------
    UserError
        Where the ONNX packages are missing or the model cannot be exported; where the file exists
        or cannot be written.
    """
    example = torch.zeros(2, model.length, dtype=torch.long)
    example[:, 0] = 1
    target = _target(path)
    try:
        with torch.no_grad(), _quiet(), whole_file(target) as partial, plain_path(partial) as plain:
            torch.onnx.export(
                _Tower(model).eval(),
                (example,),
                str(plain),
                input_names=["history"],
                output_names=["interests"],
                dynamic_shapes={"history": {0: torch.export.Dim("batch")}},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except ImportError as problem:
        raise UserError(
            f"ONNX export needs more packages ({problem.name}); install them with: "
            "pip install 'interest-profiler[onnx]'"
        ) from None
    return {"file": str(target.path), "length": model.length, "interests": model.k, "d": model.d}


def export(
    model: str | Path,
    *,
    parquet: str | Path | None = None,
    faiss: str | Path | None = None,
    onnx: str | Path | None = None,
    k: int = 50,
    faiss_index: str = "Flat",
    store: Store | str | Path | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write what another system needs to serve a model; give at least one file.

    Parameters
    ----------
    model
        Its folder.
    parquet
        Lists of all users, ``k`` items each.
    faiss
        Item vectors as an index of the kind ``faiss_index``; ``Flat`` is exact.
    onnx
        The user tower.
    k
        Length of the lists.
    faiss_index
        A string of faiss's index factory.
    store
        An open store or its path; None takes the one the model was trained on.
    overwrite
        Replace files that exist.

    Returns
    -------
    dict
        What was written, by ``parquet``, ``faiss`` and ``onnx``; ``notes`` where lists are of
        histories that end before the store's do.

    Raises
    ------
    UserError
        If no file is named, one exists and ``overwrite`` is false, or a library is missing.
    """
    if parquet is None and faiss is None and onnx is None:
        raise UserError("nothing to export: give `parquet`, `faiss` or `onnx` with a file name")
    if faiss is None and faiss_index != "Flat":
        raise UserError(f"`faiss_index` {faiss_index} does nothing without `faiss` FILE")
    written: dict[str, Any] = {}
    with Service(model, store=store) as service:
        targets = {
            name: export_target(service, Path(path), overwrite=overwrite)
            for name, path in (("parquet", parquet), ("faiss", faiss), ("onnx", onnx))
            if path is not None
        }
        if parquet is not None:
            rows = write_parquet(service, targets["parquet"], k)
            written["parquet"] = {"file": str(parquet), "rows": rows}
            if warning := ends_early(service):
                written["notes"] = [warning]
        if faiss is not None:
            items = write_faiss(service.model, targets["faiss"], faiss_index)
            written["faiss"] = {"file": str(faiss), "index": faiss_index, "items": items}
        if onnx is not None:
            written["onnx"] = write_onnx(service.model, targets["onnx"])
    return written
