"""How figures and phrases are put into words; shared by both sides."""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

from data.simulator.lexicon import Indicator

T = TypeVar("T")


def one_of(rng: random.Random, options: Sequence[T]) -> T:
    """Return one of the options; faster than `random.choice`, which matters for millions of draws."""
    return options[int(rng.random() * len(options))]


def some_of(rng: random.Random, options: Sequence[T], count: int) -> list[T]:
    """Return up to `count` different options in random order."""
    return rng.sample(options, min(count, len(options)))


def value_of(indicator: Indicator, goodness: float) -> str:
    """Return the figure, in the indicator's unit, that represents goodness in [0, 1].

    Ranges that span more than a factor of twenty are read on a logarithmic scale.
    """
    share = goodness if indicator.more_is_better else 1.0 - goodness
    low, high = indicator.low, indicator.high
    if low > 0 and high / low > 20:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    step = (high - low) / 40 if high / max(low, 1e-9) <= 20 or low <= 0 else value / 10
    digits = max(0, -math.floor(math.log10(step))) if step < 1 else 0
    if digits:
        return f"{value:.{digits}f}".rstrip("0").rstrip(".")
    unit = 10 ** math.floor(math.log10(step))
    return str(round(value / unit) * unit)


def sentence_end(text: str) -> str:
    """Return the text with exactly one full stop."""
    return text.rstrip("。；，") + "。"


def clean_join(parts: Sequence[str], separator: str) -> str:
    """Join what is not empty."""
    return separator.join(part for part in parts if part)
