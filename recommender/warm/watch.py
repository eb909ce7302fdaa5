"""How yesterday's model does on today's events, and whether it is time to train again.

The rule is in :func:`due`: a model is due where recall has fallen clearly below what it was, is not
above popularity, or where too many of today's events are on items that the model lacks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recommender.evaluation.ranking import SEEN_STAY
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.weights import load_item_ids
from recommender.warm.events import cases_of, name_of, read_events
from recommender.warm.lists import (
    SHOWN,
    K,
    Lists,
    dead_interests,
    explained_share,
    popular_recall,
)
from store.errors import UserError
from store.store import Store, opened

if TYPE_CHECKING:
    from store.data.readers import ReadOptions

FEWEST = 30
"""Users from whom on recall is judged."""
FLOOR = 0.9
MOST_NEW = 0.1


@dataclass(frozen=True)
class Rule:
    """When a model is to be trained again.

    Attributes
    ----------
    floor
        Share of the reference that recall must not fall below.
    most_new
        Share of the events that may be on items which the model lacks.
    reference
        Recall@50 that is compared with; None takes that of the validation part, as the model's
        folder has it.
    """

    floor: float = FLOOR
    most_new: float = MOST_NEW
    reference: float | None = None

    def __post_init__(self) -> None:
        for name in ("floor", "most_new"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name}={getattr(self, name):g}: give a share from 0 to 1")


@dataclass(frozen=True)
class Watch:
    """How a model does on today's events; shares are between 0 and 1.

    Attributes
    ----------
    model, events
        What is watched, and by what.
    interactions, users, users_measured, users_without_history
        Events, users with any, users whose lists were compared with them, and users of whom the
        model can read nothing.
    recall_10, recall_50, margin_50
        Share of the items taken that stood in the list, mean over users; half of the 95 % interval.
    popularity_50
        The same for a list of the most popular items.
    reference
        Recall@50 that is compared with; None where none is known.
    events_on_new_items
        Share of the events on items that the model lacks.
    coverage_10
        Share of the model's items that stand in some list of ten.
    dead_vectors
        Share of the model's interest vectors that lead to less than one in a hundred items of the
        lists; None for a model with one vector.
    dead_interests
        Share of the store's interests of whose evidence nothing was taken today; None without any.
    explained
        Share of lists of ten in which a stored interest of the user fits some item; None where the
        store has other items than the model, or no interests.
    retrain, because
        Whether it is time to train again, and why.
    """

    model: str
    events: str
    interactions: int
    users: int
    users_measured: int
    users_without_history: int
    recall_10: float | None
    recall_50: float | None
    margin_50: float | None
    popularity_50: float | None
    reference: float | None
    events_on_new_items: float
    coverage_10: float
    dead_vectors: float | None
    dead_interests: float | None
    explained: float | None
    retrain: bool
    because: list[str]

    def to_json(self) -> dict[str, Any]:
        """As ``recommender watch --json`` prints it."""
        return asdict(self)

    def to_prometheus(self) -> str:
        """The figures in the text format of Prometheus; unknown ones are left out."""
        lines = []
        for name, value in self.to_json().items():
            if isinstance(value, (str, list)) or value is None:
                continue
            full = f"recommender_watch_{name}"
            lines += [f"# HELP {full} {_HELP[name]}", f"# TYPE {full} gauge"]
            lines.append(f'{full}{{model="{_escaped(self.model)}"}} {float(value):g}')
        return "\n".join(lines) + "\n"


_HELP = {
    "interactions": "Events of today.",
    "users": "Users with an event today.",
    "users_measured": "Users whose lists were compared with their events.",
    "users_without_history": "Users of whom the model can read nothing.",
    "recall_10": "Share of the items taken that stood among the first 10, mean over users.",
    "recall_50": "Share of the items taken that stood among the first 50, mean over users.",
    "margin_50": "Half of the 95 percent interval of recall_50.",
    "popularity_50": "recall_50 of a list of the most popular items.",
    "reference": "recall_50 that is compared with.",
    "events_on_new_items": "Share of the events on items that the model lacks.",
    "coverage_10": "Share of the items that stand in some list of 10.",
    "dead_vectors": "Share of the interest vectors that hardly lead to any item.",
    "dead_interests": "Share of the stored interests of whose evidence nothing was taken.",
    "explained": "Share of lists of 10 in which a stored interest fits some item.",
    "retrain": "1 where the model is to be trained again.",
}


def watch(
    model: str | Path,
    store: Store | str | Path,
    events: Any = None,
    *,
    options: ReadOptions | None = None,
    rule: Rule | None = None,
    explain: bool = True,
) -> Watch:
    """Measure a model on events that it was not trained on.

    Parameters
    ----------
    model
        Folder of the model.
    store
        The store that knows the users' histories, before or after the events were appended.
    events
        A file, folder or frame of interactions, read as the store's data were; None takes the test
        part of the store.
    options
        How to read it, in so far as it differs.
    rule
        When the model is to be trained again.
    explain
        Whether lists are explained, which takes the most time.

    Raises
    ------
    UserError
        For a folder without a model, or where there is no event.
    DataError
        If the file cannot be used.
    """
    folder, rule = Path(model), rule or Rule()
    backbone, manifest = load_model(folder)
    item_ids = load_item_ids(folder, manifest)
    with opened(store) as source:
        dataset = source.datasets.load()
        keep_seen = SEEN_STAY.get(dataset.split.name, True)
        read = None if events is None else read_events(source, events, options)
        index = {item: ix for ix, item in enumerate(item_ids)}
        cases = cases_of(dataset, index, read, keep_seen=keep_seen)
        if not cases.interactions:
            raise UserError(
                f"{source.path} holds nothing back to watch {folder} on; name a file of `events`"
            )
        found = Lists.of(backbone, cases, keep_seen=keep_seen)
        popular = popular_recall(dataset, index, cases, keep_seen=keep_seen)
        reference = rule.reference
        if reference is None:
            reference = manifest.metrics.get("valid", {}).get(f"recall@{K}")
        figures: dict[str, Any] = {
            "recall_10": found.recall(SHOWN),
            "recall_50": found.recall(K),
            "margin_50": found.margin(K),
            "popularity_50": popular,
            "reference": reference,
            "events_on_new_items": cases.unknown_items / cases.interactions,
        }
        said = explained_share(folder, source, cases, keep_seen=keep_seen) if explain else None
        because = due(rule, users=len(cases.users), **figures)
        return Watch(
            model=folder.name,
            events="the test part" if events is None else name_of(events),
            interactions=cases.interactions,
            users=cases.users_today,
            users_measured=len(cases.users),
            users_without_history=cases.without_history,
            coverage_10=found.coverage(backbone.n_items),
            dead_vectors=found.dead_vectors(backbone.k),
            dead_interests=dead_interests(source, cases),
            explained=said,
            retrain=bool(because),
            because=because,
            **figures,
        )


def due(
    rule: Rule,
    *,
    users: int,
    recall_50: float | None,
    margin_50: float | None,
    popularity_50: float | None,
    reference: float | None,
    events_on_new_items: float,
    **others: float | None,
) -> list[str]:
    """Why a model is to be trained again, in sentences; none where it is not.

    - Of 30 users or more, recall@50 lies below ``floor`` times the reference with all of the 95 %
      interval, or it is not above that of popularity.
    - More than ``most_new`` of the events are on items that the model lacks.
    """
    why = []
    if users >= FEWEST and recall_50 is not None:
        most = recall_50 + (margin_50 or 0.0)
        if reference is not None and most < rule.floor * reference:
            why.append(
                f"recall@{K} is {recall_50:.4f}, with its interval below {rule.floor:g} of "
                f"{reference:.4f}"
            )
        if popularity_50 is not None and recall_50 <= popularity_50:
            why.append(f"recall@{K} is {recall_50:.4f}, popularity has {popularity_50:.4f}")
    if events_on_new_items > rule.most_new:
        why.append(
            f"{events_on_new_items:.0%} of the events are on items that the model lacks, more than "
            f"{rule.most_new:.0%}"
        )
    return why


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
