"""A feature is declared in one place: a copy of the source with some more trains, explains and documents by them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.some import some

ROOT = Path(__file__).parents[3]
PACKAGES = ("data", "knowledge_graph", "models", "matcher", "training", "eval", "tests")
DECLARATION = """    Attribute(
        name="toy_{name}",
        label="玩具特征{name}",
        read=lambda pairs: {values},
        monotone=True,
        {quoted}
    ),
"""
QUOTED = 'columns=("{column}",), as_text=lambda card: str(card["{column}"]),'
OF_RECORDS = {
    "record": ("pairs.achievements.cards.trl[pairs.a] * 2.0", QUOTED.format(column="trl")),
    "text": ("np.diff(pairs.achievements.texts.full.words.indptr)[pairs.a].astype(np.float32)", ""),
    "graph": ("pairs.achievements.graph.money[pairs.a]", ""),
}
NEW_COLUMN = {
    "column": (
        "np.asarray(pairs.achievements.cards.table.column('rights').to_pylist(), dtype=np.float32)[pairs.a]",
        QUOTED.format(column="rights"),
    )
}
SCRIPT = """
import sys
from dataclasses import replace
import numpy as np
from matcher.collection.filters import Filters
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.features.document import feature_document
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import fit_scorer
from matcher.model import MatchingModel
from models.encoder.base import load_encoder
from models.ranking.ordinal import RankerParameters
from tests.matcher.worlds import TOPICS, make_world
from training.candidate.model_card import labelled


toys = ["toy_" + name for name in sys.argv[1:]]
world = make_world()
random = np.random.default_rng(0)
trl = random.integers(1, 10, len(world.achievements)).tolist()
more = "，".join(topic[7] for topic in TOPICS)
achievements = [
    one.model_copy(
        update={"trl": n, "ip": "专利" * n, "price_max": float(n), "content": one.content + (more if n > 5 else "")}
    )
    for one, n in zip(world.achievements, trl)
]
model = MatchingModel.build(achievements, world.demands, load_encoder("default"))
d, a = world.pairs()
grades = np.where(np.array(trl)[a] > 5, 3, 0).astype(np.int64)
table = model.label_free_table(PairBatch(model.demands.base, model.achievements.base, d, a))
assert set(toys) <= set(table.names)
pairs = GradedPairs(d, a, grades, np.ones(len(d)))
parameters = RankerParameters(trees=40, learning_rate=0.1, min_data_in_leaf=5)
scorer = fit_scorer(model.demands.base, model.achievements.base, pairs, table, parameters=parameters)
importance = scorer.ranker.importance()
assert all(importance[toy] > 0 for toy in toys), importance
engine = Engine(replace(model, scorer=scorer))
answers = [engine.recommend_achievements(one, filters=Filters.none(), explain=True, top=30) for one in world.demands[:8]]
print([reason.text for answer in answers for match in answer.items for reason in match.reasons])
print([labelled(toy) for toy in toys])
print(feature_document())
"""


def copy_of_the_source(folder: Path) -> None:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name)  # with what is compiled already


def declare(folder: Path, toys: dict[str, tuple[str, str]]) -> None:
    path = folder / "matcher" / "features" / "attributes.py"
    source = path.read_text(encoding="utf-8")
    assert source.count(")\nATTRIBUTES =") == 1
    more = "".join(DECLARATION.format(name=name, values=read, quoted=quoted) for name, (read, quoted) in toys.items())
    path.write_text(source.replace(")\nATTRIBUTES =", f"{more})\nATTRIBUTES ="), encoding="utf-8")


def add_column(folder: Path) -> None:
    path = folder / "matcher" / "collection" / "card_row.py"
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
def test_declared_features_are_trained_explained_and_documented_with(tmp_path):
    """Three of existing columns take one file, one of a column that is new takes two."""
    toys = OF_RECORDS | NEW_COLUMN
    copy_of_the_source(tmp_path)
    declare(tmp_path, toys)
    add_column(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *toys],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    reasons, card, document = run.stdout.split("\n", 2)
    for name in some(toys):
        assert f"玩具特征{name}" in reasons
        assert f"toy_{name} (玩具特征{name})" in card
        assert f"| `toy_{name}` | 玩具特征{name} | toy_{name} | yes |" in document
