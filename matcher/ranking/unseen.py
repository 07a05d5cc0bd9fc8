"""What a probability is worth of a pair that lists never showed its demand."""

import numpy as np
from numpy.typing import NDArray

from models.ranking.calibration import IsotonicCalibration

LEAST = 1e-3  # as of any calibrated probability


def unseen_probability(
    if_shown: NDArray[np.float64], left: NDArray[np.float64], exposure: IsotonicCalibration
) -> NDArray[np.float64]:
    """Return (n,) how likely unseen pairs are good, by how likely they would be if they had been shown.

    `exposure` tells what such a pair is worth where nothing was shown yet: by its ratio to `if_shown` a search would come to
    show the pair. Where all but `left` (n,) of what it would show is known, that is less likely, by Bayes' rule; what it would
    never show is not good.
    """
    new = np.minimum(exposure.predict(if_shown), if_shown)
    comes = new / np.maximum(if_shown, LEAST)
    never = 1.0 - comes
    still = comes * left / np.maximum(comes * left + never, 1e-12)
    return np.maximum(if_shown * still, LEAST)
