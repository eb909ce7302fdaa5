"""GaCLLM's alignment against steps written out, what it reads, and what may not go with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.backbones.create import create
from recommender.data.layers import LayerTexts, read_layers
from recommender.data.sequences import Batch, Sequences
from recommender.data.texts import read_texts
from recommender.objectives.base import Material
from recommender.objectives.layers import Layers, LayersConfig
from recommender.recipes.recipe import make_recipe
from store.digests import text_digest
from store.errors import StoreError, UserError
from store.store import Store, open_store
from store.tables.tasks.descriptions import Description
from store.tables.tasks.subjects import TaskSubject
from tests.reading_store import fill

# Three users, the second of whom took item 3 twice; nobody took item 5.
HISTORIES = [[0, 1, 2], [2, 3, 3], [1, 4, 0]]
USERS, ITEMS, D, WIDTH = 3, 6, 5, 4


@pytest.fixture
def sequences() -> Sequences:
    flat = np.array([item for one in HISTORIES for item in one])
    return Sequences(ITEMS, np.array([0, 3, 6, 9]), flat, np.zeros(9, np.int8))


@pytest.fixture
def texts() -> LayerTexts:
    rng = np.random.default_rng(1)

    def some(rows: int, without: int) -> np.ndarray:
        made = rng.normal(size=(rows, WIDTH)).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        made[without] = 0
        return made

    items = tuple(some(ITEMS, lacks) for lacks in (5, 4, 0))
    return LayerTexts(items, (some(USERS, 2), some(USERS, 0)))


def batch() -> Batch:
    history = torch.tensor([[1, 2], [3, 4], [2, 5], [1, 2]])
    target = torch.tensor([3, 4, 1, 3])
    return Batch(torch.tensor([0, 1, 2, 0]), history, torch.tensor([2] * 4), target)


def reference(objective: Layers, table: np.ndarray, texts: LayerTexts, depth: int) -> float:
    """The loss with dense matrices, a loop for every layer, side and pair."""
    taken = np.zeros((USERS, ITEMS))
    for user, items in enumerate(HISTORIES):
        taken[user, items] = 1
    of_users, of_items = taken.sum(1), np.maximum(taken.sum(0), 1)
    edges = taken / np.sqrt(of_users)[:, None] / np.sqrt(of_items)[None, :]
    items, users = [table], [taken @ table / of_users[:, None]]
    for layer in range(depth):
        items.append(edges.T @ users[layer])
        users.append(edges @ items[layer])
    losses = []
    sides = [
        ("item", range(depth + 1), texts.items, items, objective.of_items, [0, 2, 3], 0),
        ("user", range(1, depth + 1), texts.users, users, objective.of_users, [0, 1, 2], 1),
    ]
    for kind, layers, said, vectors, projections, rows, first in sides:
        for layer in layers:
            there = [row for row in rows if said[layer - first][row].any()]
            reduced = objective.get_buffer(f"{kind}_{layer}").double().numpy()
            shift = 1 if kind == "item" else 0
            project = projections[layer - first]
            weight, bias = (one.detach().double().numpy() for one in project.parameters())
            left = np.array([weight @ reduced[row + shift] + bias for row in there])
            right = vectors[layer][there]
            left /= np.linalg.norm(left, axis=1, keepdims=True)
            right = right / np.linalg.norm(right, axis=1, keepdims=True)
            scores = left @ right.T / 0.2
            own = [scores[n, n] - np.log(np.exp(scores[n]).sum()) for n in range(len(there))]
            losses.append(-np.mean(own))
    return 0.3 * float(np.mean(losses))


@pytest.mark.parametrize("depth", [1, 2])
def test_it_is_what_the_steps_written_out_give(
    sequences: Sequences, texts: LayerTexts, depth: int
) -> None:
    model = create("dnn", ITEMS, d=D, seed=3)
    config = LayersConfig(gamma=0.3, tau=0.2, layers=depth)
    objective = Layers(texts, sequences, D, config)
    loss = objective(model, batch(), model(batch().history))["layers"]
    table = model.items.detach().double().numpy()[1:]
    assert float(loss) == pytest.approx(reference(objective, table, texts, depth), rel=1e-4)
    loss.backward()
    gradient = model.items.grad
    assert gradient is not None
    assert gradient[1:6].abs().sum(1).gt(0).all()  # also of items that are no target: by the graph
    assert not gradient[6].any()  # of the one that nobody took


def test_distances_in_text_are_kept_where_nothing_is_reduced(
    sequences: Sequences, texts: LayerTexts
) -> None:
    objective = Layers(texts, sequences, D)
    item = objective.get_buffer("item_1")
    assert not item[[0, 5]].any()  # the padding, and the item without a text at layer 1
    assert item[1:5].norm(dim=1).allclose(torch.ones(4))


@pytest.mark.parametrize("backbone", ["sasrec", "remi", "lightgcn", "gru4rec"])
def test_any_backbone_takes_it(sequences: Sequences, texts: LayerTexts, backbone: str) -> None:
    model = create(backbone, ITEMS, d=8, seed=0, length=4)
    model.prepare(sequences)
    material = Material(model, sequences, None, layers=texts)
    objective = Layers.make(material, {"layers": 1})
    assert objective is not None
    assert objective(model, batch(), model(batch().history))["layers"].isfinite()
    assert Layers.make(material, {"gamma": 0}) is None


def described(path: Path) -> Store:
    """A store with a description of one item at layer 1 and of one user at layer 2."""
    store = open_store(fill(path))
    subjects = [
        TaskSubject("layers", "item", "layer1:item:pen", item_ix=0),
        TaskSubject("layers", "user", "layer2:user:customer-bob", user_ix=1),
    ]
    numbers = store.tasks.add(subjects)
    said = [("item", 0, 1, "Of pens."), ("user", 1, 2, "Of bob's taste.")]
    for number, (kind, ix, layer, text) in zip(numbers, said, strict=True):
        one = Description(number, (kind, ix), layer, text, "openai:m", "t", "p")  # type: ignore[arg-type]
        store.descriptions.save([one])
        store.tasks.set_states([number], "ok")
    return store


def encoded(store: Store) -> int:
    width = store.vectors.items().shape[1]
    unit = np.eye(width, dtype=np.float32)
    digests = [text_digest("Of pens."), text_digest("Of bob's taste.")]
    store.vectors.put(store.vectors.encoder(), digests, unit[:2])
    return width


def test_descriptions_are_read_with_gaps(tmp_path: Path) -> None:
    with described(tmp_path / "s.db") as store:
        with pytest.raises(StoreError, match="no vector"):
            read_layers(store)
        encoded(store)
        texts = read_layers(store)
        assert (len(texts.items), len(texts.users)) == (3, 2)
        assert np.flatnonzero(texts.items[1].any(1)).tolist() == [0]
        assert np.flatnonzero(texts.users[1].any(1)).tolist() == [1]
        assert not texts.items[2].any()
        assert not texts.users[0].any()


def test_a_store_without_descriptions_is_told_what_to_do(tmp_path: Path) -> None:
    with (
        open_store(fill(tmp_path / "s.db")) as store,
        pytest.raises(StoreError, match="profiler describe --layers 1"),
    ):
        read_layers(store)


def test_a_layer_is_a_text_source_of_items(tmp_path: Path) -> None:
    with described(tmp_path / "s.db") as store:
        width = encoded(store)
        texts = read_texts(store, ("layer1",))
        assert texts.vectors.shape == (6, width)
        assert np.flatnonzero(texts.vectors.any(1)).tolist() == [0]
        with pytest.raises(UserError, match="profiler describe --layers"):
            read_texts(store, ("layer2",))  # only a user has one there


@pytest.mark.parametrize("more", [{"text": ("title", "layer2")}, {"objectives": ("layers",)}])
def test_what_was_written_from_hidden_interactions_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(UserError, match="written from what users took"):
        make_recipe(backbone="sasrec", cold=0.15, **more)
    make_recipe(backbone="sasrec", cold=0.0, **more)
    with pytest.raises(UserError, match="layer1, layer2"):
        make_recipe(backbone="sasrec", text=("layer0",))
