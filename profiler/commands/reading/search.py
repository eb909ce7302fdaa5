"""``profiler search``: stored interests by words and by meaning."""

from __future__ import annotations

from typing import Annotated

import typer

from profiler.commands.options import StoredEncoder
from store.console.options import Json, StoreFile, option


def search(
    query: Annotated[str, typer.Argument(help="Words, or an expression such as: coffee OR camp*")],
    store: StoreFile,
    limit: Annotated[int, typer.Option("-k", min=1, max=1000, help="Maximum number of hits.")] = 10,
    encode: Annotated[
        bool, option("Encode the query itself (loads the encoder).", "--encode")
    ] = False,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> None:
    """Find stored interests by words and by meaning, with whom they reach.

    $ profiler search camping --store shop.db
    """
    from store.console import plain, print_json, print_table, say
    from store.store import open_store
    from store.views.interests.search import search as find
    from store.views.shared.near_names import like_words

    with open_store(store) as opened:
        vector = None
        if encode or encoder is not None:
            from profiler.vectors.encoding import load_stored_encoder

            vector = load_stored_encoder(opened, encoder).encode([query])[0]
        hits = find(opened, query, limit=limit, vector=vector)
        near = ""
        if not hits:
            with opened.read() as connection:
                near = like_words(connection, query)
    if json:
        print_json([hit.to_json() for hit in hits])
    elif not hits:
        told = near or "; --encode also compares the meaning of the query itself"
        say(f"nothing stored matches{plain(told)}")
    else:
        rows = [
            [
                hit.interest_id,
                hit.label,
                hit.subject,
                hit.users,
                "; ".join(item.title or item.item_id for item in hit.evidence[:2])
                or "nothing: imported words",
                "+".join(hit.by),
            ]
            for hit in hits
        ]
        print_table("", ["id", "interest", "of", "users", "shown by", "found by"], rows)
