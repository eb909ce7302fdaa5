"""The training loop: batches from tensors, one step, an evaluation now and then, the best is kept.

Everything random comes from the seed: the order of users from (seed, epoch), the rest from torch's
global generator, whose state is saved with each checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.base import distributed
from recommender.base.errors import NotNumbersError
from recommender.data.sequences import Batch, Sequences
from recommender.evaluation.validation import LAST
from recommender.kernels.memory import keep_memory
from recommender.losses.recommendation import Loss, encode_rows
from recommender.objectives.base import Objective
from recommender.training import averaging, checkpoint, logbook
from recommender.training.interrupting import interruptible
from recommender.training.progress import Progress, Report
from recommender.training.settings import FitResult, Reason, Settings
from recommender.training.weights import all_finite, copy_of, make_optimiser
from store.errors import UserError
from store.telemetry.spans import traced

Evaluator = Callable[[Backbone], dict[str, float]]


@traced("train", FitResult.figures)
def fit(
    model: Backbone,
    sequences: Sequences,
    *,
    loss: Loss,
    evaluator: Evaluator,
    objectives: Sequence[Objective] = (),
    settings: Settings | None = None,
    out: Path | None = None,
    resume: bool = False,
    facts: Mapping[str, Any] | None = None,
    progress: Callable[[Report], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> FitResult:
    """Train a model and leave its best weights in it.

    Parameters
    ----------
    model : Backbone
        On the device of ``sequences``.
    evaluator : callable
        Model → metrics; the one named ``settings.monitor`` decides which weights are best.
    objectives : sequence of Objective
        Their terms are added to the loss, their parameters trained along.
    out : Path, optional
        Folder for ``metrics.jsonl`` and the checkpoint, written at each evaluation.
    resume : bool
        Continue from the checkpoint in ``out``.
    facts : mapping, optional
        What else must be the same for a run to be continued, such as settings of the objectives.
    stop : callable, optional
        Asked after each step; True ends the run as Ctrl-C does.

    Raises
    ------
    UserError
        Where there is nothing to train on, the evaluator lacks the monitored metric, or the
        checkpoint belongs to another run.
    """
    settings = settings or Settings()
    model.prepare(sequences)
    if model.trains_on == "none":
        if resume:
            raise UserError(
                f"{model.name} is computed from the histories, so there is no run to resume; train "
                "without resume"
            )
        if out is not None:  # of a run that was here before
            for name in (checkpoint.NAME, logbook.NAME):
                (out / name).unlink(missing_ok=True)
        return FitResult(evaluator(model), 0, 0, 0, 0.0, "finished")
    if sequences.device.type == "cpu":
        keep_memory()
    run = _Run(model, sequences, loss, evaluator, objectives, settings, out, facts or {}, progress)
    with interruptible(stop) as stopped:
        if resume:
            run.restore()
        reason = run.loop(stopped)
    return run.result(reason)


class _Run:
    """State of one call of :func:`fit`."""

    def __init__(
        self,
        model: Backbone,
        sequences: Sequences,
        loss: Loss,
        evaluator: Evaluator,
        objectives: Sequence[Objective],
        settings: Settings,
        out: Path | None,
        facts: Mapping[str, Any],
        progress: Callable[[Report], None] | None,
    ) -> None:
        self.model, self.sequences, self.loss, self.evaluator = model, sequences, loss, evaluator
        self.settings, self.out, self.facts = settings, out, facts
        self.device = sequences.device
        self.objectives = nn.ModuleList(objectives).to(self.device)
        self.modules: dict[str, nn.Module] = {"model": model, "objectives": self.objectives}
        self.parameters = [
            p for module in self.modules.values() for p in module.parameters() if p.requires_grad
        ]
        self.optimiser = make_optimiser(self.parameters, settings)
        self.positions = settings.positions or model.trains_on
        self.rank, self.world = distributed.join(self.device)
        sequences.check_trainable(self.world)
        self.log = logbook.Logbook(out if self.rank == 0 else None, board=settings.tensorboard)
        self.terms_of = torch.compile(self._terms) if settings.compile else self._terms
        self.count = checkpoint.Counters()
        self.best = copy_of(self.modules)
        self.average = averaging.averaged(model, settings.average) if settings.average else None
        self.detail = ""
        self.progress = Progress(progress, settings.monitor)
        torch.manual_seed(settings.seed + self.rank)

    def loop(self, stopped: Callable[[], bool]) -> Reason:
        """Epochs of steps until something ends the run."""
        self.progress.start(self.count.step, self.count.seconds)
        first = self.settings.evaluate_first and not self.count.step
        return "diverged" if first and not self.evaluate() else self._epochs(stopped)

    def _epochs(self, stopped: Callable[[], bool]) -> Reason:
        count, settings = self.count, self.settings
        self.model.train()
        while not self._done() and count.epoch < settings.epochs:
            order = self.sequences.epoch(settings.seed, count.epoch, self.rank, self.world)
            batches = torch.split(order, settings.batch_size)
            for users in batches[count.batch :]:
                terms = self.step(users)
                if terms is None:
                    return "diverged"
                count.step, count.batch = count.step + 1, count.batch + 1
                if self.average is not None:
                    self.average.update_parameters(self.model)
                self.progress.stepped(count.step, count.epoch, terms, count.best)
                due = settings.evaluate_every and count.step % settings.evaluate_every == 0
                if due and not self.evaluate():
                    return "diverged"
                if distributed.any_true(stopped(), self.world, self.device):
                    self.save()
                    return "interrupted"
                if self._done():
                    break
            else:
                count.epoch, count.batch = count.epoch + 1, 0
                if settings.evaluate_every is None and not self.evaluate():
                    return "diverged"
        if count.evaluated != count.step and not self.evaluate():
            return "diverged"
        return "patience" if count.waited >= settings.patience else "finished"

    def step(self, users: Tensor) -> dict[str, Tensor] | None:
        """One optimiser step on a batch of users; None where the loss is not finite."""
        batch = self.sample(users)
        negatives = self.loss.draw(self.model.n_items, self.device)
        terms = self.terms_of(batch, negatives)
        total = torch.stack(list(terms.values())).sum()
        bad = not bool(torch.isfinite(total))
        if distributed.any_true(bad, self.world, self.device):
            values = ", ".join(f"{name} {float(value.detach()):g}" for name, value in terms.items())
            what = f"the loss is not a number at step {self.count.step + 1}"
            first = f"the batch starts with user_ix {int(users[0])}"
            self.detail = self._where(what, f"{values}; {first}")
            return None
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        distributed.average_gradients(self.parameters, self.world)
        if self.settings.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        self.optimiser.step()
        return terms

    def sample(self, users: Tensor) -> Batch:
        """A training batch of these users."""
        settings, length = self.settings, self.model.length
        if self.positions == "one":
            return self.sequences.one_target(users, length, at_least=settings.at_least)
        window, ahead = settings.window, settings.ahead
        batch = self.sequences.all_targets(users, length, window=window, ahead=ahead)
        return self.model.corrupt(batch)

    def _terms(self, batch: Batch, negatives: Tensor) -> dict[str, Tensor]:
        once = self.model.refined_once()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bf16), once:
            rows, encoded = encode_rows(self.model, batch, negatives)
            acting = self._acting()
            terms: dict[str, Tensor] = {}
            if self.settings.consistency > 0:
                again, _ = encode_rows(self.model, batch, negatives)
                terms["loss"] = self.loss.agreeing(rows, again, self.settings.consistency)
            elif not any(objective.replaces_loss for objective in acting):
                terms["loss"] = self.loss(rows)
            for objective in acting:
                terms |= objective(self.model, batch, encoded)
        return terms

    def _acting(self) -> list[Objective]:
        """The objectives of the next step: after the auxiliary steps, those of the model itself."""
        objectives = [cast(Objective, one) for one in self.objectives]
        last = self.settings.auxiliary_steps
        if last is None or self.count.step < last:
            return objectives
        own = self.model.default_objectives
        return [one for one in objectives if getattr(one, "name", "") in own]

    def evaluate(self) -> bool:
        """Measure the model, keep it if it is the best so far, save the state.

        False, and nothing is kept or saved, where weights or scores are not numbers any more.
        """
        count, monitor = self.count, self.settings.monitor
        self.progress.measure(count.step, count.epoch, count.best)
        measured = self.model if self.average is None else cast(Backbone, self.average.module)
        measured.eval()
        metrics = self._metrics(measured)
        lost = distributed.any_true(metrics is None, self.world, self.device)
        if lost or metrics is None:
            self.detail = self._where(f"weights or scores are not numbers after step {count.step}")
            return False
        if monitor not in metrics:
            raise UserError(f"no metric {monitor!r} to monitor; there are {', '.join(metrics)}")
        value = distributed.share(metrics[monitor], self.world, self.device)
        if count.best is None or value > count.best:
            count.best, count.best_step, count.waited = value, count.step, 0
            count.best_metrics = metrics
            self.best = copy_of({"model": measured, "objectives": self.objectives})
        else:
            count.waited += 1
        measured.train()
        count.evaluated = count.step
        terms = self.progress.last.terms
        self.log.write({"step": count.step, "epoch": count.epoch, "metrics": metrics}, terms)
        self.progress.evaluated(metrics, count.best)
        self.save()
        return True

    def _metrics(self, model: Backbone) -> dict[str, float] | None:
        """Figures of a model; None where its weights or scores are not numbers."""
        if not all_finite(model):
            return None
        if self.rank:
            return {self.settings.monitor: 0.0}
        try:
            with torch.no_grad(), model.refined_once():
                metrics = self.evaluator(model)
        except NotNumbersError:
            return None
        return metrics | ({LAST: float(self.count.step)} if self.settings.monitor == LAST else {})

    def save(self) -> None:
        """Write the checkpoint."""
        if self.out is not None and self.rank == 0:
            self.count.seconds = self.progress.seconds()
            tensors = checkpoint.pack(self.modules, self.optimiser, self.best)
            if self.average is not None:
                tensors |= averaging.tensors(self.average)
            facts = {"counters": asdict(self.count), "run": self._identity()}
            checkpoint.write(self.out / checkpoint.NAME, tensors, facts)

    def restore(self) -> None:
        """Continue from the checkpoint.

        Raises
        ------
        UserError
            Where there is none, or it was made with other settings or data.
        """
        if self.out is None:
            raise UserError("to resume, name the folder of the run")
        tensors, facts = checkpoint.read(self.out / checkpoint.NAME)
        checkpoint.refuse_other(self.out, self._identity(), facts["run"])
        self.best = checkpoint.unpack(tensors, self.modules, self.optimiser)
        self.count = checkpoint.Counters(**facts["counters"])
        if self.average is not None:
            averaging.restore(self.average, tensors, self.count.step)
        if self.rank:  # the file holds the first process's random state only
            torch.manual_seed(self.settings.seed + self.rank + 1_000_003 * self.count.step)
        self.log.resume(self.count.step)

    def result(self, reason: Reason) -> FitResult:
        """Put the best weights into model and objectives and say how the run went."""
        count = self.count
        if count.best is not None or reason == "diverged":
            for prefix, module in self.modules.items():
                module.load_state_dict(checkpoint.under(f"{prefix}.", self.best))
        self.model.eval()
        self.model.settle()
        if reason == "interrupted":
            kept = f"step {count.best_step}" if count.best is not None else f"step {count.step}"
            self.detail = (
                f"stopped at step {count.step} in epoch {count.epoch + 1}; the model of {kept} is "
                "kept, --resume continues"
            )
        return FitResult(
            count.best_metrics,
            count.best_step,
            count.step,
            count.epoch,
            self.progress.seconds(),
            reason,
            self.detail,
        )

    def _done(self) -> bool:
        steps, patience = self.settings.steps, self.settings.patience
        return (steps is not None and self.count.step >= steps) or self.count.waited >= patience

    def _identity(self) -> dict[str, object]:
        """What must be the same for a run to be continued."""
        free = {"epochs", "steps", "patience", "tensorboard"}
        data = self.sequences
        return {
            "backbone": self.model.name,
            **{f"backbone.{k}": v for k, v in self.model.config.model_dump().items()},
            **{f"training.{k}": v for k, v in self.settings.model_dump(exclude=free).items()},
            "loss": f"{type(self.loss).__name__} {self.loss.model_dump_json()}",
            "objectives": [type(objective).__name__ for objective in self.objectives],
            "items": data.n_items,
            "training interactions": len(data.items),
            "processes": self.world,
            **self.facts,
        }

    def _where(self, what: str, more: str = "") -> str:
        best = f"the model of step {self.count.best_step} is kept"
        kept = "no model was measured before, so none is kept" if self.count.best is None else best
        detail = f" ({more})" if more else ""
        return (
            f"{what} in epoch {self.count.epoch + 1}{detail}; {kept}; lower the learning rate or "
            "set a clip"
        )
