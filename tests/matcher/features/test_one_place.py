"""A feature is declared in one place: a copy of the source with one more trains with it and explains by it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("data", "knowledge_graph", "models", "matcher", "tests")
COLUMN = """    Attribute(
        "toy",
        "玩具特征",
        lambda pairs: {values},
        ("{column}",),
        lambda card: str(card["{column}"]),
        rising=True,
    ),
)
ATTRIBUTES ="""
EXISTING = "pairs.achievements.cards.trl[pairs.a] * 2.0"
NEW = "np.asarray(pairs.achievements.cards.table.column('rights').to_pylist(), dtype=np.float32)[pairs.a]"
SCRIPT = """
from dataclasses import replace
import numpy as np
from matcher.collection.filters import Filters
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.model import MatchingModel
from models.encoder.base import load_encoder
from models.ranking.ordinal import RankerParameters
from tests.matcher.worlds import make_world

world = make_world()
random = np.random.default_rng(0)
trl = random.integers(1, 10, len(world.achievements)).tolist()
achievements = [one.model_copy(update={"trl": level, "ip": "专利" * level}) for one, level in zip(world.achievements, trl)]
model = MatchingModel.build(achievements, world.demands, load_encoder("default"))
d, a = world.pairs()
grades = np.where(np.array(trl)[a] > 5, 3, 0).astype(np.int64)
table = model.label_free_table(PairBatch(model.demands.base, model.achievements.base, d, a))
assert "toy" in table.names
pairs = GradedPairs(d, a, grades, np.ones(len(d)))
parameters = RankerParameters(trees=30, learning_rate=0.1, min_data_in_leaf=5)
scorer = fit_scorer(model.demands.base, model.achievements.base, pairs, table, parameters=parameters)
assert scorer.ranker.importance()["toy"] > 0
answer = Engine(replace(model, scorer=scorer)).recommend_achievements(
    world.demands[0], filters=Filters.none(), explain=True, top=30
)
print([reason.text for match in answer.items for reason in match.reasons])
"""


def copy_of_the_source(folder: Path) -> None:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def declare(folder: Path, values: str, column: str) -> None:
    path = folder / "matcher" / "features" / "attributes.py"
    source = path.read_text(encoding="utf-8")
    assert source.count(")\nATTRIBUTES =") == 1
    path.write_text(source.replace(")\nATTRIBUTES =", COLUMN.format(values=values, column=column)), encoding="utf-8")


def add_column(folder: Path) -> None:
    path = folder / "matcher" / "collection" / "columns.py"
    source = path.read_text(encoding="utf-8")
    source = source.replace(
        '        ("published", pa.date32()),\n', '        ("published", pa.date32()), ("rights", pa.int64()),\n', 1
    )
    source = source.replace(
        '        "published": record',
        '        "rights": len(getattr(record, "ip", "")),\n        "published": record',
        1,
    )
    assert source.count("rights") == 2
    path.write_text(source, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("values", "column"), [(EXISTING, "trl"), (NEW, "rights")])
def test_a_feature_declared_in_one_file_is_trained_and_explained_with(tmp_path, values, column):
    copy_of_the_source(tmp_path)
    declare(tmp_path, values, column)
    if column == "rights":
        add_column(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "玩具特征" in run.stdout
