"""Nominating cases of training for a language model: chosen by a policy, kept in the store.

ALKDRec (AAAI'25, arXiv 2502.15685) asks about some 500 cases in place of all, chosen by how hard
they are for a trained teacher. A case shows what training may see and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recommender.choices import Policy
from recommender.distilling.gains import GainSettings
from recommender.distilling.policies import draw
from recommender.distilling.teacher import (
    TrainingCases,
    best_items,
    difficulty,
    training_cases,
    weights_digest,
)
from recommender.measure import check_measurable
from recommender.model_folder.artefacts import load_model
from store.errors import UserError
from store.store import opened
from store.tables.tasks.cases import EXAMPLES, Case, Nomination

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone
    from store.store import Store

__all__ = ["Nominated", "nominate"]

Progress = Callable[[str, int, int], None]
CASES, CANDIDATES, SHOWN = 500, 50, 20
"""The paper's: cases asked about, candidates of each, cases that show what the teacher does."""


@dataclass(frozen=True)
class Nominated:
    """What was nominated.

    Attributes
    ----------
    nomination
        Number in the store; None after a dry run.
    teacher, backbone
        Digest of the teacher's weights, and what kind of model it is.
    policy, seed
        How the cases were drawn.
    pool
        Cases that could have been drawn.
    cases
        In the order in which they were drawn.
    difficulties
        float64 ``[pool]``, of all of them.
    user_ids, item_ids
        What the data call users and items, by number.
    """

    nomination: int | None
    teacher: str
    backbone: str
    policy: Policy
    seed: int
    pool: int
    cases: tuple[Case, ...]
    difficulties: NDArray[np.float64]
    user_ids: Sequence[str] = ()
    item_ids: Sequence[str] = ()

    @property
    def reached(self) -> int:
        """Cases whose target is among their candidates."""
        return sum(case.target_ix in case.candidates for case in self.cases)

    def quartiles(self) -> dict[str, list[float]]:
        """Quartiles of the difficulty, of the drawn cases and of all."""
        drawn = np.array([case.difficulty for case in self.cases])
        both = {"drawn": drawn, "all": self.difficulties}
        return {
            name: [round(float(one), 4) for one in np.quantile(values, (0.25, 0.5, 0.75))]
            for name, values in both.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {
            "nomination": self.nomination,
            "teacher": self.teacher,
            "backbone": self.backbone,
            "policy": self.policy,
            "seed": self.seed,
            "pool": self.pool,
            "cases": len(self.cases),
            "candidates": max(len(case.candidates) for case in self.cases),
            "target among candidates": self.reached,
            "difficulty quartiles": self.quartiles(),
            "chosen": [self._named(case) for case in self.cases],
        }

    def _named(self, case: Case) -> dict[str, Any]:
        """A case by the ids of the data, as somebody needs it who ranks it elsewhere."""
        return {
            "case": case.name,
            "user_id": self.user_ids[case.user_ix],
            "difficulty": round(case.difficulty, 6),
            "history": [self.item_ids[item] for item in case.history],
            "target": self.item_ids[case.target_ix],
            "candidates": [self.item_ids[item] for item in case.candidates],
        }


def nominate(
    model: str | Path,
    store: Store | str | Path,
    *,
    n: int = CASES,
    policy: Policy = "paper",
    seed: int = 0,
    candidates: int = CANDIDATES,
    gains: GainSettings | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Nominated:
    """Choose cases of training by their difficulty for a trained teacher, and store them.

    Twenty further cases, drawn evenly, are stored beside them: they show a language model what the
    teacher's lists look like. The same choice made again is not stored twice.

    Parameters
    ----------
    model
        Folder of the teacher.
    store
        The store it was trained on, or its path.
    n
        Cases; all that there are, where these are fewer.
    policy
        How they are drawn (:mod:`recommender.distilling.policies`).
    seed
        Of what is drawn at random.
    candidates
        Items of the teacher's list for each case.
    gains
        What is assumed of a language model's answers; the paper's figures by default.
    dry_run
        Choose and store nothing.
    progress
        Called with (step, done, total).

    Raises
    ------
    UserError
        No such model, fewer than one case or two candidates, or a policy that cannot be computed.
    StoreError
        The model belongs to another store.
    LeakageError
        The teacher may have been trained on what the split hides.
    """
    if n < 1 or candidates < 2:
        wrong = f"n is {n}" if n < 1 else f"candidates is {candidates}"
        raise UserError(f"{wrong}: nominate one case or more, each with two candidates or more")
    tell = progress or (lambda step, done, total: None)
    folder, how = Path(model), gains or GainSettings()
    with opened(store) as source:
        dataset = source.datasets.load()
        teacher, manifest = load_model(folder, dataset=dataset)
        check_measurable(manifest, dataset, folder)
        pool = training_cases(dataset)
        hard = difficulty(
            teacher, pool.histories, lambda done, all_: tell("how hard is each case", done, all_)
        )
        tell("drawing cases", 0, n)
        places = draw(hard, n, policy, how, seed)
        even = np.random.default_rng([seed, 1]).permutation(len(pool))[:SHOWN]
        tell("ranking candidates", 0, len(places))
        digest = weights_digest(folder)
        # what nobody has in training is known from what the split hides alone
        known = dataset.training_counts() > 0
        cases = _cases(teacher, digest, pool, hard, places, candidates, known)
        number = None
        if not dry_run:
            settings = {"n": n, "candidates": candidates, **how.model_dump()}
            shown = _cases(teacher, digest, pool, hard, even, candidates, known)
            number = _save(
                source,
                Nomination(digest, teacher.name, policy, seed, settings),
                cases,
                shown,
                dataset.digest,
            )
    return Nominated(
        number,
        digest,
        teacher.name,
        policy,
        seed,
        len(pool),
        tuple(cases),
        hard,
        dataset.user_ids,
        dataset.item_ids,
    )


def _cases(
    teacher: Backbone,
    digest: str,
    pool: TrainingCases,
    hard: NDArray[np.float64],
    places: NDArray[np.int64],
    n: int,
    known: NDArray[np.bool_],
) -> list[Case]:
    lists = best_items(teacher, [pool.histories[place] for place in places], n, known)
    return [
        Case(
            teacher=digest,
            user_ix=int(pool.users[place]),
            history=tuple(int(item) for item in pool.histories[place][-teacher.length :]),
            target_ix=int(pool.targets[place]),
            candidates=ranked,
            difficulty=float(hard[place]),
        )
        for place, ranked in zip(places, lists, strict=True)
    ]


def _save(store: Store, chosen: Nomination, cases: list[Case], shown: list[Case], data: str) -> int:
    """Both nominations in one transaction; returns the number of the chosen one."""
    config = {"teacher": chosen.teacher, "policy": chosen.policy, "seed": chosen.seed}
    with store.runs.recording("nominate", {**config, **chosen.settings}) as run:
        with store.write():
            even = Nomination(
                chosen.teacher,
                chosen.backbone,
                EXAMPLES,
                chosen.seed,
                {"candidates": chosen.settings["candidates"]},
            )
            store.cases.save(even, shown, data=data, run_id=run.run_id)
            number = store.cases.save(chosen, cases, data=data, run_id=run.run_id)
        run.stats["cases"] = len(cases)
    return number
