"""What an interleaved answer says of itself: the verdict of the bundle that is surer."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from data.store.store import Store
from eval.online.experiments import Experiment, Mode
from matcher.bundle import read_manifest
from matcher.engine import Engine
from matcher.ranking.verdict import AnswerThreshold
from serving.runtime.experiments import Running
from serving.runtime.live import LiveModel


def live(platform, model, least, version):
    """Return a live model whose threshold of answering is `least`."""
    threshold = AnswerThreshold(probability=least, target=0.4, risk=0.3, coverage=0.5, demands=40)
    scorer = replace(model.scorer, threshold=threshold)
    return LiveModel(read_manifest(platform.trained), Engine(replace(model, version=version, scorer=scorer)))


@pytest.mark.parametrize(("ours", "theirs"), [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_an_interleaved_answer_agrees_with_its_verdict(platform, model, ours, theirs):
    with Store.open(platform.settings.store_url) as store:
        demand = next(iter(store.demands()))
    champion, challenger = live(platform, model, ours, "one"), live(platform, model, theirs, "two")
    experiment = Experiment(
        name="e", mode=Mode.INTERLEAVE, champion="one", challenger="two", share=0.5, started_at=datetime.now(UTC)
    )
    ask = lambda engine: engine.recommend_achievements(demand, top=5)  # noqa: E731
    served = Running(experiment, challenger).serve(champion, demand, "r", 5, ask).recommendation
    assert served.answered == (min(ours, theirs) == 0.0)
    assert served.verdict.answered == served.answered
    assert bool(served.message) == (not served.answered)
