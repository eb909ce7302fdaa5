"""``profiler import-interests``: interests made elsewhere become the store's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.commands.options import PrivateWords, StoredEncoder
from store.choices import SubjectKind
from store.console.options import Json, StoreFile, given, option

if TYPE_CHECKING:
    from profiler.exchange.save_interests import ImportedInterests


def import_interests(
    file: Annotated[Path, typer.Argument(help="JSON lines, plain or gzip.", show_default=False)],
    store: StoreFile,
    name: Annotated[str | None, option("Where they are from.", default="the file's name")] = None,
    kind: Annotated[
        SubjectKind, option("Kind of the subjects; rows with members are always synthetic.")
    ] = "exemplar",
    allow_unseen: Annotated[
        bool, option("Drop items the split hides instead of stopping.", "--allow-unseen")
    ] = False,
    min_share: Annotated[
        float | None,
        option(
            "Share of the items named that must be their users' own.",
            min=0,
            max=1,
            default="0.5",
        ),
    ] = None,
    words_only: Annotated[
        bool,
        option(
            "Also take interests without evidence; they are marked and prove nothing.",
            "--words-only",
        ),
    ] = False,
    dry_run: Annotated[bool, option("Check and count; store nothing.", "--dry-run")] = False,
    private_words: PrivateWords = None,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> None:
    """Store interests made elsewhere; their users then serve as the exemplars.

    $ profiler import-interests interests.jsonl --store shop.db
    """
    from profiler.exchange.interests import import_interests as import_file
    from profiler.exchange.save_interests import encode_imported, encoder_of
    from store.console import note, print_json, print_table
    from store.store import open_store

    with open_store(store) as opened:
        own = None if dry_run else encoder_of(opened, encoder)
        found = import_file(
            opened,
            file,
            name=name or file.name.split(".")[0],
            kind=kind,
            allow_unseen=allow_unseen,
            dry_run=dry_run,
            words_only=words_only,
            **given(min_share=min_share),
        )
        if not dry_run:
            encode_imported(opened, own)
    document = summary(found)
    if json:
        print_json(document | {"notes": found.counts.notes})
        return
    print_table("", ["what", "number"], rows(document))
    if found.edit is not None:
        note(f"to take it back: profiler undo {found.edit} --store {store}")
    for line in found.counts.notes[:10]:
        note(line)
    if len(found.counts.notes) > 10:
        note(f"and {len(found.counts.notes) - 10} more; --json lists all")


def summary(found: ImportedInterests) -> dict[str, object]:
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
        "words only": counts.words_only,
        "found by": dict(counts.by),
        "evidence dropped": dict(counts.dropped_evidence),
        "interests dropped": dict(counts.dropped_interests),
        "rows dropped": dict(counts.dropped_rows),
        "shown items dropped": dict(counts.dropped_shown),
        "edit": found.edit,
    }


def rows(document: dict[str, object]) -> list[list[object]]:
    """Return the document as table rows, one for each reason."""
    found: list[list[object]] = []
    for what, value in document.items():
        if isinstance(value, dict):
            found += [[f"{what}: {reason}", number] for reason, number in sorted(value.items())]
        else:
            found.append([what, value])
    return found
