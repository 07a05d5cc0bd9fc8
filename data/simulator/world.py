"""What holders, firms, achievements and demands are before anyone writes a text about them."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.simulator.lexicon import INDICATORS_EACH, Lexicon
from data.simulator.plan import SimulationPlan

Float = NDArray[np.float32]
Int = NDArray[np.int32]

FIRST_DAY = np.datetime64("2018-01-01")
LOG_START = np.datetime64("2024-01-01")
LOG_MONTHS = 24
LAST_DAY = np.datetime64("2026-01-01")
LOG_START_DAY = int((LOG_START - FIRST_DAY).astype(int))
LAST_DAY_NUMBER = int((LAST_DAY - FIRST_DAY).astype(int))
DUPLICATE_SHARE = 0.03
HOLDER_TYPES = ("高校", "科研院所", "企业", "个人")


@dataclass(frozen=True, slots=True)
class _Table:
    """Columns of equal first length."""

    def at(self, rows: NDArray[np.integer], axis: int | None = None) -> Self:
        """Return the given rows; `axis` 0 shapes them (n, 1) and 1 (1, n) to broadcast pairs, None leaves (n,)."""
        taken = {}
        for entry in fields(self):
            column = getattr(self, entry.name)[rows]
            taken[entry.name] = column if axis is None else np.expand_dims(column, 1 - axis)
        return type(self)(**taken)

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))


@dataclass(frozen=True, slots=True)
class Holders(_Table):
    """Who offers: type (index into HOLDER_TYPES), place, main industry, quality in [0, 1]."""

    type: Int
    place: Int
    industry: Int
    quality: Float


@dataclass(frozen=True, slots=True)
class Firms(_Table):
    """A firm: place, industry, size 0 (large) to 3, activity (relative requests), share of technical wording."""

    place: Int
    industry: Int
    size: Int
    activity: Float
    skill: Float


@dataclass(frozen=True, slots=True)
class Achievements(_Table):
    """Achievements; `goodness` (n, 3) in [0, 1] per indicator, `published` in days since FIRST_DAY.

    `original` is the earlier row that this one repeats under another id, or -1.
    """

    technology: Int
    material: Int
    product: Int
    scene: Int
    goodness: Float
    trl: Int
    log_price: Float
    holder: Int
    provider_quality: Float
    place: Int
    province: Int
    published: Int
    appeal: Float
    original: Int


@dataclass(frozen=True, slots=True)
class Demands(_Table):
    """Demands; `required` and `asks` (n, 3): the level wanted in [0, 1] and whether it matters (0.05 or 1).

    `wording`: 0 the firm's words, 1 technical, 2 vague.
    """

    technology: Int
    material: Int
    product: Int
    scene: Int
    required: Float
    asks: Float
    trl_min: Int
    log_budget: Float
    firm: Int
    activity: Float
    place: Int
    province: Int
    published: Int
    wording: Int
    original: Int


@dataclass(frozen=True, slots=True)
class World:
    """The whole of it."""

    lexicon: Lexicon
    holders: Holders
    firms: Firms
    achievements: Achievements
    demands: Demands


def make_world(lexicon: Lexicon, plan: SimulationPlan) -> World:
    """Draw a world of the plan's size; deterministic in `plan.seed`."""
    rng = np.random.default_rng([plan.seed, 1])
    places = np.array([place.weight for place in lexicon.places])
    places = places / places.sum()
    provinces = np.array([int(place.code) // 10_000 for place in lexicon.places], dtype=np.int32)
    supply = rng.lognormal(0.0, 0.7, len(lexicon.technologies))
    need = supply**0.3 * rng.lognormal(0.0, 0.7, len(lexicon.technologies))
    industry_of = np.array([technology.industry for technology in lexicon.technologies], dtype=np.int32)
    holders = _holders(rng, max(6, plan.achievements // 60), len(lexicon.industries), places)
    firms = _firms(rng, max(3, plan.demands // 3), len(lexicon.industries), places)
    return World(
        lexicon,
        holders,
        firms,
        _achievements(
            rng,
            plan.achievements,
            lexicon=lexicon,
            supply=supply,
            industry_of=industry_of,
            holders=holders,
            provinces=provinces,
        ),
        _demands(
            rng, plan.demands, lexicon=lexicon, need=need, industry_of=industry_of, firms=firms, provinces=provinces
        ),
    )


def _holders(rng: np.random.Generator, count: int, industries: int, places: NDArray[np.float64]) -> Holders:
    return Holders(
        type=rng.choice(4, count, p=[0.45, 0.22, 0.3, 0.03]).astype(np.int32),
        place=rng.choice(len(places), count, p=places).astype(np.int32),
        industry=rng.integers(0, industries, count).astype(np.int32),
        quality=rng.beta(2.2, 2.2, count).astype(np.float32),
    )


def _firms(rng: np.random.Generator, count: int, industries: int, places: NDArray[np.float64]) -> Firms:
    size = rng.choice(4, count, p=[0.08, 0.27, 0.45, 0.2]).astype(np.int32)
    cold = rng.random(count) < 0.25
    activity = np.where(cold, 0.0, rng.lognormal(0.0, 0.8, count))
    if not activity.any():
        activity[0] = 1.0
    return Firms(
        place=rng.choice(len(places), count, p=places).astype(np.int32),
        industry=rng.integers(0, industries, count).astype(np.int32),
        size=size,
        activity=activity.astype(np.float32),
        skill=np.clip(0.5 - 0.12 * size + 0.15 * rng.standard_normal(count), 0.03, 0.9).astype(np.float32),
    )


def _owners(
    rng: np.random.Generator, wanted: Int, owner_industry: Int, industries: int, strength: NDArray[np.float64]
) -> Int:
    """Choose an owner of the wanted industry for each record, by strength; one in ten comes from elsewhere."""
    owner = rng.choice(len(strength), len(wanted), p=strength / strength.sum()).astype(np.int32)
    at_home = rng.random(len(wanted)) < 0.9
    for industry in range(industries):
        pool = np.flatnonzero(owner_industry == industry)
        rows = np.flatnonzero((wanted == industry) & at_home)
        if len(pool) and len(rows) and strength[pool].sum() > 0:
            owner[rows] = rng.choice(pool, len(rows), p=strength[pool] / strength[pool].sum())
    return owner


def _aspects(rng: np.random.Generator, lexicon: Lexicon, technology: Int) -> tuple[Int, Int, Int]:
    """Draw which of a technology's materials, products and of its industry's scenes a record is about."""
    technologies = lexicon.technologies
    counts = np.array(
        [(len(t.materials), len(t.products), len(lexicon.industries[t.industry].scenes)) for t in technologies]
    )
    drawn = (rng.random((len(technology), 3)) * counts[technology]).astype(np.int32)
    return drawn[:, 0], drawn[:, 1], drawn[:, 2]


def _originals(rng: np.random.Generator, count: int) -> Int:
    """Return for each row the earlier row it repeats under another id, or -1; a copy is never copied."""
    original = np.full(count, -1, dtype=np.int32)
    copies = np.flatnonzero(rng.random(count) < DUPLICATE_SHARE)
    copies = copies[copies > count // 10]
    source = (rng.random(len(copies)) * copies).astype(np.int32)
    keep = ~np.isin(source, copies)
    original[copies[keep]] = source[keep]
    return original


def _achievements(
    rng: np.random.Generator,
    count: int,
    *,
    lexicon: Lexicon,
    supply: NDArray[np.float64],
    industry_of: Int,
    holders: Holders,
    provinces: Int,
) -> Achievements:
    technology = rng.choice(len(supply), count, p=supply / supply.sum()).astype(np.int32)
    strength = rng.pareto(1.5, len(holders)) + 0.2
    holder = _owners(rng, industry_of[technology], holders.industry, len(lexicon.industries), strength)
    quality = holders.quality[holder]
    material, product, scene = _aspects(rng, lexicon, technology)
    firm_made = (holders.type[holder] == 2).astype(np.float64)
    trl = np.clip(np.rint(rng.normal(5.2 + 1.6 * firm_made + quality, 1.6)), 1, 9).astype(np.int32)
    days = np.sort((LAST_DAY_NUMBER - 20) * rng.random(count) ** 0.6).astype(np.int32)
    days[:10] = np.minimum(days[:10], LOG_START_DAY - 30)
    original = _originals(rng, count)
    base = Achievements(
        technology=technology,
        material=material,
        product=product,
        scene=scene,
        goodness=np.clip(rng.beta(2.2, 2.2, (count, INDICATORS_EACH)) + 0.3 * (quality[:, None] - 0.5), 0, 1).astype(
            np.float32
        ),
        trl=trl,
        log_price=rng.normal(3.4 + 0.14 * trl, 0.8).astype(np.float32),
        holder=holder,
        provider_quality=quality,
        place=holders.place[holder],
        province=provinces[holders.place[holder]],
        published=days,
        appeal=rng.lognormal(0.0, 0.9, count).astype(np.float32),
        original=original,
    )
    rows = np.where(original >= 0, original, np.arange(count))
    return replace(base.at(rows), published=days, original=original)


def _demands(
    rng: np.random.Generator,
    count: int,
    *,
    lexicon: Lexicon,
    need: NDArray[np.float64],
    industry_of: Int,
    firms: Firms,
    provinces: Int,
) -> Demands:
    month = np.clip((24 * rng.random(count) ** 0.8).astype(int), 0, 23)
    trend = np.cumsum(rng.normal(0.0, 0.12, (LOG_MONTHS, len(need))), axis=0)
    technology = np.empty(count, dtype=np.int32)
    for index in range(LOG_MONTHS):
        weight = need * np.exp(trend[index])
        rows = np.flatnonzero(month == index)
        technology[rows] = rng.choice(len(need), len(rows), p=weight / weight.sum())
    early = rng.random(count) < 0.25
    days = LOG_START_DAY + (month + rng.random(count)) * 30.0
    days = np.where(early, LOG_START_DAY - 400 * rng.random(count), days).astype(np.int32)
    days[0] = min(days[0], LOG_START_DAY - 10)
    order = np.argsort(days, kind="stable")
    technology, days = technology[order], days[order]
    strength = firms.activity.astype(np.float64) + 0.3
    firm = _owners(rng, industry_of[technology], firms.industry, len(lexicon.industries), strength)
    material, product, scene = _aspects(rng, lexicon, technology)
    draw = rng.random(count)
    skill = firms.skill[firm]
    wording = np.where(draw < 0.15, 2, np.where(draw < 0.15 + 0.85 * skill, 1, 0)).astype(np.int32)
    asks = rng.random((count, INDICATORS_EACH)) < np.where(wording == 2, 0.15, 0.75)[:, None]
    original = _originals(rng, count)
    base = Demands(
        technology=technology,
        material=material,
        product=product,
        scene=scene,
        required=rng.beta(2.0, 2.6, (count, INDICATORS_EACH)).astype(np.float32),
        asks=np.where(asks, 1.0, 0.05).astype(np.float32),
        trl_min=np.clip(np.rint(rng.normal(5.3, 1.5, count)), 1, 9).astype(np.int32),
        log_budget=rng.normal(4.9 - 0.35 * firms.size[firm], 0.8).astype(np.float32),
        firm=firm,
        activity=firms.activity[firm] * rng.lognormal(0.0, 0.5, count).astype(np.float32),
        place=firms.place[firm],
        province=provinces[firms.place[firm]],
        published=days,
        wording=wording,
        original=original,
    )
    rows = np.where(original >= 0, original, np.arange(count))
    return replace(base.at(rows), published=days, original=original)
