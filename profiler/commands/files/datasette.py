"""``profiler datasette``: named queries for Datasette."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from store.console.options import Json, Overwrite, StoreFile, option


def datasette(
    store: StoreFile,
    out: Annotated[Path, option("Metadata file to write.")],
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write metadata with named queries, so that Datasette opens the store ready to use.

    $ profiler datasette --store shop.db --out metadata.json
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.views.datasette import write_metadata

    with open_store(store) as opened:
        document = write_metadata(opened, out, overwrite=overwrite)
    if json:
        print_json(document)
    else:
        say(f"datasette {store} -m {out}")
