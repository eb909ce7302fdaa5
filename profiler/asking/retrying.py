"""Asking again about quarantined subjects."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import astuple, fields

from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.runner import Progress, run_asking
from profiler.llm.port import ChatPort
from prompts import Template
from store.errors import BudgetReachedError, InterruptedRunError
from store.store import Store


def retry_failed(
    store: Store,
    port: ChatPort,
    *,
    templates: Mapping[str, Template],
    options: AskingOptions,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> AskingSummary:
    """Ask anew about every quarantined subject; return what came of these and the pending ones.

    Their unusable answers are kept, but set aside in the same transaction that makes the subjects
    pending: the questions are sent again, and a retry that is stopped resumes like any run.

    Parameters
    ----------
    store, port, options, progress, stop
        As for :func:`profiler.asking.runner.run_asking`.
    templates
        The question for each kind of subject.

    Raises
    ------
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        The run ended early; run it again to go on.
    """
    failed = store.subjects.load(states=("quarantined",))
    run_id = store.start_run("retry", {"llm": port.name, "subjects": len(failed)})
    with store.write():
        store.responses.set_aside([subject.subject_id for subject in failed])
        for subject in failed:
            store.subjects.set_state(subject.subject_id, "pending")
    status = "failed"
    totals = [0.0] * len(fields(AskingSummary))
    try:
        for kind, template in templates.items():
            waiting = [one for one in store.subjects.load(states=("pending",)) if one.kind == kind]
            summary = run_asking(
                store,
                waiting,
                port,
                template=template,
                options=options,
                run_id=run_id,
                progress=progress,
                stop=stop,
            )
            totals = [a + b for a, b in zip(totals, astuple(summary), strict=True)]
        result = AskingSummary(
            *(type(one)(value) for one, value in zip(astuple(summary), totals, strict=True))
        )
        status = "partial" if result.quarantined else "done"
    except (InterruptedRunError, KeyboardInterrupt):
        status = "interrupted"
        raise
    except BudgetReachedError:
        status = "budget"
        raise
    finally:
        store.finish_run(run_id, status, {"subjects": store.subjects.counts()})
    return result
