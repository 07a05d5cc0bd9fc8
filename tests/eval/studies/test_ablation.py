"""What a group of features is worth, where the answer is known: levels that one graph signal alone tells."""

from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError
from data.files.judged import JudgedPairs
from data.settings import Settings
from eval.commands.evaluate import TITLES, show_ablation
from eval.metrics.bootstrap import METRICS
from eval.offline.parts import PARTS, WHOLE
from eval.offline.systems import build_corpus
from eval.studies.ablation import ablations
from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.features.table import FeatureTable
from models.ranking.ordinal import RankerParameters
from tests.matcher.worlds import make_world
from tests.some import some

QUICK = RankerParameters(trees=30, learning_rate=0.1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Half of all pairs of 20 demands and 30 achievements with levels drawn at random; the texts tell nothing about them.

    The first signal of the graph is replaced by the level, blurred.
    """
    world = make_world(20, 30)
    random = np.random.default_rng(5)
    d, a = world.pairs()
    rows = np.flatnonzero(random.random(len(d)) < 0.5)
    levels = random.integers(1, 5, len(rows))
    pairs = JudgedPairs(tuple(world.demands), tuple(world.achievements), d[rows], a[rows], levels)
    built = build_corpus(pairs, Settings(home=tmp_path_factory.mktemp("home"), threads=1))
    values = built.table.values.copy()
    values[:, built.table.names.index(SIGNAL_NAMES[0])] = levels + random.normal(0, 0.3, len(rows))
    return replace(built, table=FeatureTable(values, built.table.names))


@pytest.fixture(scope="module")
def found(corpus):
    """The worth of the graph, of attributes, and of a part that is nothing."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(PARTS, "context", WHOLE)
        return dict(ablations(corpus, ["graph", "attributes", "context"], parameters=QUICK))


@pytest.fixture(scope="module")
def graph_ablation(found):
    return found["graph"]


def test_without_the_decisive_feature_the_ranker_knows_nothing(graph_ablation):
    assert set(graph_ablation) == set(METRICS)
    for name in ("auc2", "auc3"):
        figure = graph_ablation[name]
        assert figure.complete.value > 0.9
        assert figure.without.value == pytest.approx(0.5, abs=0.12)
        assert figure.lift.low > 0.25
    assert graph_ablation["score"].lift.low > 0
    assert graph_ablation["ndcg10"].lift.low > 0


def test_the_lift_is_the_difference(graph_ablation):
    for figure in some(graph_ablation.values()):
        assert figure.lift.value == pytest.approx(figure.complete.value - figure.without.value)
        assert figure.lift.low <= figure.lift.value <= figure.lift.high


def test_features_that_tell_nothing_bring_no_order(found):
    lift = found["attributes"]["auc2"].lift
    assert abs(lift.value) < 0.05
    assert lift.low < 0.02


def test_the_draws_are_paired(found):
    figures = found["context"]
    assert figures["score"].complete.low < figures["score"].complete.high
    for figure in figures.values():
        assert (figure.lift.low, figure.lift.value, figure.lift.high) == (0, 0, 0)  # own draws would differ


def test_an_unknown_group_is_refused(corpus):
    with pytest.raises(InputError, match="part 'grpah' is unknown; judged pairs show: graph, attributes, context"):
        list(ablations(corpus, ["grpah"]))


def test_what_the_command_prints(graph_ablation, capsys):
    show_ablation(graph_ablation, "graph")
    shown = capsys.readouterr().out
    assert all(title in shown for title in TITLES.values())
    assert f"{graph_ablation['score'].lift.value:+.4f}" in shown
