"""The running mean of the weights, and TensorBoard's files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from recommender.training.averaging import averaged, restore, tensors
from recommender.training.logbook import Logbook
from store.errors import UserError


def test_the_mean_follows_the_formula():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    mean = averaged(model, 0.7)
    expected = model.weight.detach().double().clone()
    for step in range(1, 30):
        with torch.no_grad():
            model.weight.add_(torch.randn_like(model.weight))
        mean.update_parameters(model)
        keep = min(0.7, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * model.weight.detach().double()
    got = mean.module.weight.detach().double()
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)
    assert not torch.equal(mean.module.weight, model.weight)


def test_a_restored_mean_goes_on_bit_by_bit():
    model = nn.Linear(3, 2)
    whole, stopped = averaged(model, 0.99), averaged(model, 0.99)
    steps = torch.randn(6, *model.weight.shape)
    for step, change in enumerate(steps, start=1):
        with torch.no_grad():
            model.weight.add_(change)
        if step == 4:  # of a checkpoint after the third step
            stored = {name: value.clone() for name, value in tensors(stopped).items()}
            stopped = averaged(nn.Linear(3, 2), 0.99)
            restore(stopped, stored, 3)
        whole.update_parameters(model)
        stopped.update_parameters(model)
    assert list(tensors(whole)) == ["average.weight", "average.bias"]
    assert torch.equal(whole.module.weight, stopped.module.weight)


def test_tensorboard_reads_what_was_written(tmp_path: Path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = Logbook(tmp_path, board=True)
    log.write({"step": 5, "metrics": {"recall@50": 0.25}}, {"loss": 3.5})
    log.write({"step": 9, "metrics": {"recall@50": 0.5}}, {"loss": 2.5})
    found = accumulator.EventAccumulator(str(tmp_path))
    found.Reload()
    seen = {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
    assert seen == {
        "valid/recall@50": [(5, 0.25), (9, 0.5)],
        "train/loss": [(5, 3.5), (9, 2.5)],
    }


def test_without_tensorboard_it_says_what_to_install(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install 'interest-profiler\[tensorboard\]'"):
        Logbook(tmp_path, board=True)
