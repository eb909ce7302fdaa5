"""Gains of asking a language model about cases by their difficulty, kept as logarithms.

ALKDRec (arXiv 2502.15685) gives the case of rank r among the hardest the gain ``r^-mu`` where the
answer is effective, half of that where it is like the teacher's, and a loss of half of it where it
is wrong. With its mu of 10 the gains of 200 cases span 23 powers of ten, and 7,000 cases 38, so
everything here stays in log space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = NDArray[np.float64]


class GainSettings(BaseModel):
    """What is assumed of a language model's answers.

    Attributes
    ----------
    mu
        How fast gains fall with the rank; 10 in the paper. With it the hardest cases are so
        important that an adversary spoils them, and nearly easy cases are drawn; .25 to 2 spread.
    effective, similar, incorrect
        Proportions of answers that help, that say what the teacher says, and that mislead; the
        paper's search found 1 : 5 : 4.
    similar_gain, incorrect_loss
        What these two are worth, as a share of the gain of an effective answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mu: float = Field(10.0, ge=0)
    effective: float = Field(1.0, ge=0)
    similar: float = Field(5.0, ge=0)
    incorrect: float = Field(4.0, ge=0)
    similar_gain: float = Field(0.5, ge=0, le=1)
    incorrect_loss: float = Field(0.5, ge=0)

    @model_validator(mode="after")
    def _worth_asking(self) -> GainSettings:
        gain = self.effective + self.similar_gain * self.similar
        if gain <= self.incorrect_loss * self.incorrect:
            raise ValueError(
                "with these proportions answers mislead more than they help, whatever is asked; "
                "effective + similar_gain x similar must be more than incorrect_loss x incorrect"
            )
        return self

    def counts(self, n: int) -> tuple[int, int, int]:
        """How many of n answers are effective, similar and incorrect."""
        whole = self.effective + self.similar + self.incorrect
        similar = round(n * self.similar / whole)
        incorrect = min(n - similar, round(n * self.incorrect / whole))
        return n - similar - incorrect, similar, incorrect


@dataclass(frozen=True)
class Gains:
    """The cases that are left, the hardest first.

    Attributes
    ----------
    logs
        float64 ``[n]``, logarithms of the gains of effective answers, descending.
    settings
        What the other answers are worth.
    counts
        How many answers are taken to be effective, similar and incorrect; together n.
    """

    logs: Floats
    settings: GainSettings
    counts: tuple[int, int, int]

    @classmethod
    def by_rank(cls, n: int, settings: GainSettings) -> Gains:
        """Gains of n cases by their rank of difficulty."""
        logs = -settings.mu * np.log(np.arange(1, n + 1, dtype=np.float64))
        return cls(logs, settings, settings.counts(n))

    def without(self, place: int) -> Gains:
        """What is left once the case at a place is drawn; the proportions stay."""
        logs = np.delete(self.logs, place)
        return Gains(logs, self.settings, self.settings.counts(len(logs)))

    @property
    def worths(self) -> Floats:
        """What answers are worth as shares of a case's gain, the worst first, float64 ``[n]``."""
        effective, similar, incorrect = self.counts
        values = (-self.settings.incorrect_loss, self.settings.similar_gain, 1.0)
        return np.repeat(values, (incorrect, similar, effective))

    def worst(self, probabilities: Floats) -> float:
        """What an adversary leaves, who deals the answers knowing the probabilities.

        The largest ``p_s g_s`` get the wrong answers, the smallest the effective ones.
        """
        stakes = np.sort(probabilities * np.exp(self.logs))[::-1]
        return float(stakes @ self.worths)
