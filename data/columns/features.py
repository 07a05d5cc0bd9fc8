"""What a feature of pairs is: declared once, where it is computed, for training, reasons, documents and the model card."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column of the feature table.

    `group` is the reason that its contributions are summed in. The ranker is fitted so that more of a `monotone` one never
    lowers a grade. Features that one function computes together are declared as a tuple in the order of its columns.
    """

    name: str
    label: str  # Chinese
    group: str
    monotone: bool = False


def declare(group: str, labels: dict[str, str], monotone: Iterable[str] = ()) -> tuple[Feature, ...]:
    """Return the features of one group, in the order of their `labels` by name."""
    rising = frozenset(monotone)
    return tuple(
        Feature(name=name, label=label, group=group, monotone=name in rising) for name, label in labels.items()
    )


def names_of(features: Iterable[Feature]) -> tuple[str, ...]:
    """Return the names, in order."""
    return tuple(feature.name for feature in features)
