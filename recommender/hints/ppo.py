"""PPO over hints, as Re2LLM was published: actor and critic over episodes of all cases.

Settings are those of the authors' code (arXiv 2403.16427): two hidden layers of 64, tanh,
orthogonal starts, Adam 3e-4 falling to zero, discount .999, GAE .95, clip .05, ten epochs over 32
steps, entropy .01, gradients cut at .5, one step in ten at random. Two things are ours: the
probability of a random step is corrected for, and there are 20,000 steps by default (published:
500,000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIDDEN, RATE, DISCOUNT, TRACE, CLIP = 64, 3e-4, 0.999, 0.95, 0.05
EPOCHS, BATCH, ENTROPY, LARGEST, AT_RANDOM = 10, 32, 0.01, 0.5, 0.1
STEPS = 20_000


def network(width: int, out: int, gain: float) -> nn.Sequential:
    """Two hidden layers of tanh, with orthogonal starts; ``gain`` is the last layer's."""
    layers: list[nn.Module] = []
    shapes = ((width, HIDDEN, 2**0.5), (HIDDEN, HIDDEN, 2**0.5), (HIDDEN, out, gain))
    for before, after, size in shapes:
        layer = nn.Linear(before, after)
        nn.init.orthogonal_(layer.weight, size)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


@dataclass
class _Steps:
    """What is kept of the steps of one batch."""

    states: Tensor
    actions: Tensor
    logs: Tensor
    values: Tensor
    rewards: Tensor
    ends: Tensor


def learn(
    features: NDArray[np.float64],
    gains: NDArray[np.float64],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> nn.Sequential:
    """The actor: from features ``[n, features]`` to logits of the choices.

    Parameters
    ----------
    features
        ``[cases, features]``.
    gains
        ``[cases, choices]``; NaN counts as no gain.
    steps
        Look-ups in the table.
    seed
        Of starts, orders and draws.
    """
    rewards = torch.from_numpy(np.nan_to_num(gains)).float()
    states = torch.from_numpy(features).float()
    n, choices = rewards.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        actor, critic = network(states.shape[1], choices, 0.01), network(states.shape[1], 1, 1.0)
        weights = [*actor.parameters(), *critic.parameters()]
        adam = torch.optim.Adam(weights, lr=RATE, eps=1e-5)
        batches = max(1, steps // BATCH)
        order = torch.randperm(n)
        at = 0
        for batch in range(batches):
            for group in adam.param_groups:
                group["lr"] = RATE * (1 - batch / batches)
            rows, ends = [], []
            for _ in range(BATCH):
                rows.append(int(order[at]))
                at = (at + 1) % n
                ends.append(at == 0)
                if at == 0:
                    order = torch.randperm(n)
            following = states[int(order[at])]
            _update(
                actor, critic, adam, _walk(actor, critic, states, rewards, rows, ends), following
            )
    return actor


def _walk(
    actor: nn.Sequential,
    critic: nn.Sequential,
    states: Tensor,
    rewards: Tensor,
    rows: list[int],
    ends: list[bool],
) -> _Steps:
    """Choose for each row, one in ten at random, and look up what it gained."""
    with torch.no_grad():
        seen = states[rows]
        chances = torch.softmax(actor(seen), -1)
        mixed = (1 - AT_RANDOM) * chances + AT_RANDOM / chances.shape[1]
        actions = torch.multinomial(mixed, 1)[:, 0]
        logs = mixed.gather(1, actions[:, None])[:, 0].log()
        gained = rewards[rows].gather(1, actions[:, None])[:, 0]
        return _Steps(seen, actions, logs, critic(seen)[:, 0], gained, torch.tensor(ends).float())


def _update(
    actor: nn.Sequential,
    critic: nn.Sequential,
    adam: torch.optim.Adam,
    steps: _Steps,
    following: Tensor,
) -> None:
    with torch.no_grad():
        ahead, trace = critic(following[None])[0, 0], torch.zeros(())
        advantages = torch.zeros(len(steps.rewards))
        for place in range(len(advantages) - 1, -1, -1):
            goes_on = 1 - steps.ends[place]
            error = steps.rewards[place] + DISCOUNT * ahead * goes_on - steps.values[place]
            trace = error + DISCOUNT * TRACE * goes_on * trace
            advantages[place], ahead = trace, steps.values[place]
        returns = advantages + steps.values
        scaled = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    for _ in range(EPOCHS):
        chances = torch.softmax(actor(steps.states), -1)
        mixed = (1 - AT_RANDOM) * chances + AT_RANDOM / chances.shape[1]
        ratio = (mixed.gather(1, steps.actions[:, None])[:, 0].log() - steps.logs).exp()
        better = torch.minimum(ratio * scaled, ratio.clamp(1 - CLIP, 1 + CLIP) * scaled).mean()
        entropy = -(chances * chances.clamp_min(1e-12).log()).sum(-1).mean()
        wrong = (critic(steps.states)[:, 0] - returns).square().mean()
        loss = -better - ENTROPY * entropy + 0.5 * wrong
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*actor.parameters(), *critic.parameters()], LARGEST)
        adam.step()
