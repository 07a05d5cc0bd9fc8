"""The card of the market: open demands within reach, where they are, what they would pay, and who else offers the like."""

from collections import Counter
from collections.abc import Sequence

from data.records import Achievement, Demand
from knowledge_graph.taxonomy.regions import load_regions
from matcher.cards.answer import Card, Evidence, Indicator, quoted, unknown
from matcher.recommendation import Recommendation, SimilarRecord

LOOKED_AT = 50  # demands whose probability is looked at
COMPETING = 0.75  # cosine of the texts from which a record of another holder competes
SIMILAR = 20  # records like it that are looked at
SHOWN = 3


def within_reach(found: Recommendation) -> list[str] | None:
    """Return the ids of the demands of a list that are good enough by its threshold; None where nothing tells that."""
    if found.verdict is None or found.verdict.threshold is None:
        return None
    least = found.verdict.threshold
    return [item.id for item in found.items if item.probability is not None and item.probability >= least]


def market_card(
    record: Achievement, demands: Sequence[Demand] | None, similar: Sequence[SimilarRecord], looked_at: int
) -> Card:
    """Return the card of the market.

    Args:
        record: the achievement.
        demands: those within reach, best first; None where no ranker tells which are.
        similar: the nearest achievements by text.
        looked_at: how many open demands were looked at.

    """
    return Card(
        name="market",
        label="市场",
        indicators=(
            _demands(demands, looked_at),
            _regions(demands or ()),
            _prices(record, demands or ()),
            _competing(record, similar),
        ),
    )


def _demands(demands: Sequence[Demand] | None, looked_at: int) -> Indicator:
    name, label = "demands", "可对接的需求"
    if demands is None:
        return unknown(name, label, "尚无排序模型，说不准哪些需求可以对接")
    if not demands:
        return unknown(name, label, f"看过最接近的 {looked_at} 项有效需求，没有达到应答标准的")
    more = "以上" if len(demands) == LOOKED_AT else ""
    text = f"{len(demands)} 项{more}有效需求达到应答标准"
    evidence = tuple(Evidence(quote=one.title, kind="demand", id=one.demand_id, field="title") for one in demands)
    return Indicator(
        name=name, label=label, status="computed", text=text, value=len(demands), evidence=evidence[:SHOWN]
    )


def _regions(demands: Sequence[Demand]) -> Indicator:
    name, label = "regions", "需求所在地区"
    placed = [(one, one.region[:2] + "0000") for one in demands if one.region is not None]
    if not placed:
        return unknown(name, label, "可对接的需求没有写明地区" if demands else "没有可对接的需求")
    counts = Counter(region for _, region in placed)
    names = [f"{load_regions().full_name(int(code)) or code} {n} 项" for code, n in counts.most_common(SHOWN)]
    evidence = tuple(
        Evidence(quote=str(one.region), kind="demand", id=one.demand_id, field="region") for one, _ in placed
    )
    text = "、".join(names) + (f"等 {len(counts)} 个省级地区" if len(counts) > SHOWN else "")
    return Indicator(name=name, label=label, status="computed", text=text, value=len(counts), evidence=evidence[:SHOWN])


def _prices(record: Achievement, demands: Sequence[Demand]) -> Indicator:
    """Return the middle of the budgets that demands within reach state, beside the achievement's own price."""
    name, label = "budgets", "价格区间"
    stated = sorted(
        ((one.budget_max, one) for one in demands if one.budget_max is not None), key=lambda pair: (pair[0], pair[1].demand_id)
    )  # fmt: skip
    own = record.price_min if record.price_min is not None else record.price_max
    price = f"；本成果报价 {own:g} 万元起" if own is not None else "；本成果没有写明报价"
    if not stated:
        return unknown(name, label, "可对接的需求没有写明预算" + price)
    places = sorted({0, len(stated) // 2, len(stated) - 1})
    low, middle, high = stated[0], stated[len(stated) // 2], stated[-1]
    evidence = tuple(
        Evidence(quote=f"{budget:g} 万元", kind="demand", id=one.demand_id, field="budget_max")
        for budget, one in (stated[place] for place in places)
    )
    text = f"{len(stated)} 项需求的预算上限 {low[0]:g}–{high[0]:g} 万元，居中 {middle[0]:g} 万元" + price
    return Indicator(name=name, label=label, status="computed", text=text, value=middle[0], evidence=evidence)


def _competing(record: Achievement, similar: Sequence[SimilarRecord]) -> Indicator:
    name, label = "competing", "同类成果"
    near = [one for one in similar if one.similarity >= COMPETING and one.owner != record.holder]
    if not near:
        nearest = f"最接近的文本相近度为 {similar[0].similarity:.2f}" if similar else "库中没有其他成果"
        return unknown(name, label, f"没有发现其他单位的同类成果（{nearest}）")
    more = "以上" if len(near) == SIMILAR else ""
    evidence = tuple(quoted(one.id, "title", f"{one.title}（{one.owner or '单位未说明'}）") for one in near[:SHOWN])
    text = f"其他单位有 {len(near)} 项{more}文本相近度不低于 {COMPETING:g} 的成果"
    return Indicator(name=name, label=label, status="computed", text=text, value=len(near), evidence=evidence)
