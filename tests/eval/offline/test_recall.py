"""Recall of the channels on a platform small enough to know the answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
from data.files.judged import JudgedPairs
from data.records import Achievement, Demand
from data.settings import Settings
from eval.offline.recall import judged_relevant, retrieval_recall, true_relevant
from eval.offline.systems import build_corpus
from matcher.ranking.channels import fuse

SLUDGE, BATTERY = "污泥干化脱水压滤机", "锂电池隔膜正极材料电解液"
NAMES = ("dense", "lexical", "graph", "rrf", "weighted", "rrf_graph", "union", "union_graph")


@pytest.fixture(scope="module")
def pairs() -> JudgedPairs:
    """Two demands about sludge and one about batteries; 10 achievements about sludge, then 290 about batteries."""
    demands = [
        Demand(demand_id="D0", title=SLUDGE, content="污泥含水率高，需要干化脱水。"),
        Demand(demand_id="D1", title="压滤机", content="污泥脱水压滤机。"),
        Demand(demand_id="D2", title=BATTERY, content="锂电池隔膜与电解液。"),
    ]
    achievements = [
        Achievement(
            achievement_id=f"A{row}",
            title=f"{SLUDGE if row < 10 else BATTERY}",
            content=f"{'污泥干化脱水' if row < 10 else '正极材料电解液'}第{row}号",
        )
        for row in range(300)
    ]
    judged = [(0, 0, 4), (0, 299, 3), (0, 1, 2), (1, 2, 4), (1, 2, 4), (2, 20, 1)]
    d, a, levels = (np.array(column, dtype=np.int64) for column in zip(*judged, strict=True))
    return JudgedPairs(tuple(demands), tuple(achievements), d, a, levels)


@pytest.fixture(scope="module")
def corpus(pairs, tmp_path_factory):
    return build_corpus(pairs, Settings(home=tmp_path_factory.mktemp("home"), threads=1))


def test_relevant_is_what_experts_graded_three_or_four(pairs):
    assert judged_relevant(pairs) == {0: {0, 299}, 1: {2}}


def test_recall_is_the_known_share(corpus, pairs):
    # A299 shares no word and no term with the demand D0: half of D0's relevant ones can be found by words, all of D1's
    table = retrieval_recall(corpus, judged_relevant(pairs))
    assert tuple(table) == NAMES
    for name in ("lexical", "graph"):
        for depth in ("recall100", "recall300"):
            figure = table[name][depth]
            assert (figure.value, figure.low, figure.high) == (0.75, 0.5, 1.0)
    assert table["dense"]["recall300"].value == 1.0  # 300 deep is everything there is
    for name in NAMES:
        assert table[name]["recall100"].value <= table[name]["recall300"].value


def test_a_fused_channel_loses_nothing_that_one_of_its_parts_found(corpus, pairs):
    table = retrieval_recall(corpus, {0: {0, 299}, 1: {2, 3}, 2: {10, 100, 299}})
    for fused, parts in {
        "rrf": ("dense", "lexical"),
        "weighted": ("dense", "lexical"),
        "rrf_graph": ("dense", "lexical", "graph"),
    }.items():
        assert table[fused]["recall300"].value == max(table[name]["recall300"].value for name in parts) == 1.0


@given(st.dictionaries(st.sampled_from(["dense", "lexical", "graph"]), st.sets(st.integers(0, 30)), min_size=1))
def test_fusion_is_the_union_of_the_channels(found):
    rows = {name: np.array(list(proposed), dtype=np.int64) for name, proposed in found.items()}
    fused = fuse(rows)
    assert len(fused.rows) == len(set(fused.rows.tolist()))
    assert set(fused.rows.tolist()) == set().union(*found.values())
    assert (np.diff(fused.fused) <= 0).all()
    for place, row in enumerate(fused.rows.tolist()):
        assert set(fused.proposed_by(place)) == {name for name, proposed in found.items() if row in proposed}


def test_of_too_many_demands_a_fixed_sample_is_taken(corpus):
    relevant = {0: {299}, 1: {2}, 2: {20}}
    (one, other) = (retrieval_recall(corpus, relevant, max_demands=1) for _ in range(2))
    assert one == other
    assert one["lexical"]["recall100"].value in (0.0, 1.0)  # of one demand, not an average


def test_nothing_relevant_is_refused(corpus):
    with pytest.raises(InputError, match="no demand has a relevant achievement"):
        retrieval_recall(corpus, {})


def test_the_simulators_truth_is_read_from_its_grade_on(pairs, tmp_path):
    path = tmp_path / "relevance.csv"
    path.write_text("demand_id,achievement_id,grade\nD0,A3,4\nD0,A4,3\nD2,A10,4\nD0,A5,4\n", encoding="utf-8")
    assert true_relevant(pairs, path) == {0: {3, 5}, 2: {10}}
    assert true_relevant(pairs, path, grade=3)[0] == {3, 4, 5}
    with pytest.raises(InputError, match="does not exist; `gongxu lab simulate` writes"):
        true_relevant(pairs, tmp_path / "none.csv")
