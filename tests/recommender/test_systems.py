"""Every system is trained, saved, served, explained and resumed by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import recommender
from recommender.model_folder.artefacts import load_model

TRAINED = ["pomrec", "pimi", "gimirec", "lightgcn", "mhim", "pyramid_mixer"]


@pytest.mark.parametrize("positions", ["one", "all"])
@pytest.mark.parametrize("loss", ["full", "sampled"])
@pytest.mark.parametrize("name", TRAINED)
def test_on_one_target_and_all_positions_with_full_and_sampled_loss(
    shop: Path, name: str, loss: str, positions: str
) -> None:
    settings = {"steps": 3, "evaluate_every": 3, "positions": positions, "batch_size": 32}
    result = recommender.train(
        shop, backbone=name, align=(), loss=loss, training=settings, model={"d": 8, "length": 6}
    )
    assert result.fit.steps == 3
    assert all(p.isfinite().all() for p in result.model.parameters())
    assert result.model.refinement is None


@pytest.mark.parametrize("name", [*TRAINED, "ease", "itemknn", "transitions"])
def test_a_saved_model_measures_serves_and_explains_as_it_did(
    shop: Path, tmp_path: Path, name: str
) -> None:
    training = {"steps": 6, "evaluate_every": 3} if name in TRAINED else {}
    result = recommender.train(shop, tmp_path / "m", backbone=name, align=(), training=training)
    with recommender.load(tmp_path / "m") as model:
        measured = model.evaluate(part="valid").means
        assert measured == pytest.approx(result.fit.metrics, abs=1e-6)
        item = model.recommend("U001", 3)["item_id"][0]
        found = model.explain("U001", item)
        assert sum(part.part for part in found.parts) == pytest.approx(found.score, abs=1e-4)
        assert found.semantic


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("name", ["gimirec", "lightgcn", "mhim"])
def test_a_graph_is_made_again_for_a_resumed_run(
    shop: Path, tmp_path: Path, name: str, average: float
) -> None:
    common = {"backbone": name, "align": (), "model": {"d": 8, "length": 6}}
    training = {"evaluate_every": 4, "batch_size": 32, "average": average}
    for out, steps, resume in (("whole", 8, False), ("parts", 4, False), ("parts", 8, True)):
        steps_of = training | {"steps": steps}
        recommender.train(shop, tmp_path / out, resume=resume, training=steps_of, **common)
    whole, parts = (load_model(tmp_path / out)[0] for out in ("whole", "parts"))
    for one, other in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("added", ["dmil", "global_context", "hypergraph"])
@pytest.mark.parametrize("backbone", ["remi", "facet"])
def test_an_addition_works_with_any_several_interests(
    shop: Path, tmp_path: Path, backbone: str, added: str
) -> None:
    kwargs = {"backbone": backbone, "align": (), "objectives": (added,)}
    settings = {"steps": 4, "evaluate_every": 2, "batch_size": 32}
    result = recommender.train(shop, tmp_path / "m", training=settings, **kwargs)
    measured = recommender.evaluate(tmp_path / "m", part="valid").means
    assert measured == pytest.approx(result.fit.metrics, abs=1e-6)
