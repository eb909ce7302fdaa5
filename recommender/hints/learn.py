"""Learning a chooser of hints from stored trials; its gain is measured on cases not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.choices import ChooserMethod
from recommender.experiments.significance import mean_of
from recommender.hints import bandits, ppo
from recommender.hints.chooser import (
    Chooser,
    Facts,
    KeptHint,
    choices_of,
    save_chooser,
)
from recommender.hints.features import Features
from recommender.hints.table import TrialTable, load_table
from recommender.model_folder.claim import claimed
from recommender.model_folder.manifest import read_manifest
from store.errors import UserError
from store.store import opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.store import Store

Progress = Callable[[str, int, int], None]
FOLDS, FEWEST = 5, 10
"""Parts of the cases, each of which is measured by what the others taught; cases at least."""
SEEDS = 5


@dataclass(frozen=True)
class Learning:
    """How a chooser learns.

    Attributes
    ----------
    method
        ``linucb``, ``thompson``, or ``ppo`` as published.
    source
        Of whose lists; None is the language model with most trials.
    steps
        Of PPO.
    seed
        Of orders, draws and starts; figures are of this and the four seeds after it.
    """

    method: ChooserMethod = "linucb"
    source: str | None = None
    steps: int = ppo.STEPS
    seed: int = 0


def learn_chooser(
    model: str | Path,
    store: Store | str | Path,
    learning: Learning | None = None,
    progress: Progress | None = None,
) -> Chooser:
    """Learn which hint to give, and keep the chooser in a model's folder.

    Parameters
    ----------
    model
        Folder of the model whose lists are re-ranked.
    store
        With trials that ``profiler reflect`` made.
    learning
        How.
    progress
        Called with (step, done, total).

    Returns
    -------
    Chooser
        Its ``facts.figures`` say what it gains on cases that it has not seen: five parts of the
        cases, each measured by a chooser that learned from the others, with five seeds. Beside it
        stand no hint, the one best hint, a hint at random, and the best choice for each case.

    Raises
    ------
    UserError
        There is no model, or there are no trials to learn from.
    """
    how = learning or Learning()
    folder = Path(model)
    read_manifest(folder)
    with opened(store) as open_one:
        table = load_table(open_one, how.source)
        encoder = open_one.vectors.encoder()
    if len(table.cases) < FEWEST:
        raise UserError(
            f"{len(table.cases)} cases were tried with hints; nothing can be learned from fewer "
            f"than {FEWEST}: nominate more, and run profiler reflect again"
        )
    features = Features.fit(table.contexts)
    layers = _learned(features.of(table.contexts), table.gains, how, how.seed)
    facts = Facts(
        method=how.method,
        settings={"seed": how.seed} | ({"steps": how.steps} if how.method == "ppo" else {}),
        source=table.source,
        encoder=encoder,
        hints=[KeptHint(hint_id=one.hint_id, text=one.text) for one in table.hints],
        cases=len(table.cases),
        figures=measured(table, how, progress),
    )
    chooser = Chooser(facts, features, layers)
    with claimed(folder):
        save_chooser(folder, chooser)
    return chooser


def measured(table: TrialTable, how: Learning, progress: Progress | None = None) -> dict[str, Any]:
    """Gains in NDCG over no hint on cases that were not learned from, with their margins.

    A case without a usable answer to what was chosen gains nothing.
    """
    tell = progress or (lambda step, done, total: None)
    gains = np.nan_to_num(table.gains)
    found: dict[str, list[NDArray[np.float64]]] = {"chosen": [], "one hint": [], "random hint": []}
    used = []
    for seed in range(how.seed, how.seed + SEEDS):
        mine, single, choices = (np.zeros(len(gains)) for _ in range(3))
        for place, (learned, held) in enumerate(_folds(len(gains), seed)):
            tell(
                "learning from parts of the trials",
                (seed - how.seed) * FOLDS + place,
                SEEDS * FOLDS,
            )
            part = table.rows(learned)
            features = Features.fit(part.contexts)
            layers = _learned(features.of(part.contexts), part.gains, how, seed)
            choices[held] = choices_of(layers, features.of(table.contexts[held]))
            mine[held] = gains[held, choices[held].astype(int)]
            single[held] = gains[held, int(np.argmax(np.nan_to_num(part.gains).mean(0)))]
        used.append(float((choices > 0).mean()))
        found["chosen"].append(mine)
        found["one hint"].append(single)
        found["random hint"].append(gains[:, 1:].mean(1))
    figures: dict[str, Any] = {"without a hint": float(table.base.mean())}
    values = {name: np.stack(rows) for name, rows in found.items()}
    for name, rows in values.items():
        figures[name] = _mean(rows)
    figures["chosen minus one hint"] = _mean(values["chosen"] - values["one hint"])
    figures["best choice of each case"] = float(gains.max(1).mean())
    figures["share with a hint"] = float(np.mean(used))
    return figures


def _mean(values: NDArray[np.float64]) -> dict[str, float]:
    found = mean_of(values)
    return {"gain": found.mean, "margin": found.margin}


def _folds(n: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Cases to learn from and cases to measure, for each of the parts."""
    order = np.random.default_rng(seed).permutation(n)
    parts = np.array_split(order, FOLDS)
    return [(np.setdiff1d(order, part), np.sort(part)) for part in parts]


def _learned(
    features: NDArray[np.float64], gains: NDArray[np.float64], how: Learning, seed: int
) -> tuple[NDArray[np.float64], ...]:
    if how.method != "ppo":
        return bandits.learn(features, gains, bandit=how.method, seed=seed)
    actor = ppo.learn(features, gains, steps=how.steps, seed=seed)
    return tuple(one.detach().double().numpy() for one in actor.parameters())
