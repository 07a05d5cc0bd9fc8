"""Requests month by month, what the logging policy showed, and the outcomes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.simulator.clarity import clarity_of, readiness
from data.simulator.plan import LIST_LENGTH, SimulationPlan
from data.simulator.shortlist import Shortlists
from data.simulator.world import LAST_DAY_NUMBER, LOG_MONTHS, LOG_START_DAY, Float, Int, World

KINDS = ("impression", "click", "favourite", "contact", "meeting", "negotiation", "deal", "decline")
IMPRESSION, CLICK, FAVOURITE, CONTACT, MEETING, NEGOTIATION, DEAL, DECLINE = range(len(KINDS))
REASONS = ("too_early", "benefit_unclear", "route_unclear", "price", "location", "already_solved", "vague", "other")
POSITION_EXPONENT = 0.8
"""An item at position p is looked at with probability p ** -POSITION_EXPONENT."""
APPEAL_NOISE = 0.1
POPULARITY_DECAY = 0.9
CLOSES_DEMAND = 0.8
DAY = 86_400.0
VERSIONS = ((0, "logging-1"), (9, "logging-2"), (17, "logging-3"))
"""Months from which a logging policy served."""
POLICIES = {  # weights of the search's belief, of popularity, and of noise
    "logging-1": (1.0, 0.10, 0.35),
    "logging-2": (1.2, 0.16, 0.25),
    "logging-3": (1.5, 0.08, 0.15),
}


@dataclass(frozen=True, slots=True)
class EventLog:
    """Events in order of time, one row each.

    `second` counts from the first day of the log, `position` is 1-based, `reason` indexes REASONS or is -1,
    `amount` is in 万元 or NaN, `month` is that of the request, `relevance` the true one.
    """

    kind: NDArray[np.int8]
    demand: Int
    achievement: Int
    second: NDArray[np.float64]
    request: Int
    position: NDArray[np.int8]
    reason: NDArray[np.int8]
    amount: Float
    month: NDArray[np.int8]
    relevance: Float

    def take(self, rows: NDArray[np.integer]) -> "EventLog":
        """Return the given rows."""
        return EventLog(*(getattr(self, name)[rows] for name in self.__slots__))


def version_of(month: int) -> str:
    """Return the logging policy that served in a month."""
    return [name for start, name in VERSIONS if month >= start][-1]


def examination(position: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return how likely an item at each position (from 1) is looked at, whatever it is."""
    return position.astype(np.float64) ** -POSITION_EXPONENT


def appeal(topic: Float, relevance: Float) -> Float:
    """Return how appealing what is looked at is, before the noise of the moment."""
    return 0.7 * topic + 0.3 * relevance


def interest(appealing: NDArray[np.floating], season: float = 1.0) -> NDArray[np.float64]:
    """Return how likely something so appealing is clicked once looked at."""
    return np.asarray(0.015 + 0.6 * np.clip(appealing, 0, 1) ** 2 * season, dtype=np.float64)


def click_rate(topic: Float, relevance: Float, season: float = 1.0) -> NDArray[np.float64]:
    """Return the true probability of a click on what is looked at: `interest` averaged over the noise of the moment."""
    points, weights = np.polynomial.hermite_e.hermegauss(41)
    noisy = appeal(topic, relevance)[..., None] + APPEAL_NOISE * points
    return np.asarray(interest(noisy, season) @ (weights / weights.sum()), dtype=np.float64)


def simulate_events(world: World, lists: Shortlists, plan: SimulationPlan, advance: Callable[[int], None]) -> EventLog:
    """Return exactly `plan.events` events in order of time; calls `advance` with the events each month brought."""
    requests = math.ceil(plan.events / LIST_LENGTH)
    ready = readiness(clarity_of(world, plan.seed))
    while True:
        months = _Months(world, lists, ready, np.random.default_rng([plan.seed, 3]))
        weight = np.linspace(0.7, 1.3, LOG_MONTHS) / LOG_MONTHS
        bounds = np.rint(np.concatenate([[0.0], np.cumsum(weight)]) * requests).astype(int)
        parts = []
        for month in range(LOG_MONTHS):
            part = months.run(month, int(bounds[month + 1] - bounds[month]), int(bounds[month]))
            parts.append(part)
            advance(len(part.kind))
        log = EventLog(*(np.concatenate([getattr(p, name) for p in parts]) for name in EventLog.__slots__))
        if len(log.kind) >= plan.events:
            return _exactly(log, plan.events, np.random.default_rng([plan.seed, 4]))
        # Before enough achievements were published, lists are shorter than LIST_LENGTH: ask for more requests.
        requests = math.ceil(requests * 1.1 * plan.events / max(1, len(log.kind))) + 1


