"""Two processes under torchrun: the same weights in both, and those of one process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from recommender.base import distributed
from recommender.model_folder.artefacts import load_model

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import os, sys
sys.path[:0] = [{root!r}]
from pathlib import Path
import torch
torch.set_num_threads(1)
from safetensors.torch import save_file
from recommender.base import distributed
from recommender.backbones.create import create
from recommender.losses.recommendation import create_loss
from recommender.training.loop import fit
from recommender.training.settings import Settings
from tests.recommender.training.test_loop import planted, recall_at
sequences = planted(users=100)
model = create("dnn", sequences.n_items, d=8, length=8)
out = Path({out!r})
fit(model, sequences, loss=create_loss("full"), evaluator=recall_at(sequences), out=out / "run",
    settings=Settings(epochs=6, batch_size={batch}, window="last", patience=99))
save_file(dict(model.state_dict()), out / f"rank{{os.environ.get('RANK', '0')}}.safetensors")
distributed.leave()
"""


def launch(out: Path, batch: int, *launcher: str) -> None:
    out.mkdir()
    script = out / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(root=str(ROOT), out=str(out), batch=batch)))
    subprocess.run(
        [sys.executable, *launcher, str(script)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        timeout=120,
    )


def test_two_processes_train_the_model_of_one(tmp_path):
    """Every user has as many targets, so the mean of two halves is the mean of the batch."""
    rendezvous = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    launch(tmp_path / "two", 25, *rendezvous)
    launch(tmp_path / "one", 50)
    first, second = (load_file(tmp_path / "two" / f"rank{r}.safetensors") for r in range(2))
    single = load_file(tmp_path / "one" / "rank0.safetensors")
    for name, value in first.items():
        assert torch.equal(value, second[name])
        assert torch.allclose(value, single[name], atol=2e-5), name
    log = (tmp_path / "two" / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(log) == 6  # one process writes


def test_each_process_takes_its_own_gpu_and_one_of_them_prints(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert distributed.own_device("cuda") == "cuda"
    assert distributed.first_process()
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setenv("RANK", "11")
    assert (distributed.own_device("cuda"), distributed.own_device("cpu")) == ("cuda:3", "cpu")
    assert not distributed.first_process()


def test_the_command_trains_an_aligned_model_in_two_processes(shop, tmp_path):
    """Objectives and all; one process prints and writes."""
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "--no-python", sys.executable, "-c", "from cli import recommender_main as m; m()",
            "train", "--store", str(shop), "--out", str(tmp_path / "m"), "--steps", "6",
            "--evaluate-every", "3", "--crowd",
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("validation: ") == 1
    assert "recall@50 0.0000" not in done.stdout
    assert sum(line.startswith("step 6,") for line in done.stderr.splitlines()) == 1
    model, manifest = load_model(tmp_path / "m")
    assert manifest.training["steps"] == 6
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_one_process_needs_no_group(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert distributed.join(torch.device("cpu")) == (0, 1)
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, 2.0])
    distributed.average_gradients([parameter], 1)
    assert parameter.grad.tolist() == [1.0, 2.0]
    assert distributed.share(0.25, 1, torch.device("cpu")) == 0.25
    assert distributed.any_true(True, 1, torch.device("cpu"))
    distributed.leave()
