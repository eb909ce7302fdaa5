"""``profiler interests``: the catalogue of interests, and whom each reaches."""

from __future__ import annotations

from typing import Annotated

from store.console.options import Json, StoreFile, option


def interests(
    store: StoreFile,
    raw: Annotated[bool, option("List near-duplicates separately.", "--raw")] = False,
    limit: Annotated[
        int | None, option("Maximum number of interests.", "-k", min=1, max=10**9, default="all")
    ] = None,
    json: Json = False,
) -> None:
    """Every interest with how many users it reaches, near-duplicates under one label.

    $ profiler interests --store shop.db -k 10
    """
    from store.console import note, print_json, print_table
    from store.store import open_store
    from store.views.interests.catalogue import (
        ListedInterest,
        list_interests,
        list_single_interests,
    )

    with open_store(store) as opened:
        list_them = list_single_interests if raw else list_interests
        found = list_them(opened, limit=limit)
    if json:
        print_json([one.to_json() for one in found])
        return
    last = "stands under" if raw else "merged"
    rows = [
        [
            one.interest_id,
            one.label + (" (pinned)" if one.pinned else ""),
            one.users,
            one.evidence,
            one.subject,
            one.canonical_id if isinstance(one, ListedInterest) else len(one.merged) or None,
        ]
        for one in found
    ]
    print_table("", ["id", "interest", "users", "items", "of", last], rows)
    if not found:
        note("no interest is stored yet; run profiler build")
