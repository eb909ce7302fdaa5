"""Stored trials of hints, as ``profiler reflect`` writes them, for tests of learning."""

from __future__ import annotations

from store.data.splits import Part
from store.store import Store
from store.tables.ledger import NewResponse, Prompt
from store.tables.tasks.cases import Case, Nomination
from store.tables.tasks.hints import Hint, Trial
from store.tables.tasks.subjects import TaskSubject


def write_trials(store: Store, source: str, *, cases: int, text: str = "Prefer what lasts.") -> int:
    """Cases of as many users, a hint, and lists that find the target with it only; its number."""
    dataset = store.datasets.load()
    indptr, items = dataset.select((Part.TRAIN,))
    users = [u for u in range(dataset.n_users) if indptr[u + 1] - indptr[u] > 2][:cases]
    made = []
    for user in users:
        own = items[indptr[user] : indptr[user + 1]].tolist()
        others = [ix for ix in range(dataset.n_items) if ix not in own][:49]
        made.append(Case("teacher", user, tuple(own[:-1]), own[-1], (own[-1], *others), -0.5))
    store.cases.save(Nomination("teacher", "remi", "random", 0, {"n": cases}), made, data=source)
    run = store.runs.start("test", {})
    subjects = [
        TaskSubject("recommendation", "case", one.name, user_ix=one.user_ix) for one in made
    ]
    rows = store.tasks.add(subjects)
    (hint,) = store.hints.add([Hint("ranking", text, "active", source)])
    digest = Hint("ranking", text, "active", source).text_digest
    trials = []
    for place, row in enumerate(rows):
        for number, words, rank in ((None, "", 3), (hint, digest, 1)):
            address = f"{source} {place} {number}"
            prompt = Prompt([{"role": "user", "content": address}], {}, "recommend_items", "t")
            response = store.responses.add(
                NewResponse(address, prompt, None, run, source, "{}", task_subject_id=row)
            )
            score = 0.5 if rank == 3 else 1.0
            trials.append(Trial(number, row, source, words, rank, score, "t", response))
    store.hints.save_trials(trials)
    return hint
