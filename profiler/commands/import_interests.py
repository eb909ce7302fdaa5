"""``profiler import-interests``: interests made elsewhere become the store's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from profiler.exchange.save_interests import ImportedInterests


def import_interests(
    file: Annotated[Path, typer.Argument(help="JSON lines, plain or gzip.")],
    store: Annotated[Path, typer.Option(help="The store file.")],
    name: Annotated[str | None, typer.Option(help="Where they are from [the file's name].")] = None,
    kind: Annotated[
        str, typer.Option(help="exemplar, synthetic or user; rows with members are synthetic.")
    ] = "exemplar",
    allow_unseen: Annotated[
        bool,
        typer.Option("--allow-unseen", help="Drop items the split hides instead of stopping."),
    ] = False,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of the store's vectors, where it has moved.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Store interests made elsewhere; their users then serve as the exemplars."""
    from typing import cast

    from profiler.exchange.interests import import_interests as import_file
    from profiler.exchange.save_interests import encode_imported, encoder_of
    from store.console import note, plain, print_json, print_table
    from store.errors import UserError
    from store.store import open_store
    from store.tables.subjects import Kind

    if kind not in ("exemplar", "synthetic", "user"):
        raise UserError(f"--kind {kind!r}: one of exemplar, synthetic, user")
    with open_store(store) as opened:
        own = encoder_of(opened, encoder)
        found = import_file(
            opened,
            file,
            name=name or file.name.split(".")[0],
            kind=cast("Kind", kind),
            allow_unseen=allow_unseen,
        )
        encode_imported(opened, own)
    document = summary(found)
    if json:
        print_json(document | {"notes": found.counts.notes})
        return
    print_table("", ["what", "number"], rows(document))
    for line in found.counts.notes[:10]:
        note(plain(line))
    if len(found.counts.notes) > 10:
        note(f"and {len(found.counts.notes) - 10} more; --json lists all")


def summary(found: ImportedInterests) -> dict[str, Any]:
    """Return the statistics of an import as one document."""
    counts = found.counts
    return {
        "rows": counts.rows,
        "subjects": found.subjects,
        "changed": found.changed,
        "members": found.members,
        "interests given": counts.interests,
        "interests stored": found.interests,
        "evidence given": counts.evidence,
        "evidence kept": counts.kept,
        "share kept": round(counts.grounded, 4),
        "found by": dict(counts.by),
        "evidence dropped": dict(counts.dropped_evidence),
        "interests dropped": dict(counts.dropped_interests),
        "rows dropped": dict(counts.dropped_rows),
        "shown items dropped": dict(counts.dropped_shown),
    }


def rows(document: dict[str, Any]) -> list[list[object]]:
    """Return the document as table rows, one for each reason."""
    found: list[list[object]] = []
    for what, value in document.items():
        if isinstance(value, dict):
            found += [[f"{what}: {reason}", number] for reason, number in sorted(value.items())]
        else:
            found.append([what, value])
    return found
