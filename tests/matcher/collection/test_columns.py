"""Columns taken, put together and sent to another process say what columns read from the records say."""

import pickle

import numpy as np
import pytest

from matcher.collection.columns import RecordColumns
from tests.some import some

DERIVED = ("trl", "money_min", "money_max", "published", "owners", "text_ids", "region", "fields", "mode_flags")


@pytest.fixture(scope="module")
def records(known):
    """Records of which every second states how mature it is, what it costs, where it is."""
    stated = {"trl": 7, "price_min": 12.5, "price_max": 30.0, "region": "410100", "industries": ["4620"]}
    return [one.model_copy(update=stated if row % 2 else {}) for row, one in enumerate(known.world.achievements[:12])]


@pytest.fixture(scope="module")
def columns(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("columns") / "cards"
    RecordColumns.from_records(records).save(folder)
    return RecordColumns.load(folder)  # with what follows from the table at hand


def says(columns):
    return {name: str(np.asarray(getattr(columns, name)).tolist()) for name in DERIVED} | {
        "prefixes": columns.industry_prefixes.toarray()[:, :4096].tolist(),
        "cards": [columns.card(row) for row in range(len(columns))],
    }


@pytest.mark.parametrize("rows", [[3, 1, 7], [5], [], [2, 2, 0]], ids=str)
def test_rows_taken_say_what_they_said(records, columns, rows):
    chosen = np.array(rows, dtype=np.int64)
    expected = says(RecordColumns.from_records([records[row] for row in rows]))
    apart = columns.apart(chosen)
    for made in some([apart, columns.take(chosen), pickle.loads(pickle.dumps(apart)), RecordColumns(apart.table)]):
        found = says(made)
        assert {name: found[name] for name in found if name not in ("owners", "text_ids")} == {
            name: expected[name] for name in expected if name not in ("owners", "text_ids")
        }
        assert grouped(made.owners) == grouped(RecordColumns(made.table).owners)


def test_parts_put_together_say_what_the_whole_does(records, columns):
    halves = [columns.apart(np.arange(5)), RecordColumns.from_records(records[5:9])]
    assert says(RecordColumns.concat(halves)) == says(RecordColumns.from_records(records[:9]))
    both = [columns.apart(np.arange(5)), columns.apart(np.arange(5, 9))]
    assert says(RecordColumns.concat(both)) == says(RecordColumns.from_records(records[:9]))


def grouped(numbers):
    """Return which rows have the same number, -1 apart."""
    return [[one >= 0 and one == other for other in numbers] for one in numbers]
