"""Advice to a holder: the smallest real changes of an achievement that would lift it for the demands it nearly fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.errors import InputError
from data.records import MAX_LIST, MAX_TEXT, STORED, Achievement, Demand, UnstoredAchievement
from knowledge_graph.quantities.names import Encode
from matcher.collection.columns import MODE_FAMILIES
from matcher.engine import Engine
from matcher.gaps.requirements import requirement_reports_of
from matcher.ranking.diversify import diversify
from matcher.requirements.table import quantities_of
from matcher.rescoring import ScoredCandidates, candidate_pool, pair_scores, require_scorer
from matcher.texts.space import record_text

TOP = 10
NEAR = 4  # lists: a demand is nearly fitted where the achievement ranks at most so far below the list
LEAST_CHANCE = 0.5  # of the average pair's: what is less likely a match is no near fit
PEERS = 10  # achievements like it that show which indicators are usual
MAX_STEPS = 3  # levels of readiness that one can hope to climb
# What each family of cooperation is called on the holder's side.
_OFFERED = {
    "transfer": "转让",
    "licence": "许可",
    "equity": "作价投资",
    "joint": "合作",
    "commission": "委托开发",
    "service": "技术服务",
}


@dataclass(frozen=True)
class Change:
    """One change of the record: `update` fields with their new values, `text` what the holder has to do for it."""

    kind: str
    text: str
    update: dict[str, Any]


@dataclass(frozen=True)
class Advice:
    """A change and the place it brings in a demand's list: `enough` where that is in the list shown.

    Scores are expected grades.
    """

    demand_id: str
    demand_title: str
    change: Change
    before: int
    after: int
    enough: bool
    score_before: float
    score_after: float


def advise(
    engine: Engine,
    achievement: Achievement,
    demands: Sequence[Demand],
    peers: Sequence[Achievement] = (),
    *,
    top: int = TOP,
) -> list[Advice]:
    """Return the changes that would bring an achievement into the `top` of demands, or nearer: the greatest lift first.

    For each demand the engine's own candidates are scored; the changed record is read and scored as a record written
    just now would be (what the graph knows of it comes with the next build), and takes its place in the list as the
    engine makes it. Of the changes that suffice for a demand those that ask least are kept: one for each kind.

    Args:
        engine: a trained one.
        achievement: as the store has it.
        demands: open demands that it may suit, as the store has them; see `pool.best_demands`.
        peers: achievements like it; only an indicator that one of them states may be advised to be stated.
        top: length of the list it shall come into.

    Raises:
        InputError: the achievement has no text to match by, the bundle has no ranker, or `top` is below 1.

    """
    least = LEAST_CHANCE * (require_scorer(engine).average or 0.0)
    if top < 1:
        raise InputError(f"top is {top}; it must be at least 1")
    if not record_text(achievement).full:
        raise InputError(
            f"achievement {achievement.achievement_id!r} says nothing to match by; give a title or content",
            f"成果“{achievement.achievement_id}”没有可供匹配的内容；请填写名称或内容",
        )
    found: list[Advice] = []
    for demand in demands:
        pool = candidate_pool(engine, demand)
        place = pool.place(achievement.achievement_id)
        if place is None or not pool.reached[place]:
            continue
        before = _rank(pool, place, float(pool.scores.expected[place]), top)
        if not top < before <= NEAR * top or pool.scores.probability[place] < least:
            continue
        found += _enough(engine, achievement, demand, peers, pool, place, before, top)
    return sorted(
        found,
        key=lambda item: (not item.enough, item.after - item.before, item.after, item.demand_id, item.change.kind),
    )


def advice_dict(item: Advice) -> dict[str, Any]:
    """Return one piece of advice as plain values for JSON."""
    return {
        "demand_id": item.demand_id,
        "demand_title": item.demand_title,
        "kind": item.change.kind,
        "text": item.change.text,
        "changes": item.change.update,
        "rank_before": item.before,
        "rank_after": item.after,
        "enough": item.enough,
        "score_before": round(item.score_before, 6),
        "score_after": round(item.score_after, 6),
    }


def possible_changes(
    achievement: Achievement, demand: Demand, peers: Sequence[Achievement] = (), encode: Encode | None = None
) -> list[Change]:
    """Return the changes of a record that would meet what a demand states, smallest first; none that is met already."""
    return [
        *_readiness(achievement, demand),
        *_price(achievement, demand),
        *_modes(achievement, demand),
        *_indicators(achievement, demand, peers, encode),
    ]


def _readiness(achievement: Achievement, demand: Demand) -> list[Change]:
    now = achievement.trl
    if now is None:
        wanted = demand.trl_min
        if wanted is None:
            return []
        return [Change("trl", f"如实填写技术成熟度（若确已达到 {wanted} 级）", {"trl": wanted})]
    return [
        Change("trl", f"通过试验把技术成熟度从 {now} 级提高到 {level} 级", {"trl": level})
        for level in range(now + 1, min(9, now + MAX_STEPS) + 1)
    ]


def _price(achievement: Achievement, demand: Demand) -> list[Change]:
    price = achievement.price_min if achievement.price_min is not None else achievement.price_max
    budget = demand.budget_max if demand.budget_max is not None else demand.budget_min
    if budget is None or budget <= 0:
        return []
    if price is None:
        return [Change("price", f"标明报价；若能在 {budget:g} 万元以内", {"price_min": budget, "price_max": budget})]
    if price <= budget:
        return []
    update = {"price_min": budget, "price_max": None if achievement.price_max is None else budget}
    return [Change("price", f"把起价从 {price:g} 万元降到 {budget:g} 万元（需求的预算）", update)]


def _modes(achievement: Achievement, demand: Demand) -> list[Change]:
    offered = {MODE_FAMILIES.get(mode) for mode in achievement.transfer_modes}
    wanted = [MODE_FAMILIES[mode] for mode in demand.cooperation_modes if mode in MODE_FAMILIES]
    lacking = [family for family in dict.fromkeys(wanted) if family not in offered]
    if not lacking or len(achievement.transfer_modes) + len(lacking) > MAX_LIST:
        return []
    names = tuple(next((m for m, f in MODE_FAMILIES.items() if f == family), _OFFERED[family]) for family in lacking)
    modes = (*achievement.transfer_modes, *names)
    return [Change("modes", f"增加转化方式：{'、'.join(names)}", {"transfer_modes": modes})]


def _indicators(
    achievement: Achievement, demand: Demand, peers: Sequence[Achievement], encode: Encode | None
) -> list[Change]:
    """Return the change that states what the demand requires, where the record is silent and achievements like it are not.

    An indicator that no achievement like it states is none that this one could be expected to have.
    """
    wanted = [item for item in quantities_of(demand) if item.role == "requirement"]
    if not wanted or not peers:
        return []
    own, *others = (found.entries for found in requirement_reports_of(wanted, [achievement, *peers], encode))
    usual: dict[int, str] = {}
    for peer, entries in zip(peers, others, strict=True):
        for place, entry in enumerate(entries):
            if entry.answer is not None:
                usual.setdefault(place, peer.title)
    silent = [place for place, entry in enumerate(own) if entry.answer is None and place in usual]
    lacking = [(own[place].requirement.quote, usual[place]) for place in silent[:3]]
    quotes = "；".join(quote for quote, _ in lacking)
    indicators = "；".join(filter(None, (achievement.indicators.rstrip("；。"), quotes)))
    if not lacking or len(indicators) > MAX_TEXT:
        return []
    text = f"经实测达到时写明指标：{quotes}（同类成果《{lacking[0][1]}》已写明）"
    return [Change("indicators", text, {"indicators": indicators})]


def _enough(
    engine: Engine,
    achievement: Achievement,
    demand: Demand,
    peers: Sequence[Achievement],
    pool: ScoredCandidates,
    place: int,
    before: int,
    top: int,
) -> list[Advice]:
    """Return the smallest change of each kind that suffices for one demand, and all together if only they do."""
    encoder = engine.model.space.encoder
    changes = possible_changes(achievement, demand, peers, lambda texts: encoder.encode(texts, "passage"))
    if not changes:
        return []
    smallest: dict[str, Change] = {}
    for change in changes:
        smallest.setdefault(change.kind, change)
    if len(smallest) > 1:
        parts = list(smallest.values())
        together: dict[str, Any] = {key: value for part in parts for key, value in part.update.items()}
        changes = [*changes, Change("together", "；".join(part.text for part in parts), together)]
    # the record as it is comes first: being rewritten must not pass for the effect of a change
    versions = [achievement, *(_changed(achievement, change) for change in changes)]
    expected = _written_scores(engine, demand, versions)
    baseline = max(float(expected[0]), float(pool.scores.expected[place]))
    found: dict[str, Advice] = {}
    partial: list[Advice] = []
    for change, score in zip(changes, expected[1:].tolist(), strict=True):
        rank = _rank(pool, place, score, top)
        if score <= baseline or rank >= before or (found and change.kind == "together"):
            continue
        now = float(pool.scores.expected[place])
        lift = Advice(demand.demand_id, demand.title, change, before, rank, rank <= top, now, score)
        if lift.enough:
            found.setdefault(change.kind, lift)
        else:
            partial.append(lift)
    # where nothing suffices, what brings it furthest
    return list(found.values()) or sorted(partial, key=lambda lift: lift.after)[:1]


def _changed(achievement: Achievement, change: Change) -> Achievement:
    """Return the record with a change, validated as any record that is written."""
    stated = achievement.model_dump(exclude={"achievement_id"}) | change.update
    changed = UnstoredAchievement.model_validate(stated, context=STORED)
    return changed.model_copy(update={"achievement_id": achievement.achievement_id})


def _written_scores(engine: Engine, demand: Demand, versions: Sequence[Achievement]) -> np.ndarray[Any, Any]:
    """Return (n,) expected grades of achievements for a demand, as records that were written since the bundle."""
    encoder = engine.model.record_encoder
    return pair_scores(engine, encoder.demands([demand]), encoder.achievements(list(versions)))[0].expected


def _rank(pool: ScoredCandidates, place: int, score: float, top: int) -> int:
    """Return the place from 1 that a candidate takes in a list of `top` with another score, all others as they are.

    Behind the list the place is that among all candidates of different texts, at least `top` + 1.
    """
    expected = pool.scores.expected.copy()
    expected[place] = score
    order = np.argsort(-expected, kind="stable").astype(np.intp)  # equal scores keep the order of the pool
    owners, text_ids = pool.found.cards.owners, pool.found.cards.text_ids
    shown = diversify(order, owners, text_ids, top).tolist()
    if place in shown:
        return int(shown.index(place)) + 1
    apart = diversify(order, np.full(len(pool), -1, dtype=np.int64), text_ids, len(pool)).tolist()
    return max(top, int(apart.index(place)) if place in apart else len(pool)) + 1