def _exactly(log: EventLog, count: int, rng: np.random.Generator) -> EventLog:
    """Keep whole requests, chosen at random, up to `count` events; the last one is cut at its latest events."""
    requests = int(log.request.max(initial=-1)) + 1
    rank = rng.permutation(requests)
    order = np.lexsort((log.second, rank[log.request]))[:count]
    kept = log.take(order)
    return kept.take(np.lexsort((kept.position, kept.kind, kept.request, kept.second)))


class _Months:
    """The platform's state from month to month: popularity of achievements, demands still open."""

    def __init__(self, world: World, lists: Shortlists, ready: Float, rng: np.random.Generator) -> None:
        self._world = world
        self._lists = lists
        self._ready = ready
        self._rng = rng
        self._popularity = world.achievements.appeal.astype(np.float64)
        self._closed_second = np.full(len(world.demands), np.inf)
        # How eager firms are to open anything drifts from month to month.
        self._season = rng.normal(1.0, 0.08, LOG_MONTHS)

    def run(self, month: int, requests: int, first_request: int) -> EventLog:
        """Return one month's requests with everything that ever came of them (until the log's end)."""
        rng, world, lists = self._rng, self._world, self._lists
        day = LOG_START_DAY + 30.4 * month
        begin = (day - LOG_START_DAY) * DAY
        open_now = (world.demands.published <= day) & (self._closed_second > begin)
        weight = np.where(open_now, world.demands.activity, 0.0).astype(np.float64)
        if not weight.any():
            weight = (world.demands.published <= day).astype(np.float64)
        demand = rng.choice(len(weight), requests, p=weight / weight.sum()).astype(np.int32)
        second = np.sort(begin + 30.4 * DAY * rng.random(requests))
        column, shown = self._show(month, day, demand)
        achievement = np.take_along_axis(lists.achievement[demand], column, axis=1)
        position = np.broadcast_to(np.arange(1, LIST_LENGTH + 1), column.shape)
        row, place = np.nonzero(shown)
        flat = _Shown(
            demand=demand[row],
            achievement=achievement[row, place],
            column=column[row, place],
            request=(first_request + row).astype(np.int32),
            position=position[row, place].astype(np.int8),
            second=second[row],
        )
        log = self._outcomes(month, flat)
        clicks = np.bincount(log.achievement[log.kind == CLICK], minlength=len(world.achievements))
        self._popularity = POPULARITY_DECAY * self._popularity + clicks
        deals = log.kind == DEAL
        closing = deals & (rng.random(len(deals)) < CLOSES_DEMAND)
        np.minimum.at(self._closed_second, log.demand[closing], log.second[closing])
        return log

    def _show(self, month: int, day: float, demand: Int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the columns of the shortlist shown, best first (requests, LIST_LENGTH), and which were available."""
        lists, rng = self._lists, self._rng
        belief, popular, noise = POLICIES[version_of(month)]
        candidates = lists.achievement[demand]
        score = belief * lists.match[demand]
        score += np.float32(popular) * np.log1p(self._popularity).astype(np.float32)[candidates]
        score += np.float32(noise) * rng.standard_normal(score.shape, dtype=np.float32)
        score[self._world.achievements.published[candidates] > day] = -np.inf
        top = np.argpartition(-score, LIST_LENGTH - 1, axis=1)[:, :LIST_LENGTH]
        values = np.take_along_axis(score, top, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        return np.take_along_axis(top, order, axis=1), np.isfinite(np.take_along_axis(values, order, axis=1))

    def _outcomes(self, month: int, shown: "_Shown") -> EventLog:
        """Return the events that follow from what was shown: a funnel whose every step depends on the true fit.

        To a contact it also takes a demand that says what it needs, see `clarity`.
        """
        rng, world = self._rng, self._world
        fit = {name: getattr(self._lists.fit, name)[shown.demand, shown.column].astype(np.float32) for name in _PARTS}
        relevance = fit["relevance"]
        count = len(relevance)
        looked = rng.random(count) < examination(shown.position)
        appealing = appeal(fit["topic"], relevance) + APPEAL_NOISE * rng.standard_normal(count)
        wants = interest(appealing, self._season[month])
        clicked = looked & (rng.random(count) < wants)
        favourite = clicked & (rng.random(count) < 0.3 * relevance)
        contact = clicked & (rng.random(count) < (0.05 + 0.5 * relevance**2) * self._ready[shown.demand])
        meeting = contact & (rng.random(count) < 0.1 + 0.7 * relevance)
        negotiation = meeting & (rng.random(count) < 0.1 + 0.7 * relevance)
        worth = relevance * (0.4 + 0.3 * fit["price"] + 0.3 * fit["maturity"])
        deal = negotiation & (rng.random(count) < 0.05 + 0.65 * worth)
        decline = contact & ~deal & (rng.random(count) < 0.8)

        second = shown.second
        at_click = second + rng.gamma(1.5, 20.0, count)
        at_contact = at_click + DAY * rng.exponential(2.0, count)
        at_meeting = at_contact + DAY * (3 + rng.exponential(14.0, count))
        at_negotiation = at_meeting + DAY * (7 + rng.exponential(30.0, count))
        at_deal = at_negotiation + DAY * (15 + rng.gamma(2.0, 40.0, count))
        last_step = np.select([negotiation, meeting], [at_negotiation, at_meeting], at_contact)
        at_decline = last_step + DAY * (2 + rng.exponential(20.0, count))
        at_favourite = at_click + rng.gamma(2.0, 30.0, count)
        moments = (second, at_click, at_favourite, at_contact, at_meeting, at_negotiation, at_deal, at_decline)
        happened = (np.ones(count, bool), clicked, favourite, contact, meeting, negotiation, deal, decline)

        reason = self._reasons(shown, fit)
        price = world.achievements.log_price[shown.achievement]
        budget = world.demands.log_budget[shown.demand]
        amount = np.round(np.exp(0.6 * price + 0.4 * np.minimum(budget, price + 0.5)), 1).astype(np.float32)
        end = (LAST_DAY_NUMBER - LOG_START_DAY) * DAY
        parts = []
        for kind, (took_place, moment) in enumerate(zip(happened, moments, strict=True)):
            rows = np.flatnonzero(took_place & (moment < end))
            parts.append(
                EventLog(
                    kind=np.full(len(rows), kind, dtype=np.int8),
                    demand=shown.demand[rows],
                    achievement=shown.achievement[rows],
                    second=np.floor(moment[rows]),
                    request=shown.request[rows],
                    position=shown.position[rows],
                    reason=reason[rows] if kind == DECLINE else np.full(len(rows), -1, dtype=np.int8),
                    amount=amount[rows] if kind == DEAL else np.full(len(rows), np.nan, dtype=np.float32),
                    month=np.full(len(rows), month, dtype=np.int8),
                    relevance=relevance[rows],
                )
            )
        return EventLog(*(np.concatenate([getattr(p, name) for p in parts]) for name in EventLog.__slots__))

    def _reasons(self, shown: "_Shown", fit: dict[str, Float]) -> NDArray[np.int8]:
        """Draw why each pair would be declined: what it lacks most is named most often."""
        vague = (self._world.demands.wording[shown.demand] == 2).astype(np.float32)
        small = np.full(len(vague), 0.06, dtype=np.float32)
        lack = np.stack(
            [
                1 - fit["maturity"],
                1 - fit["indicators"],
                1 - fit["topic"],
                1 - fit["price"],
                0.5 * (1 - fit["region"]),
                small,
                0.5 * vague,
                small,
            ],
            axis=1,
        )
        ceiling = np.cumsum(np.maximum(lack, 0.0) ** 1.5, axis=1)
        draw = self._rng.random(len(vague)) * ceiling[:, -1]
        reason: NDArray[np.int8] = np.minimum((draw[:, None] >= ceiling).sum(axis=1), len(REASONS) - 1).astype(np.int8)
        return reason


_PARTS = ("topic", "indicators", "maturity", "price", "region", "relevance")


@dataclass(frozen=True, slots=True)
class _Shown:
    """Every item of every list of one month, flat."""

    demand: Int
    achievement: Int
    column: NDArray[np.int64]
    request: Int
    position: NDArray[np.int8]
    second: NDArray[np.float64]
