"""Whether explanations are true: do the items they name carry the score, how often is what claimed.

    python benchmarks/bench_faithfulness.py
    python benchmarks/bench_faithfulness.py --models sasrec gru4rec --seeds 2 --users 50

Trains each model with each seed on Amazon Office and explains the lists of held-out users with the
interests of a large chat model. For each recommendation the items that its sentence names are taken
out of the history and the item is scored again; the control takes out as many other items of the
same history, drawn at random (mean of five draws). Scores are in standard deviations of the user's
scores over all items. Tiers are those of recommender/serving/reasons.py; their control asks the
same rule with the interests of another user. Intervals are 95 %, over users and seeds, paired.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

MODELS = ["sasrec", "gru4rec", "remi", "remi+eimf", "facet"]
DRAWS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="office", help="office, beauty, ml-1m")
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--users", type=int, default=100, help="held-out users, drawn once")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("-k", type=int, default=10, help="length of the lists")
    parser.add_argument("--length", type=int, default=20, help="items of a history that are read")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "faithfulness")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    import numpy as np
    import torch
    from _stores import interest_store

    from recommender.experiments.significance import mean_of
    from store.store import open_store

    torch.set_num_threads(1)
    path = interest_store(options.data, options.work)
    with open_store(path) as store:
        assign(store)
        users = drawn(store, options.users)
        print(f"{len(users)} held-out users, {options.k} items each, {options.seeds} seeds")
        print(
            f"{'':12s}{'cited':>22s}{'as many random':>18s}{'difference':>22s}"
            f"{'shows':>16s}{'fits':>8s}{'none':>8s}{'lists':>8s}{'another’s':>11s}"
        )
        for name in options.models:
            runs = []
            for seed in range(options.seeds):
                folder = trained(store, name, seed, options)
                runs.append(measure(folder, store, users, options.k))
                note = {key: round(float(np.nanmean(v)), 3) for key, v in runs[-1].items()}
                print(f"  {name} seed {seed}: {note}", file=sys.stderr, flush=True)
            values = {key: np.stack([run[key] for run in runs]) for key in runs[0]}
            whole = ~np.isnan(values["cited"]).any(0)
            cells = []
            for column in (values["cited"], values["random"], values["cited"] - values["random"]):
                found = mean_of(column[:, whole])
                cells.append(f"{found.mean:.3f} ± {found.margin:.3f}")
            shows = mean_of(values["shows"])
            print(
                f"{name:12s}{cells[0]:>22s}{cells[1]:>18s}{cells[2]:>22s}"
                f"{shows.mean:>9.1%} ± {shows.margin:.1%}"
                f"{values['fits'].mean():>8.1%}{values['none'].mean():>8.1%}"
                f"{values['list'].mean():>8.1%}{values['other'].mean():>11.1%}",
                flush=True,
            )


def assign(store: Any) -> None:
    """Give users the stored interests that cover their own histories, as a build does."""
    from profiler.assignment.assign import assign_own_interests

    if not assign_own_interests(store, store.datasets.load(), store.vectors.items()):
        raise SystemExit("no user has an interest of their own")


def drawn(store: Any, n: int) -> list[str]:
    """Held-out users with at least four items known, drawn with one seed."""
    import numpy as np

    data = store.datasets.load()
    counts = np.diff(data.known()[0])
    held = [u for u in range(data.n_users) if data.user_split[u] == 2 and counts[u] >= 4]
    chosen = np.random.default_rng(0).choice(held, size=min(n, len(held)), replace=False)
    return [data.user_ids[u] for u in sorted(chosen.tolist())]


def trained(store: Any, name: str, seed: int, options: argparse.Namespace) -> Path:
    """Folder of a trained model, made once."""
    import recommender
    from recommender.recipes.specs import parse_spec

    folder = options.work / f"{name}-{options.steps}-{seed}".replace(":", " ")
    if (folder / "manifest.json").exists():
        return folder
    recipe = parse_spec(name)
    recipe["model"] = {"length": options.length, **recipe.get("model", {})}
    recipe["training"] = {
        "seed": seed,
        "steps": options.steps,
        "evaluate_every": max(options.steps // 2, 1),
        **recipe.get("training", {}),
    }
    recommender.train(store, folder, overwrite=folder.exists(), **recipe)
    return folder


def measure(folder: Path, store: Any, users: list[str], k: int) -> dict[str, Any]:
    """Per user: how far scores fall without the items named or others; share of each tier."""
    import numpy as np

    from recommender.serving.reasons import find_reason
    from recommender.serving.service import Service

    rows: dict[str, list[float]] = {
        name: [] for name in ("cited", "random", "shows", "fits", "none", "list", "other")
    }
    rng = np.random.default_rng(1)
    with Service(folder, store) as service:
        words, everybody = service.words, service.dataset.user_index
        for place, user in enumerate(users):
            history, number = service.history(user, None)
            history = np.asarray(history)[-service.model.length :]
            listed = [service.index[one.item_id] for one in service.recommend(user=user, k=k)]
            found = service.explainer.reasons(history, number, listed)
            tiers = [one.reason.tier for one in found]
            foreign = words.fitting(history, everybody[users[place - 1]], listed)
            pairs = zip(found, listed, strict=True)
            others = [find_reason(one.parts, foreign[item]).tier for one, item in pairs]
            for tier in ("shows", "fits", "none"):
                rows[tier].append(tiers.count(tier) / len(tiers))
            rows["list"].append(float("shows" in tiers))
            rows["other"].append(others.count("shows") / len(others))
            falls = [
                falls_without(service.model, history, item, one.reason.because, rng)
                for item, one in zip(listed, found, strict=True)
            ]
            falls = [one for one in falls if one is not None]
            cited, random = np.mean(falls, axis=0) if falls else (np.nan, np.nan)
            rows["cited"].append(float(cited))
            rows["random"].append(float(random))
    return {name: np.array(column) for name, column in rows.items()}


def falls_without(
    model: Any, history: Any, item: int, cited: tuple[int, ...], rng: Any
) -> tuple[float, float] | None:
    """How much an item's score falls without the items named, and without as many others."""
    import numpy as np
    import torch

    others = np.setdiff1d(history, cited)
    if not cited or len(others) <= len(cited):
        return None
    away = [np.array(cited)]
    away += [rng.choice(others, len(cited), replace=False) for _ in range(DRAWS)]
    with torch.inference_mode():
        scores = [scores_of(model, history[~np.isin(history, gone)]) for gone in ([], *away)]
        spread = float(scores[0].std())
        fall = [float(scores[0][item] - one[item]) / spread for one in scores[1:]]
    return fall[0], float(np.mean(fall[1:]))


def scores_of(model: Any, history: Any) -> Any:
    """Scores of all items for a history, float32 ``[V]``."""
    import torch

    read = torch.from_numpy(history.astype("int64") + 1)[None]
    return (model(read).interests[0] @ model.item_embeddings()[1:].T).amax(0)


if __name__ == "__main__":
    main()
