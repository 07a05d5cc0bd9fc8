"""Where an achievement comes in a demand's list, or what keeps it out, in an operator's words."""

from data.records import Achievement, Demand
from matcher.collection.filters import OPEN_STATUSES, Filters
from matcher.engine import Engine

LISTED = 10  # of a list that operators see first
LOOKED_AT = 200


def position_of(engine: Engine, demand: Demand, achievement: Achievement, offered: Filters) -> str:
    """Return in Chinese at which place of a demand's list an achievement comes, and why it is not among the first.

    `offered` leaves out records that are withheld.
    """
    if why := _kept_out(achievement, offered):
        return f"不在推荐里：{why}"
    plain = engine.recommend_achievements(demand, top=LOOKED_AT, filters=offered, diversity="none")
    places = {item.id: item.rank for item in plain.items}
    place = places.get(achievement.achievement_id)
    if not plain.items:
        return f"不在推荐里：这条需求没有推荐任何成果（{plain.message}）。"
    if place is None:
        return (
            f"不在推荐里：没有进入前 {LOOKED_AT} 名，文字、图谱和历史都没有把它找出来；看看两份原文有没有共同的说法。"
        )
    first = engine.recommend_achievements(demand, top=LISTED, filters=offered)
    shown = {item.id: item.rank for item in first.items}
    if achievement.achievement_id in shown:
        return f"在推荐列表的第 {shown[achievement.achievement_id]} 位。"
    if place <= LISTED:
        return f"按分数排第 {place} 位，因同一单位的成果已占满名额，或文字与另一项相同，没有列出。"
    return f"排在第 {place} 位，列表只显示前 {LISTED} 位：比前面的差在哪里，见下面的理由。"


def _kept_out(achievement: Achievement, offered: Filters) -> str:
    """Return why an achievement is in no list at all, empty if it can be."""
    if achievement.achievement_id in offered.exclude:
        return "完成单位已被暂停，或这条成果久未更新、已隐藏；见“服务方”。"
    if achievement.status not in OPEN_STATUSES:
        return f"成果的状态是“{achievement.status.value}”，只推荐在架的。"
    return ""
