"""A language model that puts a recommender's list in order: one call a request, with a time limit.

It is the serving side of Re2LLM. The question is the one that trials of hints ask, so an answer is
stored and addressed as theirs are; whatever goes wrong, the plain list is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.conversation import Rejected
from profiler.asking.ledger.call_options import refuse_unpriced_cap
from profiler.asking.ledger.ledger import Ledger
from profiler.asking.ledger.records import question_about
from profiler.asking.options import AskingOptions
from profiler.asking.plan import Addressee, Questions, questions_of
from profiler.asking.recording import record_rejected
from profiler.asking.subjects import shown_items, shown_user
from profiler.asking.task import Task
from profiler.asking.tasks.recommendation import HintedCase, Recommendation
from profiler.hinting.reflect import MAX_TOKENS, TOKEN_BUDGET
from profiler.hints.cases import HISTORY, AskedCase
from profiler.llm.budget import Caps
from profiler.llm.loops import run_sync
from profiler.llm.port import CallError, address
from profiler.llm.prices import load_prices
from profiler.llm.registry import open_chat
from store.errors import BudgetReachedError, ForgottenError, ProviderRefusedError, UserError
from store.recommending import Reranked, RerankingOptions
from store.store import open_store
from store.tables.tasks.hints import Hint
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from profiler.llm.port import Request
    from profiler.shown import ShownSubject
    from store.tables.ledger import StoredResponse

_PASSED_OVER = (CallError, BudgetReachedError, ProviderRefusedError, ForgottenError)
"""What keeps an answer away without being the user's mistake."""


class Reranker:
    """Re-ranks lists of one store; a :class:`store.recommending.Reranking`.

    Parameters
    ----------
    store
        The store's file; answers are kept in it.
    options
        Whom to ask, and for how long.

    Raises
    ------
    UserError
        The model cannot be opened, or has no known price where dollars are capped.
    """

    def __init__(self, store: Path, options: RerankingOptions) -> None:
        self._options = options
        self._port = open_chat(options.llm, base_url=options.base_url, timeout=options.seconds)
        self._template = Recommendation().load_template()
        self._store = open_store(store)
        self._how = AskingOptions(
            max_tokens=MAX_TOKENS,
            token_budget=TOKEN_BUDGET,
            caps=Caps(options.budget_usd),
            prices=load_prices(None),
        )
        refuse_unpriced_cap(self._port, self._how)

    def rerank(
        self, user_id: str, candidates: Sequence[str], hint: tuple[int, str] | None
    ) -> Reranked:
        """The items that come first, by one call or by the stored answer to it.

        Raises
        ------
        UserError
            For an unknown user or item.
        """
        case = self._case(user_id, candidates)
        asked = HintedCase(case, None if hint is None else self._hint(*hint))
        task = Recommendation([asked], self._port.name, self._template.digest)
        questions = questions_of(
            self._store, self._template, Addressee.of_port(self._port), self._how, task
        )
        row = TaskSubject(Recommendation.name, "user", asked.name, user_ix=case.user_ix)
        request = questions.first(case.shown(asked.name, self._store.tasks.add([row])[0]))
        found = self._store.responses.find(address(self._port, request))
        stored = found is not None
        try:
            response = found or self._bought(request)
        except TimeoutError:
            return Reranked((), problem=f"no answer within {self._options.seconds:g} s")
        except _PASSED_OVER as problem:
            return Reranked((), problem=str(problem))
        return self._read(questions, request, response, stored=stored)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def __enter__(self) -> Reranker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _case(self, user_id: str, candidates: Sequence[str]) -> AskedCase:
        dataset = self._store.datasets.load()
        user = shown_user(self._store, user_id)
        unknown = [one for one in candidates if one not in dataset.item_index]
        if unknown:
            raise UserError(f"{self._store.path} has no item {unknown[0]!r}")
        numbers = [dataset.item_index[one] for one in candidates]
        items = shown_items(self._store, numbers)
        return AskedCase(
            name=user.name,
            user_ix=dataset.user_index[user_id],
            history=user.items[-HISTORY:],
            candidates=tuple(items[ix] for ix in numbers),
        )

    def _hint(self, number: int, text: str) -> Hint:
        """The hint with its answer: forgetting finds by it what quotes the hint."""
        known = {one.hint_id: one for one in self._store.hints.load("ranking")}
        if number not in known or known[number].text != text:
            raise UserError(
                f"hint {number} is no longer in {self._store.path} as the chooser learned it; "
                "learn it anew: recommender hints train"
            )
        return known[number]

    def _bought(self, request: Request) -> StoredResponse:
        """One call, within the time limit.

        Raises
        ------
        TimeoutError
            No answer came in time; what was sent may be billed.
        """
        question = question_about(self._port, request, "ask")

        async def call(run_id: int) -> StoredResponse:
            async with Ledger(self._store, self._port, self._how, run_id=run_id) as ledger:
                async with asyncio.timeout(self._options.seconds):
                    return await ledger.answer(question, wait=True)

        with self._store.runs.recording("recommend", {"llm": self._port.name}) as run:
            return run_sync(call(run.run_id), lambda: None)

    def _read(
        self, questions: Questions, request: Request, response: StoredResponse, *, stored: bool
    ) -> Reranked:
        task, subject = questions.task, request.subject
        try:
            reading = task.accept(response, request)
        except AnswerError as error:
            with self._store.write():
                record_rejected(self._store, Rejected(response, error))
                task.quarantine(self._store, subject, str(error)[:500])
            return Reranked((), stored=stored, problem=f"its answer cannot be used: {error}")
        if response.outcome != "ok":
            self._keep(task, subject, response, reading.detail)
        ids = dict(zip(request.expected.ids, subject.items, strict=True))
        return Reranked(tuple(ids[one].item_id for one in reading.value), stored=stored)

    def _keep(
        self,
        task: Task[Any],
        subject: ShownSubject,
        response: StoredResponse,
        detail: dict[str, list[str]],
    ) -> None:
        with self._store.write():
            self._store.responses.settle(response.response_id, "ok", detail)
            self._store.tasks.add_parents(response.response_id, task.parents(self._store, subject))
            if subject.task_subject_id is not None:
                self._store.tasks.set_states([subject.task_subject_id], "ok")
