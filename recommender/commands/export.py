"""``recommender export``: lists, item vectors or the user tower, for serving elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from recommender.commands.options import Model, ModelStore, require_model, require_store
from store.console.options import Json, Overwrite, option


def export(
    model: Model,
    parquet: Annotated[
        Path | None, option("Write lists of all users to this Parquet file.")
    ] = None,
    faiss: Annotated[
        Path | None, option("Write item vectors to this faiss index; needs faiss.")
    ] = None,
    faiss_index: Annotated[
        str, typer.Option(help="Kind of the index: Flat is exact; IVF4096,Flat or HNSW32 scale.")
    ] = "Flat",
    onnx: Annotated[
        Path | None, option("Write the user tower to this ONNX file; needs onnx.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Length of the lists.")] = 50,
    store: ModelStore = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write what another system needs to serve this model.

    $ recommender export models/remi --parquet lists.parquet
    $ recommender export models/remi --faiss items.faiss --faiss-index HNSW32
    """
    require_model(model)
    require_store(store)
    from recommender.serving.export import (
        ends_early,
        export_target,
        write_faiss,
        write_onnx,
        write_parquet,
    )
    from recommender.serving.service import Service
    from store.console import note, print_json, say
    from store.errors import UserError

    if parquet is None and faiss is None and onnx is None:
        raise UserError("nothing to export: give --parquet, --faiss or --onnx with a file name")
    if faiss is None and faiss_index != "Flat":
        raise UserError(f"--faiss-index {faiss_index} does nothing without --faiss FILE")
    written: dict[str, Any] = {}
    with Service(model, store=store) as service:
        targets = {
            path: export_target(service, path, overwrite=overwrite)
            for path in (parquet, faiss, onnx)
            if path is not None
        }
        if parquet is not None:
            rows = write_parquet(service, targets[parquet], k)
            written["parquet"] = {"file": str(parquet), "rows": rows}
            if warning := ends_early(service):
                note(warning)
        if faiss is not None:
            items = write_faiss(service.model, targets[faiss], faiss_index)
            written["faiss"] = {"file": str(faiss), "index": faiss_index, "items": items}
        if onnx is not None:
            written["onnx"] = write_onnx(service.model, targets[onnx])
    if json:
        print_json(written)
        return
    for kind, facts in written.items():
        say(f"{kind}: {', '.join(f'{name} {value}' for name, value in facts.items())}")
