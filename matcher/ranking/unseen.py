"""What a probability is worth of a pair that lists never showed its demand."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.ranking.calibration import IsotonicCalibration

LEAST = 1e-3  # as of any calibrated probability
_STEPS = 4096


@dataclass(frozen=True)
class Exposure:
    """What a log's lists tell of pairs that they never showed.

    `comes` leads from the probability of a pair, if it were shown, to the part of it that a search would come to show.
    `missed` is the share of the good pairs that it cannot have shown, as its lists are shorter than their number.
    """

    comes: IsotonicCalibration
    missed: float = 0.0

    def unseen(self, if_shown: NDArray[np.float64], left: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) how likely unseen pairs are good, by how likely they would be if they had been shown.

        Where all but `left` (n,) of what a search would show is known, it is less likely that it comes to show the pair,
        by Bayes' rule; what it would never show is worth `never_shown`.
        """
        new = np.minimum(self.comes.predict(if_shown), if_shown)
        share = new / np.maximum(if_shown, LEAST)
        still = share * left / np.maximum(share * left + 1.0 - share, 1e-12)
        return np.maximum(if_shown * still + self.never_shown(if_shown) * (1.0 - still), LEAST)

    def never_shown(self, if_shown: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) how likely pairs are good that a search would never show: it misses all bad ones and some good ones."""
        passed_over = self.missed * if_shown
        return np.asarray(passed_over / np.maximum(passed_over + 1.0 - if_shown, 1e-12), dtype=np.float64)

    def if_shown(self, probability: float) -> float:
        """Return what the probability of a pair of a demand that was shown nothing would be if the pair had been shown."""
        grid = np.union1d(self.comes.scores_, np.linspace(0.0, 1.0, _STEPS + 1))
        grid = grid[(grid >= 0) & (grid <= 1)]
        worth = np.maximum.accumulate(self.unseen(grid, np.ones(len(grid))))
        return max(probability, float(np.interp(probability, worth, grid)))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        self.comes.save(path)
        state = json.loads(path.read_text(encoding="utf-8")) | {"missed": self.missed}
        path.write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; what was written before `missed` was learned has none."""
        return cls(
            IsotonicCalibration.load(path), float(json.loads(path.read_text(encoding="utf-8")).get("missed", 0.0))
        )
