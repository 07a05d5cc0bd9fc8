"""Whether rewritings of demands help: lists for held-out demands with and without the candidates that they propose."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from data.errors import InputError
from data.records import EventKind
from data.settings import Settings
from data.store.store import Store
from eval.metrics.bootstrap import RESAMPLES, Estimate, mean_samples, resample_weights, summarise
from eval.served.lists import DEPTH, ServedList
from eval.served.metrics import list_figures
from eval.served.task import GOOD_MEAN
from matcher.engine import Engine
from matcher.loading import stored_demands
from matcher.rescoring import require_scorer
from matcher.rewriting.gate import RewriteGate
from matcher.rewriting.queries import PROMPT, ask_queries
from models.remote.chat import ChatModel
from training.outcomes.holdout import demand_marks
from training.versions.candidates import without_held_out

LEAST_DEMANDS = 10
METRICS = ("ndcg10", "recall50")


@dataclass(frozen=True)
class RewriteStudy:
    """Figures of lists for `demands` held-out demands without and with rewriting, and the paired gains.

    `changed` is the share of lists in which any of the first ten is another; `unjudged` how many of the items that came in
    nobody judged, of which the figures say nothing.
    """

    demands: int
    rewritings: float
    changed: float
    unjudged: float
    without: dict[str, Estimate]
    gain: dict[str, Estimate]

    def gate(self, chat: ChatModel, version: str, now: datetime) -> RewriteGate | None:
        """Return what serving needs, None unless the gain of NDCG@10 is sure (95%)."""
        gain = self.gain["ndcg10"]
        if not gain.low > 0:
            return None
        return RewriteGate(
            chat=chat.identity,
            prompt=PROMPT,
            gain=gain.value,
            low=gain.low,
            high=gain.high,
            demands=self.demands,
            bundle_version=version,
            measured_at=now,
        )


def study(
    settings: Settings, engine: Engine, store: Store, chat: ChatModel, step: Callable[[str], None] = lambda _: None
) -> RewriteStudy:
    """Return what a model's rewritings gain on demands that no ranker learns from, by a history without their outcomes.

    Raises:
        InputError: the bundle has no ranker or is no trained version, or fewer than 10 such demands have judgements.
        ModelUnavailableError: the model fails; what it answered is kept, so that the next run goes on.

    """
    scorer = without_held_out(settings, engine.model.version, require_scorer(engine))
    unknowing = Engine(replace(engine.model, scorer=scorer))
    levels: dict[str, dict[str, int]] = defaultdict(dict)
    for event in store.events({EventKind.JUDGEMENT}):
        if event.level is not None:
            levels[event.demand_id][event.achievement_id] = event.level
    cards = engine.model.demands.base.cards
    known = [demand_id for demand_id in sorted(levels) if demand_id in cards.rows]
    marks = demand_marks(cards, np.array([cards.rows[demand_id] for demand_id in known], dtype=np.int64))
    ids = [one for one, mark in zip(known, marks.tolist(), strict=True) if mark < settings.held_out_share]
    if len(ids) < LEAST_DEMANDS:
        raise InputError(
            f"{len(ids)} held-out demands have judgements; {LEAST_DEMANDS} are needed, judge more pairs or raise "
            "GONGXU_HELD_OUT_SHARE and train again"
        )
    number = {record_id: place for place, record_id in enumerate(engine.ids("achievements"))}
    before: list[dict[str, float]] = []
    after: list[dict[str, float]] = []
    changed, came, unjudged, rewritings = 0, 0, 0, 0
    for demand in stored_demands(store, ids):
        step(demand.title[:20])
        queries = ask_queries(chat, demand)
        rewritings += len(queries)
        judged = {number[one]: float(level) for one, level in levels[demand.demand_id].items() if one in number}
        lists = [
            [number[item.id] for item in unknowing.recommend_achievements(demand, top=DEPTH, rewritings=given).items]
            for given in ((), queries)
        ]
        fresh = set(lists[1][:10]) - set(lists[0][:10])
        changed += bool(fresh)
        came += len(fresh)
        unjudged += len(fresh - set(judged))
        for kept, texts in zip((before, after), lists, strict=True):
            served = ServedList(tuple(texts), (float("nan"),) * len(texts))
            kept.append(list_figures(served, judged, GOOD_MEAN))
    draws = resample_weights(len(before), RESAMPLES, 0)
    plain = {name: np.array([one[name] for one in before]) for name in METRICS}
    gained = {name: np.array([one[name] for one in after]) - plain[name] for name in METRICS}
    return RewriteStudy(
        demands=len(before),
        rewritings=rewritings / len(before),
        changed=changed / len(before),
        unjudged=unjudged / came if came else 0.0,
        without={name: summarise(mean_samples(values, draws)) for name, values in plain.items()},
        gain={name: summarise(mean_samples(values, draws)) for name, values in gained.items()},
    )
