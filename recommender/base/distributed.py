"""Data-parallel training under torchrun: every process takes its share of the users.

``torchrun --nproc-per-node 2 …`` sets RANK and WORLD_SIZE. Gradients are averaged in one message a
step; the weights start equal because the seed is, and stay equal because the gradients are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn

from store.errors import UserError


def own_device(device: str) -> str:
    """The device of this process: under torchrun each takes the GPU of its local rank.

    Raises
    ------
    UserError
        For a device that does not exist, or is not here.
    """
    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = ""
    if kind not in ("cpu", "cuda"):
        raise UserError(f"--device {device!r}: write cpu or cuda")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device {device}: PyTorch finds no CUDA GPU here; leave --device out")
    local = os.environ.get("LOCAL_RANK")
    return f"cuda:{local}" if device == "cuda" and local is not None else device


def first_process() -> bool:
    """Whether this is the process that prints and writes."""
    return int(os.environ.get("RANK", "0")) == 0


def processes() -> int:
    """How many processes share the batch."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join(device: torch.device) -> tuple[int, int]:
    """Join the group torchrun has set up; returns ``(rank, world)``, (0, 1) without one."""
    world = processes()
    if world == 1:
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return distributed.get_rank(), world


def leave() -> None:
    """Leave the group, where one was joined."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def average_gradients(parameters: Iterable[nn.Parameter], world: int) -> None:
    """Replace each gradient by its mean over processes, with a single message."""
    if world == 1:
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= world
    pieces = torch.split_with_sizes(flat, [gradient.numel() for gradient in gradients])
    for parameter, piece in zip(parameters, pieces, strict=True):
        parameter.grad = piece.view_as(parameter)


def share(value: float, world: int, device: torch.device) -> float:
    """The first process's value, in every process."""
    if world == 1:
        return value
    message = torch.tensor([value], dtype=torch.float64, device=device)
    distributed.broadcast(message, src=0)
    return float(message)


def any_true(value: bool, world: int, device: torch.device) -> bool:
    """Whether the value is true in any process."""
    if world == 1:
        return value
    message: Tensor = torch.tensor([float(value)], device=device)
    distributed.all_reduce(message, op=distributed.ReduceOp.MAX)
    return bool(message.item() > 0)
