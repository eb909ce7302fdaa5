"""``profiler import-responses``: answers to the questions that ``profiler requests`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.commands.options import PricesFile, PrivateWords, StoredEncoder
from store.console.options import Json, StoreFile
from store.errors import UserError

if TYPE_CHECKING:
    from profiler.exchange.batches import ImportReport


def import_responses(
    file: Annotated[
        Path,
        typer.Argument(help="Batch output, or lines of custom_id and text.", show_default=False),
    ],
    store: StoreFile,
    encoder: StoredEncoder = None,
    private_words: PrivateWords = None,
    prices: PricesFile = None,
    json: Json = False,
) -> None:
    """Store and read the answers to a batch file.

    Exits with code 1 where a subject is quarantined.

    $ profiler import-responses answers.jsonl --store shop.db
    """
    from dataclasses import asdict

    from profiler.commands.exchange.encoding import encode_answers
    from profiler.exchange.batches import import_responses as import_file
    from profiler.exchange.save_interests import encoder_of
    from profiler.llm.prices import load_prices
    from store.console import print_json
    from store.store import open_store
    from store.views.subjects.reasons import in_words

    with open_store(store) as opened:
        own = encoder_of(opened, encoder)
        report = import_file(opened, file, load_prices(prices))
        if report.new:
            encode_answers(opened, own)
    if json:
        print_json(asdict(report))
    else:
        _tell(report, store)
    if report.unknown and not (report.new or report.known or report.waiting):
        raise UserError(
            f"none of the answers in {file} is to a question of {store}; import them into the "
            "store whose questions were written, or write them with: profiler requests"
        )
    if report.failed and not (report.new or report.known or report.waiting):
        raise UserError(
            f"the provider answered none of the {report.failed} questions in {file}: "
            + in_words(report.reasons)
        )
    if report.quarantined:
        raise typer.Exit(1)


def _tell(report: ImportReport, store: Path) -> None:
    from store.console import note, say

    say(
        f"{report.new} answers stored, {report.known} known already, "
        f"{report.different} different from the stored one, {report.unknown} unknown, "
        f"{report.failed} failed at the provider, {report.malformed} unreadable lines"
    )
    if report.new:
        say(
            f"{report.tokens_in + report.tokens_out} tokens, ${report.cost_usd:.4f} by the "
            "price table at what its batch service charges (--prices FILE)"
            + (f" and {report.unpriced} answers of unknown cost" if report.unpriced else "")
        )
    if report.waiting:
        say(
            f"{report.waiting} answers are kept unread: nobody asks about their subjects now "
            "(left out by a later choice, or with interests that answer already, were imported "
            "or edited); a build that asks about them finds the answers and makes no call"
        )
    say(f"subjects: {report.ok} ok, {report.quarantined} quarantined, {report.pending} pending")
    for task, states in report.tasks.items():
        say(f"{task}: " + ", ".join(f"{number} {state}" for state, number in states.items()))
    for line in report.notes[:20]:
        note(line)
    if len(report.notes) > 20:
        note(f"and {len(report.notes) - 20} more; --json lists all")
    if report.pending and report.new:
        say(f"what is still to be asked: profiler requests --store {store} --out FILE")
