"""``recommender add-items``: vectors for items that came after the training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from recommender.commands.options import Model, require_model, require_store
from store.console.options import Json, Overwrite, StoreFile, option


def add_items(
    model: Model,
    store: StoreFile,
    out: Annotated[Path, option("Folder of the model with the new items.")],
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Give a trained model the items that its store has got since, from their texts.

    Nothing is trained; the model that is given stays as it is.

    $ recommender add-items models/remi --store shop.db --out models/remi-new
    """
    require_model(model)
    require_store(store)
    from recommender.cold.adding import add_items as run
    from store.console import print_json, say

    added = run(model, store, out, overwrite=overwrite)
    if json:
        print_json({"model": str(out), "added": added})
        return
    say(f"{out}: {len(added):,} items added, such as {', '.join(added[:3])}")
