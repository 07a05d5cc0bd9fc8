"""Providers with a true quality, their evaluations, and when they were last active; self-ratings, bursts, sleepers planted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from data.quality.ratings import BURST, SCALES, Evaluation, Suspicion

ACTIVE_WITHIN = 150  # days
ASLEEP_FOR = (181, 700)


@dataclass(frozen=True)
class SimulatedProviders:
    """What was simulated, and the truth about it: `planted` by token, `dormant` names, `quality` by name."""

    names: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    last_active: dict[str, datetime]
    quality: dict[str, float]
    planted: dict[str, Suspicion]
    dormant: frozenset[str]


def simulate_providers(
    number: int, seed: int, now: datetime, *, dormant: float = 0.18, evaluators: int = 40
) -> SimulatedProviders:
    """Simulate `number` providers as of `now`; the same arguments give the same, `dormant` is the exact share asleep.

    One provider in ten rates itself, one in ten is praised by five to eight firms within two days that rate nobody else.
    """
    random = np.random.default_rng(seed)
    names = tuple(f"服务机构{place:04}有限公司" for place in range(number))
    asleep = frozenset(names[place] for place in random.permutation(number)[: round(dormant * number)].tolist())
    quality = dict(zip(names, random.uniform(1.5, 4.8, number).round(3).tolist(), strict=True))
    last_active: dict[str, datetime] = {}
    evaluations: list[Evaluation] = []
    planted: dict[str, Suspicion] = {}
    for place, name in enumerate(names):
        span = ASLEEP_FOR if name in asleep else (0, ACTIVE_WITHIN)
        last = now - timedelta(days=float(random.uniform(*span)))
        last_active[name] = last
        raters = random.permutation(evaluators)[: random.integers(0, 13)].tolist()
        for rater in raters:
            at = last - timedelta(days=float(random.uniform(0, 400)))
            scores = {scale: int(np.clip(round(random.normal(quality[name], 0.7)), 1, 5)) for scale in SCALES}
            evaluations.append(Evaluation(f"E{len(evaluations):06}", name, f"需求企业{rater:03}", scores, at))
        if place % 10 == 3:
            token = f"E{len(evaluations):06}"
            evaluations.append(
                Evaluation(token, name, name.replace("有限公司", "（有限公司）"), dict.fromkeys(SCALES, 5), last)
            )
            planted[token] = "self"
        if place % 10 == 7:
            begin = last - timedelta(days=float(random.uniform(3, 60)))
            for friend in range(int(random.integers(BURST, BURST + 4))):
                token = f"E{len(evaluations):06}"
                at = begin + timedelta(hours=float(random.uniform(0, 40)))
                scores = {scale: int(random.integers(4, 6)) for scale in SCALES}
                evaluations.append(Evaluation(token, name, f"友好企业{place:04}-{friend}", scores, at))
                planted[token] = "burst"
    # Every evaluator that is no plant rates several providers, as firms do that use a platform.
    return SimulatedProviders(names, tuple(evaluations), last_active, quality, planted, asleep)
