"""The running mean of the weights, and TensorBoard's files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from recommender.training.averaging import Average
from recommender.training.logbook import Logbook
from store.errors import UserError


def test_the_mean_follows_the_formula():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    average = Average(model, 0.7)
    expected = model.weight.detach().double().clone()
    for step in range(1, 30):
        with torch.no_grad():
            model.weight.add_(torch.randn_like(model.weight))
        average.update(step)
        keep = min(0.7, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * model.weight.detach().double()
    own = model.weight.detach().clone()
    with average.applied():
        torch.testing.assert_close(model.weight.detach().double(), expected, rtol=1e-5, atol=1e-6)
        assert not torch.equal(model.weight, own)
    assert torch.equal(model.weight, own)


def test_an_error_inside_gives_the_weights_back():
    model = nn.Linear(3, 2)
    average = Average(model, 0.5)
    with torch.no_grad():
        model.weight.add_(1)
    average.update(1)
    own = model.weight.detach().clone()
    with pytest.raises(UserError), average.applied():
        raise UserError("while evaluating")
    assert torch.equal(model.weight, own)


def test_a_decay_of_nought_is_the_model_itself():
    model = nn.Linear(3, 2)
    average = Average(model, 0.0)
    with torch.no_grad():
        model.weight.add_(1)
    average.update(1)
    own = model.weight.detach().clone()
    with average.applied():
        assert torch.equal(model.weight, own)
    assert average.tensors() == {}


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
