"""Questions written to a file and answers read from one, for batch services and other hands.

What is written is what a run would ask next, under the same content address, so an imported answer
is found by a later run as if that run had paid for it. The store keeps each question, so that its
answer finds it whatever happened in between. Answers go through the same reading and the same
quarantine as any other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from profiler.asking.ledger.records import Asked, prompt_of, received
from profiler.choices import BatchFormat
from profiler.exchange.batch_files import Answered, read_answers, write_lines
from profiler.exchange.batch_options import BatchOptions, kinds, missing_requests, settle
from profiler.exchange.batch_rows import format_for, write_row
from profiler.llm.port import Request
from profiler.llm.prices import Prices, load_prices
from store.errors import StoreError
from store.outputs import output_target
from store.store import Store
from store.tables.ledger import NewResponse, StoredResponse
from store.tables.questions import Question
from store.tables.runs import Run

RUN_KIND = "requests"
CHUNK = 200


@dataclass
class ImportReport:
    """What became of each line of a file; the counts add up to its lines.

    Attributes
    ----------
    new
        Answers stored now.
    known
        Answers the store had already.
    different
        Another answer to a question that has one: the first stays.
    unknown, failed, malformed
        Ids that no question of this store has, answers the provider failed to give, lines that
        cannot be read.
    notes
        A line on each of the last four, with its place in the file.
    reasons
        Why the provider gave no answer, with how often it says so.
    waiting
        Answers of the file that are stored and not read: nobody would ask about their subjects now.
    tokens_in, tokens_out, cost_usd
        Of the new answers, as far as the file tells tokens and the table prices.
    unpriced
        New answers of unknown cost.
    ok, quarantined, pending
        Subjects afterwards.
    tasks
        Items, users and others that tasks ask about afterwards, by task and state.
    """

    new: int = 0
    known: int = 0
    different: int = 0
    unknown: int = 0
    failed: int = 0
    malformed: int = 0
    notes: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    ok: int = 0
    quarantined: int = 0
    pending: int = 0
    tasks: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, response: NewResponse) -> None:
        """Count a new answer and what it took."""
        self.new += 1
        self.tokens_in += response.tokens_in or 0
        self.tokens_out += response.tokens_out or 0
        self.cost_usd += response.cost_usd or 0.0
        self.unpriced += response.cost_usd is None


def write_requests(
    store: Store,
    out: Path,
    options: BatchOptions,
    *,
    form: BatchFormat | None = None,
    overwrite: bool = False,
) -> int:
    """Write the next question about every subject a run would ask about, in a batch format.

    A subject whose last answer was not accepted gets its correction. Returns how many were written;
    the file appears whole or not at all.

    Parameters
    ----------
    store, out, options
        Whom to ask about, the file, and what is asked.
    form
        Whose batch format; that of the model's provider by default.
    overwrite
        Whether a file of that name may be replaced.

    Raises
    ------
    UserError
        The file exists and ``overwrite`` is false, is the store, or cannot be written.
    StoreError
        There is nothing to ask about.
    """
    target = output_target(out, overwrite=overwrite, reads=[store.path])
    written = form or format_for(options)
    if options.task is None and not store.subjects.load(kinds=kinds(options)):
        raise StoreError(
            f"{store.path} has no subjects to ask about; "
            f"choose them first: profiler build DATA --store {store.path}"
        )
    with store.runs.recording(RUN_KIND, options.as_config()) as run:
        asked = list(missing_requests(store, options))
        lines = [
            json.dumps(write_row(digest, request, options, written), ensure_ascii=False)
            for digest, request in asked
        ]
        questions = [question_of(digest, request, run.run_id) for digest, request in asked]
        # The file takes its name last: a file whose questions nobody knows would be paid in vain.
        write_lines(target, lines, on_disk=lambda: store.questions.add(questions))
        run.stats = {"requests": len(lines)}
    return len(lines)


def import_responses(store: Store, file: Path, prices: Prices | None = None) -> ImportReport:
    """Store the answers of a file and read them; a second import of the same file changes nothing.

    Every answer that belongs to a question is durable before any is read, also where a later build,
    import or edit left nobody to ask about it, or gave its subject other items: then it waits, and
    a run that asks the same finds it. Its cost is recorded where the file tells its tokens and
    ``prices`` (the built-in table where not given) its price.

    Raises
    ------
    StoreError
        No question was ever written from this store.
    DataError
        The file cannot be read at all.
    """
    batches = _written_batches(store)
    report = ImportReport()
    answers = read_answers(file, report)
    unread = _store_answers(store, answers, report, prices or load_prices())
    for options in batches:
        settle(store, options, unread)
    report.waiting = sum(_is_unread(store, digest) for digest in unread)
    counts = store.subjects.counts().values()
    report.ok = sum(states.get("ok", 0) for states in counts)
    report.quarantined = sum(states.get("quarantined", 0) for states in counts)
    report.pending = sum(states.get("pending", 0) for states in counts)
    report.tasks = {
        task: {str(state): number for state, number in states.items()}
        for task, states in store.tasks.counts().items()
    }
    return report


def _written_batches(store: Store) -> list[BatchOptions]:
    """Options of every batch written from this store, the newest first, each once."""
    found = [BatchOptions.from_config(config) for config in store.runs.configs(RUN_KIND)]
    if not found:
        raise StoreError(
            f"no questions were written from {store.path}; "
            f"write them first: profiler requests --store {store.path} --out requests.jsonl"
        )
    return found


def _store_answers(
    store: Store,
    answers: Iterator[Answered],
    report: ImportReport,
    prices: Prices,
) -> set[str]:
    """Store what is new, in chunks; return the addresses of answers to read."""
    unread: set[str] = set()
    new: dict[str, NewResponse] = {}
    options_of = cache(partial(options_of_run, store))
    run: Run | None = None
    with ExitStack() as recording:
        for answer in answers:
            known = new.get(answer.address) or store.responses.find(answer.address)
            if known is not None:
                _count_known(known, answer, report)
                if isinstance(known, StoredResponse) and known.outcome == "unread":
                    unread.add(answer.address)
                continue
            question = store.questions.find(answer.address)
            if question is None:
                report.unknown += 1
                report.notes.append(
                    f"line {answer.line}: no question was written under {answer.address[:80]!r}"
                )
                continue
            if run is None:  # a file without a new answer leaves no run
                run = recording.enter_context(_importing(store, report))
            asked = asked_of(question, options_of(question.run_id))
            new[answer.address] = received(
                asked,
                answer.reply,
                run_id=run.run_id,
                prices=prices,
                method="import",
                batch=answer.batch,
            )
            unread.add(answer.address)
            report.count(new[answer.address])
            if len(new) == CHUNK:
                _add(store, new)
        _add(store, new)
    return unread


def _importing(store: Store, report: ImportReport) -> AbstractContextManager[Run]:
    return store.runs.recording(
        "import-responses",
        {"asked": store.questions.count()},
        stats=lambda: {"new": report.new},
    )


def _is_unread(store: Store, digest: str) -> bool:
    found = store.responses.find(digest)
    return found is not None and found.outcome == "unread"


def _add(store: Store, new: dict[str, NewResponse]) -> None:
    with store.write():
        for response in new.values():
            store.responses.add(response)
    new.clear()


def _count_known(
    known: StoredResponse | NewResponse, answer: Answered, report: ImportReport
) -> None:
    if known.raw_text == answer.reply.text:
        report.known += 1
        return
    report.different += 1
    report.notes.append(
        f"line {answer.line}: another answer to {answer.address[:80]!r}, which has one already"
    )


def options_of_run(store: Store, run_id: int) -> BatchOptions:
    """How the questions of a run were asked."""
    return BatchOptions.from_config(store.runs.config(run_id))


def question_of(digest: str, request: Request, run_id: int) -> Question:
    """A question as the store keeps it until it is answered.

    Parameters
    ----------
    digest, request
        Its address, and what is asked.
    run_id
        The run that asks; its configuration says how.

    Raises
    ------
    ValueError
        It asks for interests of nobody in the store.
    """
    about = request.subject
    if about.subject_id is None and request.task in ("interests", "allocation"):
        raise ValueError(f"{about.name} is no subject of the store")
    return Question(
        request_digest=digest,
        prompt=prompt_of(request),
        subject_id=about.subject_id,
        run_id=run_id,
        max_tokens=request.max_tokens,
        shown=request.shown,
        task_subject_id=about.task_subject_id,
    )


def asked_of(question: Question, options: BatchOptions) -> Asked:
    """A question that the store kept, as it was put to the model of a batch."""
    return Asked(
        address=question.request_digest,
        prompt=question.prompt,
        subject_id=question.subject_id,
        shown=question.shown,
        params={
            **options.params,
            "max_tokens": question.max_tokens,
            "temperature": options.temperature,
            "seed": options.seed,
        },
        model=options.llm,
        base_url=options.base_url,
        task_subject_id=question.task_subject_id,
    )
