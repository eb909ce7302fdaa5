"""``recommender export``: lists, item vectors or the user tower, for serving elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    from recommender.serving.export import export as write
    from store.console import note, print_json, say

    written = write(
        model,
        parquet=parquet,
        faiss=faiss,
        onnx=onnx,
        k=k,
        faiss_index=faiss_index,
        store=store,
        overwrite=overwrite,
    )
    for line in written.pop("notes", []):
        note(line)
    if json:
        print_json(written)
        return
    for kind, facts in written.items():
        say(f"{kind}: {', '.join(f'{name} {value}' for name, value in facts.items())}")
