"""Writes docs/features.md from the declarations: `python -m matcher.features.document >docs/features.md`."""

import sys
from collections.abc import Iterable

from data.columns.features import Feature
from knowledge_graph.reading.signals import SIGNALS
from matcher.features.attributes import DECLARED
from matcher.features.table import FEATURES
from matcher.history.features import HISTORY_FEATURES
from matcher.texts.similarities import SIMILARITY_FEATURES


def feature_document() -> str:
    """Return the page that lists every feature with its label, its reason group, and whether it is monotone."""
    return f"""# Features

The ranker reads {len(FEATURES)} features of a pair. Each is declared once, where it is computed; training, reasons, the
model card and this page take name, Chinese label, reason group and monotonicity from the declaration
(`python -m matcher.features.document >docs/features.md` writes the page, a test compares). More of a monotone feature never
lowers a grade. A new feature that reads records, texts or graph rows is one more `Attribute` in
`matcher/features/attributes.py`; one that reads a new column of records also names it in `matcher/collection/card_row.py`.

## Texts

Computed together in `matcher/texts/similarities.py`. Each is in the table five times: as it is; standardised by the
demand's and by the achievement's similarities to fixed reference records (`…_for_demand`, `…_for_achievement`); and the means
of these (`…_typical_demand`, `…_typical_achievement`).

{_table(SIMILARITY_FEATURES)}

## Records

Read one by one in `matcher/features/attributes.py`.

{_table(DECLARED)}

## Knowledge graph

Computed together in `knowledge_graph/reading/signals.py`.

{_table(SIGNALS)}

## History

Computed together from outcomes known at the time, in `matcher/history`.

{_table(HISTORY_FEATURES)}
"""


def _table(features: Iterable[Feature]) -> str:
    rows = [f"| `{one.name}` | {one.label} | {one.group} | {'yes' if one.monotone else ''} |" for one in features]
    return "\n".join(["| feature | label | reason group | monotone |", "| --- | --- | --- | --- |", *rows])


if __name__ == "__main__":
    sys.stdout.write(feature_document())
