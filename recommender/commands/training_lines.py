"""What ``recommender train`` prints: how the run stands, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.cold.finish import Chosen
    from recommender.trained import TrainResult
    from recommender.training.progress import Report


def training_document(result: TrainResult, out: Path) -> dict[str, object]:
    """Give what came of a training, as ``--json`` prints it."""
    fit = result.fit
    document: dict[str, object] = {
        "model": str(out),
        "backbone": result.model.name,
        "steps": fit.steps,
        "best_step": fit.best_step,
        "seconds": round(fit.seconds, 3),
        "reason": fit.reason,
        "valid": fit.metrics,
    }
    if result.started is not None:
        document["start"] = result.started.to_json()
    if result.texts is not None:
        document["texts beside"] = result.texts.to_json()
    return document


def training_lines(result: TrainResult, out: Path) -> list[str]:
    """Tell what came of a training: the best step, what validation users had, what texts count."""
    from recommender.evaluation.validation import LAST

    fit = result.fit
    learned = getattr(result.model, "base", result.model)  # beside the texts, where they are
    named = learned.name if learned is result.model else f"{learned.name} with the texts beside it"
    if learned.trains_on == "none":
        lines = [f"{out}: {named}, counted"]
    else:
        lines = [f"{out}: {named}, best at step {fit.best_step} of {fit.steps} ({fit.reason})"]
    if result.started is not None:
        lines.append(result.started.in_words())
    measured = {name: value for name, value in fit.metrics.items() if name != LAST}
    figures = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
    lines.append(f"validation: {figures or 'nothing is held back, so the last weights are kept'}")
    return lines if result.texts is None else lines + text_lines(result.texts)


def text_lines(chosen: Chosen) -> list[str]:
    """How much texts count beside what was learned, as validation users had it."""
    lines = []
    if chosen.recall is not None:
        lines.append(
            f"texts beside it: share {chosen.share:g} of the spread, recall@50 {chosen.recall:.4f}"
        )
    if chosen.cold_recall is not None:
        lines.append(
            f"new items: share {chosen.cold_share:g}, penalty {chosen.penalty:g}, "
            f"recall@50 {chosen.cold_recall:.4f} as if every item was new"
        )
    return lines


def progress_line(state: Report) -> str:
    """Step, losses, the monitored metric where it was just measured, its best, the rate."""
    from recommender.evaluation.validation import LAST

    terms = ", ".join(f"{term} {loss:.4f}" for term, loss in state.terms.items())
    parts = [f"step {state.step:,}, epoch {state.epoch + 1}{': ' if terms else ''}{terms}"]
    measured = state.monitor != LAST  # else nothing is held back to measure on
    if measured and state.metrics is not None:
        value = state.metrics[state.monitor]
        best = state.best if state.best is not None else value
        parts.append(f"{state.monitor} {value:.4f} (best {best:.4f})")
    elif measured and state.best is not None:
        parts.append(f"best {state.monitor} {state.best:.4f}")
    return "; ".join([*parts, f"{state.steps_per_second:.0f} steps/s"])
