"""Graded text pairs: read, ordered by systems that know no grade, and refused where nothing can be ordered."""

import pytest

from data.errors import InputError
from data.settings import Settings
from eval.offline.graded import graded_figures, load_graded
from tests.matcher.worlds import make_world


@pytest.fixture
def table(tmp_path):
    """Pairs of a world's titles with contents: grade 2 on the same topic, else 0; one text is empty."""
    world = make_world(18, 24)
    lines = ["query,title,label_0_2", ",无,1"]
    for d, a in zip(*world.pairs(), strict=True):
        grade = 2 * int(world.demand_topic[d] == world.achievement_topic[a])
        lines.append(f"{world.demands[d].title},{world.achievements[a].title},{grade}")
    path = tmp_path / "graded.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_systems_order_pairs_of_one_topic_first(table, tmp_path):
    texts = load_graded(table)
    assert len(texts) == 18 * 24
    figures = graded_figures(texts, Settings(home=tmp_path, threads=1))
    assert set(figures) >= {"random", "bm25", "grams", "encoder"}
    for by_metric in figures.values():
        assert set(by_metric) == {"auc2", "ndcg10"}
    assert figures["random"]["auc2"]["value"] == pytest.approx(0.5, abs=0.1)
    for name in ("bm25", "grams", "encoder"):
        assert figures[name]["auc2"]["low"] > 0.6
        assert figures[name]["ndcg10"]["value"] > 0.6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query,title\na,b\n", "label_0_2"),
        ("query,title,label_0_2\n风电,叶片,x\n", "not a whole number"),
        ("query,title,label_0_2\n风电,叶片,1\n风电,轴承,1\n", "fewer than 2 different grades"),
    ],
)
def test_a_table_that_orders_nothing_is_refused(tmp_path, text, said):
    path = tmp_path / "graded.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load_graded(path)
