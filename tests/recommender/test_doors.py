"""Models and auxiliary losses of other packages: used by their names, refused with the reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.registry import Registry
from tests.outside_package import install

ROOT = Path(__file__).resolve().parents[2]
PARTS = '''
"""A model that looks at the last item only, and an auxiliary loss that keeps interests short."""

from pydantic import Field
from torch import nn

from recommender.backbones.base import BackboneConfig
from recommender.backbones.sequential.causal import CausalBackbone
from recommender.base.config_checks import checked
from recommender.objectives.base import Objective, ObjectiveConfig


class LastItemConfig(BackboneConfig):
    bias: bool = True


class LastItem(CausalBackbone):
    name = "last_item"
    Config = LastItemConfig

    def __init__(self, n_items, config):
        super().__init__(n_items, config)
        self.dense = nn.Linear(config.d, config.d, bias=config.bias)

    def states(self, history, vectors):
        return self.dense(vectors)[:, :, None]


class ShrinkConfig(ObjectiveConfig):
    weight: float = Field(0.01, ge=0)


class Shrink(Objective):
    name = "shrink"
    Config = ShrinkConfig

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    @classmethod
    def make(cls, material, settings):
        return cls(checked(ShrinkConfig, settings, cls.name).weight)

    def forward(self, model, batch, encoded):
        return {"shrink": self.weight * encoded.interests.square().sum(2).mean()}
'''
POINTS = {
    "interest_profiler.backbones": {
        "last_item": "outside_parts:LastItem",
        "no_model": "outside_parts:Shrink",
        "gone": "outside_parts:Gone",
    },
    "interest_profiler.objectives": {"shrink": "outside_parts:Shrink"},
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the other package installed."""
    return install(tmp_path_factory.mktemp("outside"), "outside-parts", PARTS, POINTS)


def run(outside: Path, *args: str | Path, code: int = 0) -> tuple[str, str]:
    """Run ``recommender`` in a process that finds the other package; what it printed."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, cli; sys.exit(cli.recommender_main())",
            *map(str, args),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(outside), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def test_both_are_trained_measured_and_served_by_their_commands(
    outside: Path, shop: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    run(
        outside,
        *("train", "--store", shop, "--out", model, "--align", "none", "--steps", "4"),
        *("--backbone", "last_item", "--set", "model.bias=false"),
        *("--objective", "shrink", "--set", "shrink.weight=0.5"),
    )
    manifest = json.loads((model / "manifest.json").read_text("utf-8"))
    assert (manifest["backbone"], manifest["config"]["bias"]) == ("last_item", False)
    assert manifest["training"]["objectives"] == ["shrink"]
    assert manifest["training"]["objective_settings"] == {"shrink": {"weight": 0.5}}
    said, _ = run(outside, "evaluate", model, "--json")
    assert json.loads(said)["protocol"]["part"] == "test"
    said, _ = run(outside, "recommend", model, "--user", "U001", "-k", "3", "--json")
    assert len(json.loads(said)["recommendations"]) == 3


def test_both_are_compared_by_their_names(outside: Path, shop: Path, tmp_path: Path) -> None:
    name = "last_item+shrink:shrink.weight=1"
    folder = ("--store", shop, "--out", tmp_path / "c")
    said, _ = run(
        outside, "compare", name, "pop", *folder, "--seeds", "1", "--steps", "2", "--json"
    )
    assert name in json.loads(said)["means"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("last_itm", "did you mean 'last_item'?"),
        ("gone", "'gone' cannot be loaded from 'outside_parts:Gone' of outside-parts"),
        ("no_model", "is no subclass of recommender.backbones.base.Backbone"),
    ],
)
def test_what_is_unknown_or_broken_is_one_plain_line(
    outside: Path, shop: Path, tmp_path: Path, name: str, words: str
) -> None:
    made = ("train", "--store", shop, "--out", tmp_path / "m", "--backbone", name)
    _, told = run(outside, *made, code=2)
    assert words in told
    lines = [line for line in told.splitlines() if not line.startswith("starting")]
    assert len(lines) == 1, "beside the progress, which begins at once"


def test_naming_a_built_in_part_reads_nothing_of_other_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("store.registry.entry_points", lambda group: pytest.fail("read"))
    registry: Registry[object] = Registry("part", "none.such", object, {"dumps": "json:dumps"})
    assert registry.get_known("dumps") is json.dumps
