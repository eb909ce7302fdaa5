"""Batches at a provider's own service: sent, found again after a kill, fetched, given up.

A batch and what it may cost are stored before it is sent. After a kill between sending and storing
the provider's name for it, it is looked for in the provider's list; where it is not there it is
held, and its questions are not asked again until the user gives it up.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from profiler.exchange.batch_options import BatchOptions, missing_requests
from profiler.exchange.batch_results import Fetched, keep
from profiler.exchange.batch_rows import format_for, write_row
from profiler.exchange.batch_services import BatchService, moment
from profiler.exchange.batches import question_of
from profiler.llm.budget import Caps, Cost, prompt_tokens
from profiler.llm.errors import as_call_error
from profiler.llm.port import CallError, Request
from profiler.llm.prices import Prices
from store.errors import BudgetReachedError, ProviderRefusedError, StoreError, UserError
from store.store import Store
from store.tables.batches import Batch, NewRow
from store.tables.leases import owner_is_gone, owner_name

RUN_KIND = "batch"


def submit(
    store: Store, options: BatchOptions, service: BatchService, *, caps: Caps, prices: Prices
) -> tuple[int, int]:
    """Send the next question about every subject; return how many, and in how many batches.

    Subjects whose question is with the provider already are left out.

    Raises
    ------
    BudgetReachedError
        The next batch might pass a cap; those before it are sent.
    UserError
        A cap in dollars for a model of unknown price.
    ProviderRefusedError
        The service did not take a batch, or nobody knows whether it did.
    """
    if caps.usd is not None and prices.of(options.llm) is None:
        raise UserError(
            f"--budget-usd: the price of {options.llm} is unknown; give it with --prices FILE, or "
            "cap with --budget-tokens or --budget-calls"
        )
    recover(store, options, service)
    subjects, questions = store.batches.subjects_out(), store.batches.requests_out()
    with store.runs.recording(RUN_KIND, options.as_config()) as run:
        asked = [
            (address, request)
            for address, request in missing_requests(store, options)
            if request.subject.subject_id not in subjects and address not in questions
        ]
        batches = 0
        for part, rows in _parts(asked, options, service):
            with store.write():
                batch = _enter(store, part, options, run.run_id, caps, prices)
            _send(store, batch, service, rows)
            batches += 1
        run.stats = {"requests": len(asked), "batches": batches}
    return len(asked), batches


def recover(store: Store, options: BatchOptions, service: BatchService) -> None:
    """Find out about batches whose sender was killed: they arrived, or they are held."""
    mine = _of(store, options)
    known = {one.provider_id for one in mine if one.provider_id is not None}
    for batch in mine:
        if batch.state == "sending" and owner_is_gone(batch.owner):
            made = moment(batch.made_at)
            try:
                found = service.find(batch.name, made, batch.requests, known)
            except Exception as error:
                raise _refused(error, options) from None
            if found is None:
                store.batches.hold(batch.batch_id)
            else:
                store.batches.sent(batch.batch_id, found)
                known.add(found)


def fetch(store: Store, options: BatchOptions, service: BatchService, prices: Prices) -> Fetched:
    """Store and read what has come of the batches of a model; a second time changes nothing.

    Raises
    ------
    ProviderRefusedError
        The service cannot be asked.
    StoreError
        No batch was ever sent to this model.
    """
    batches = _of(store, options)
    if not batches:
        raise StoreError(
            f"no batch was sent from {store.path} to {options.llm}; send one first: "
            f"profiler batch submit --store {store.path} --llm {options.llm}"
        )
    recover(store, options, service)
    found = Fetched()
    for batch in _of(store, options):
        if batch.state != "sent" or batch.provider_id is None:
            continue
        try:
            standing = service.look(batch.provider_id)
            if not standing.ended:
                found.under_way += 1
                continue
            rows = list(service.results(batch.provider_id))
        except Exception as error:
            raise _refused(error, options) from None
        keep(store, batch, rows, standing.problem, prices, found)
    return found


def cancel(store: Store, options: BatchOptions, service: BatchService) -> tuple[int, int]:
    """Have the provider stop, and give up what is held; return how many batches of each.

    What the provider has answered by then is fetched as ever.

    Raises
    ------
    ProviderRefusedError
        The service cannot be asked.
    """
    recover(store, options, service)
    stopped = dropped = 0
    for batch in _of(store, options):
        if batch.state == "held":
            store.batches.drop(batch.batch_id, "canceled", free=False)
            dropped += 1
        elif batch.state == "sent" and batch.provider_id is not None:
            try:
                service.cancel(batch.provider_id)
            except Exception as error:
                raise _refused(error, options) from None
            stopped += 1
    return stopped, dropped


def standings(
    store: Store, options: BatchOptions, service: BatchService
) -> Iterator[dict[str, Any]]:
    """How each batch of a model stands, in the store and at the provider.

    Raises
    ------
    ProviderRefusedError
        The service cannot be asked.
    """
    recover(store, options, service)
    for batch in _of(store, options):
        told: dict[str, Any] = {
            "batch": batch.name,
            "provider_id": batch.provider_id,
            "state": batch.state,
            "requests": batch.requests,
            "made_at": batch.made_at,
        }
        if batch.state == "sent" and batch.provider_id is not None:
            try:
                standing = service.look(batch.provider_id)
            except Exception as error:
                raise _refused(error, options) from None
            told |= {"provider": standing.word, "counts": dict(standing.counts)}
        yield told


def _of(store: Store, options: BatchOptions) -> list[Batch]:
    wanted = (options.llm, options.base_url)
    return [one for one in store.batches.all() if (one.model, one.base_url) == wanted]


def _parts(
    asked: list[tuple[str, Request]], options: BatchOptions, service: BatchService
) -> Iterator[tuple[list[tuple[str, Request]], list[dict[str, Any]]]]:
    """The questions in parts that the provider takes, each with its rows."""
    form = format_for(options)
    part: list[tuple[str, Request]] = []
    rows: list[dict[str, Any]] = []
    size = 0
    for address, request in asked:
        row = write_row(address, request, options, form)
        length = len(json.dumps(row, ensure_ascii=False).encode()) + 2
        if rows and (len(rows) == service.most_rows or size + length > service.most_bytes):
            yield part, rows
            part, rows, size = [], [], 0
        part.append((address, request))
        rows.append(row)
        size += length
    if rows:
        yield part, rows


def _enter(
    store: Store,
    part: list[tuple[str, Request]],
    options: BatchOptions,
    run_id: int,
    caps: Caps,
    prices: Prices,
) -> Batch:
    """Enter a batch, its questions and what they may cost, if that fits under the caps."""
    questions = [question_of(address, request, run_id) for address, request in part]
    rows = []
    for (address, request), question in zip(part, questions, strict=True):
        tokens_in = prompt_tokens(request)
        usd = prices.cost(options.llm, tokens_in, request.max_tokens, batch=True) or 0.0
        tokens = tokens_in + request.max_tokens
        rows.append(NewRow(address, question.subject_id, usd, tokens, question.task_subject_id))
    whole = Cost(sum(row.usd for row in rows), sum(row.tokens for row in rows), len(rows))
    spent = store.responses.spent()
    reason = caps.passed(spent.usd, spent.tokens, spent.calls, whole)
    if reason is not None:
        raise BudgetReachedError(f"{reason} (a batch of {len(rows)} questions)")
    store.questions.add(questions)
    name = f"{options.task or 'interests'}-{secrets.token_hex(10)}"
    batch_id = store.batches.plan(
        name,
        rows,
        run_id=run_id,
        model=options.llm,
        base_url=options.base_url,
        owner=owner_name(),
    )
    return next(one for one in store.batches.all() if one.batch_id == batch_id)


def _send(store: Store, batch: Batch, service: BatchService, rows: list[dict[str, Any]]) -> None:
    try:
        provider_id = service.send(batch.name, rows)
    except Exception as error:
        problem = _problem(error, batch.model)
        if problem.status_code is not None and problem.status_code < 500:  # surely not taken
            store.batches.drop(batch.batch_id, "errored", free=True)
            raise ProviderRefusedError(f"the batch was not taken: {problem}") from None
        store.batches.hold(batch.batch_id)
        raise ProviderRefusedError(
            f"nobody knows whether the batch arrived ({problem}); it is held: look at the "
            "provider's list, then give it up with profiler batch cancel, or ask it again later"
        ) from None
    store.batches.sent(batch.batch_id, provider_id)


def _problem(error: Exception, model: str) -> CallError:
    try:
        return as_call_error(error, model)
    except CallError as known:
        return known


def _refused(error: Exception, options: BatchOptions) -> ProviderRefusedError:
    return ProviderRefusedError(
        f"the batch service cannot be asked: {_problem(error, options.llm)}"
    )
