"""``recommender evaluate``: metrics of a model by full ranking."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recommender.commands.options import (
    Model,
    ModelStore,
    ProtocolOptions,
    require_model,
    require_store,
)
from store.console.options import Json, grouped, option

if TYPE_CHECKING:
    from recommender.evaluation.ranking import Evaluation


@grouped
def evaluate(
    model: Model,
    protocol: ProtocolOptions,
    store: ModelStore = None,
    k: Annotated[
        list[int] | None,
        option("Length of the lists; may be repeated.", "-k", default="10, 20 and 50"),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(
            help="recall, ndcg, hr, mrr, ndcg_hit_normalised (only to compare with published "
            "tables of the ComiRec family), joined by commas."
        ),
    ] = "recall,ndcg,hr,mrr",
    diagnose: Annotated[
        bool,
        typer.Option(
            "--diagnose/--no-diagnose",
            help="Add coverage, diversity and novelty of the lists, and how the interests differ.",
        ),
    ] = True,
    where: Annotated[
        bool,
        typer.Option(
            "--where/--no-where",
            help="Add recall by how rare the targets and how long the histories are.",
        ),
    ] = True,
    baseline: Annotated[
        bool, typer.Option("--baseline/--no-baseline", help="Show popularity beside it.")
    ] = True,
    cold: Annotated[
        bool, option("Measure the items that train --cold hid, in place of all.", "--cold")
    ] = False,
    json: Json = False,
) -> None:
    """Rank all items for the held-out users of the store's split and measure.

    The result is kept as evaluation.json in the model's folder, where the report finds it, and in
    the folder's README.md.

    $ recommender evaluate models/remi
    $ recommender evaluate models/remi -k 20 --metrics recall,ndcg
    """
    require_model(model)
    require_store(store)
    if cold:
        _tell_cold(model, store, sorted(set(k or (10, 50))), json=json)
        return
    from store.console import print_json, show_progress

    names = [name.strip() for name in metrics.split(",")]
    ks = sorted(set(k or (10, 20, 50)))
    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)  # what is imported next takes seconds
        from recommender.measure import evaluate as run
        from recommender.measure import evaluate_popularity

        tell("ranking all items for every user", 0, 0)
        found = run(
            model,
            store,
            part=protocol.part,
            ks=ks,
            names=names,
            keep_seen=protocol.keep_seen,
            diagnose=diagnose,
            where=where,
        )
        document = found.to_json()
        if baseline:
            tell("ranking by popularity", 0, 0)
        popular = evaluate_popularity(model, store, found, ks, names) if baseline else {}
    if popular:
        document["popularity"] = popular
    if protocol.part == "test":
        _keep(document, model)
    if json:
        print_json(document)
        return
    _print(model, found, popular, max(ks))


def _print(model: Path, found: Evaluation, popular: dict[str, float], k: int) -> None:
    """Tables, and at last the verdict."""
    from store.console import print_table, say

    p = found.protocol
    say(
        f"{p['users']:,} users, {p['targets']:,} targets, all {p['items']:,} items ranked, split "
        f"{p['split']}, {p['part']} part, items the user already has {p['seen_items']}"
    )
    for line in p["changed_since_training"]:
        say(f"note: {line}")
    margins = found.margins
    means = without_repeats(found.means)
    rows = [[name, f"{mean:.4f}", f"± {margins[name]:.4f}"] for name, mean in means.items()]
    if popular:
        rows = [[*row, f"{popular[row[0]]:.4f}"] for row in rows]
    headers = ["metric", "mean", "95 %", *(["popularity"] if popular else [])]
    print_table(str(model), headers, rows)
    extra = [[name, shown(value)] for name, value in found.quality.items()]
    extra += [[f"interests: {name}", shown(value)] for name, value in found.interests.items()]
    if extra:
        print_table("lists and interests", ["figure", "value"], extra)
    parts = [
        [name, f"{n:,}", f"{mean:.4f}", f"± {m:.4f}"] for name, n, mean, m in found.slice_rows()
    ]
    if parts:
        print_table(f"recall@{k} by", ["part", "users", f"recall@{k}", "95 %"], parts)
    if dropped := [name for name in found.means if name not in means]:
        say(f"{', '.join(dropped)}: the same as recall, because every user has one target")
    if popular:
        say(verdict(found.means, margins, popular))


def _tell_cold(model: Path, store: Path | None, ks: list[int], *, json: bool) -> None:
    """Recall of the items that were hidden from training, among themselves and among all."""
    from recommender.cold.evaluate import evaluate_cold
    from store.console import print_json, print_table, say

    found = evaluate_cold(model, store, ks)
    if json:
        print_json({name: one.to_json() for name, one in found.items()})
        return
    protocol = found["cold"].protocol
    say(
        f"{protocol['users']:,} users, {protocol['targets']:,} held-out targets among "
        f"{protocol['items']:,} items that were hidden from training"
    )
    rows = [
        [f"{name}@{size}", *(_figure(found[among], f"{name}@{size}") for among in found)]
        for name in ("recall", "ndcg")
        for size in ks
    ]
    headers = ["metric", "among hidden", "among all", "popularity among hidden (an oracle)"]
    print_table(str(model), headers, rows)


def _figure(found: Evaluation, metric: str) -> str:
    return f"{found.means[metric]:.4f} ± {found.margins[metric]:.4f}"


def without_repeats(means: dict[str, float]) -> dict[str, float]:
    """Metrics without the hit rates that equal recall, as they do where users have one target."""
    return {
        name: mean
        for name, mean in means.items()
        if not (name.startswith("hr@") and means.get(name.replace("hr@", "recall@")) == mean)
    }


def verdict(means: dict[str, float], margins: dict[str, float], popular: dict[str, float]) -> str:
    """Whether the model is better than popularity, by its first metric at the longest list."""
    name = [one for one in means if one.split("@")[0] == next(iter(means)).split("@")[0]][-1]
    mean, other = means[name], popular[name]
    apart = mean - other
    if abs(apart) <= margins[name]:
        judged = "no better and no worse than popularity, as far as these users tell"
    elif apart < 0:
        judged = "worse than popularity: recommending what most users have serves them better"
    elif other > 0:
        judged = f"better than popularity, {mean / other:.1f} times as high"
    else:
        judged = "better than popularity"
    return f"verdict: {name} {mean:.4f} against {other:.4f}, higher is better: {judged}"


def _keep(document: dict[str, object], model: Path) -> None:
    """Write the result into the model's folder; a folder that takes nothing is only noted."""
    import json

    from recommender.model_folder.card import write_card
    from store.console import note
    from store.errors import UserError
    from store.files import whole_file

    try:
        with whole_file(model / "evaluation.json") as partial:
            partial.write_text(json.dumps(document, indent=2, default=str) + "\n", "utf-8")
        write_card(model)
    except UserError as error:
        note(f"note: the result is not kept beside the model: {error}")


def shown(value: Any) -> str:
    """A figure, or several, with four decimals; what is not known as a dash."""
    if isinstance(value, list):
        return ", ".join(shown(one) for one in value)
    if isinstance(value, float):
        return f"{value + 0.0:.4f}" if math.isfinite(value) else "–"
    return str(value)
