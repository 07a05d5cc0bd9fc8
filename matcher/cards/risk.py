"""The card of risk: rights and their years, one holder, age of the record, regulated fields, figures, cooperation modes."""

import re
from datetime import date
from itertools import combinations

from data.records import Achievement
from knowledge_graph.quantities.extraction import extract
from knowledge_graph.quantities.names import read_name
from knowledge_graph.quantities.types import Quantity
from matcher.cards.answer import Card, Indicator, quoted, unknown
from matcher.cards.rights import rights_of

STALE_YEARS = 3
ENDING_YEARS = 3
_SEPARATORS = re.compile(r"[、，,;；/|\n]+|\s{2,}")
# What is regulated, and what it needs before it is made or sold.
_REGULATED = (
    (r"医疗器械|诊断试剂", "医疗器械须注册或备案"),
    (r"药品|新药|制剂|中药|疫苗|原料药", "药品须取得批准文号和生产许可"),
    (r"兽药", "兽药须取得批准文号"),
    (r"农药|杀虫剂|除草剂|杀菌剂", "农药须登记"),
    (r"肥料|有机肥", "肥料须登记或备案"),
    (r"饲料添加剂|饲料", "饲料和饲料添加剂须取得许可"),
    (r"保健食品|食品添加剂|特医食品", "须注册或取得许可"),
    (r"转基因|基因编辑", "农业转基因生物须取得安全证书"),
    (r"主要农作物|玉米新品种|小麦新品种|水稻新品种|大豆新品种|棉花新品种", "主要农作物品种推广前须审定"),
    (r"危险化学品|易燃易爆|剧毒", "危险化学品须取得安全生产许可"),
    (r"民用爆炸|炸药|雷管", "民用爆炸物品须取得许可"),
    (r"放射|核燃料|辐照", "涉及辐射安全许可"),
    (r"压力容器|锅炉|特种设备|起重机|电梯", "特种设备须取得制造许可并检验"),
    (r"军工|武器|国防", "涉及保密与军工资质"),
    (r"人脸识别|个人信息", "涉及个人信息保护"),
)
TEXTS = ("title", "content", "indicators")


def risk_card(record: Achievement, as_of: date) -> Card:
    """Return the card of risk on a day."""
    indicators = (
        _rights(record, as_of),
        _holders(record),
        _age(record, as_of),
        _regulated(record),
        _figures(record),
        _modes(record),
    )
    return Card(name="risk", label="风险", indicators=indicators)


def _rights(record: Achievement, as_of: date) -> Indicator:
    name, label = "rights", "知识产权及年限"
    found = [(field, one) for field in ("ip", *TEXTS) for one in rights_of(getattr(record, field))]
    if not found:
        return unknown(name, label, "没有写明专利、品种权或著作权")
    dated = sorted(((one.ends, field, one) for field, one in found if one.ends is not None), key=lambda row: row[0])
    if not dated:
        field, one = found[0]
        text = f"提到{one.kind}，没有写明申请日或专利号，剩余年限不明"
        return Indicator(
            name=name,
            label=label,
            status="stated",
            text=text,
            evidence=(quoted(record.achievement_id, field, one.quote),),
        )
    ends, field, one = dated[0]
    left = (ends - as_of).days / 365.25
    text = f"{one.kind}，申请日起保护 {one.years} 年，"
    text += f"{'' if one.exact else '约'}还剩 {left:.0f} 年（是否维持须查登记簿）" if left > 0 else "保护期已过"
    return Indicator(
        name=name,
        label=label,
        status="warning" if left < ENDING_YEARS else "stated",
        text=text,
        value=round(left, 1),
        evidence=(quoted(record.achievement_id, field, one.quote),),
    )


def _holders(record: Achievement) -> Indicator:
    name, label = "holders", "权利人"
    names = [one for one in _SEPARATORS.split(record.holder) if one.strip()]
    if not names:
        return unknown(name, label, "没有写明完成单位")
    evidence = (quoted(record.achievement_id, "holder", record.holder),)
    if len(names) == 1:
        text = "只有一家完成单位，实施和后续支持都依赖它"
        return Indicator(name=name, label=label, status="warning", text=text, value=1, evidence=evidence)
    text = f"由 {len(names)} 家单位共同完成，转让或许可前须确认各方意见"
    return Indicator(name=name, label=label, status="stated", text=text, value=len(names), evidence=evidence)


def _age(record: Achievement, as_of: date) -> Indicator:
    name, label = "age", "信息时效"
    field = "updated_at" if record.updated_at is not None else "published_at"
    day = record.updated_at or record.published_at
    if day is None:
        return unknown(name, label, "没有写明发布或更新日期")
    years = (as_of - day).days / 365.25
    evidence = (quoted(record.achievement_id, field, day.isoformat()),)
    if years > STALE_YEARS:
        text = f"已 {years:.0f} 年没有更新，可能已经过时"
        return Indicator(name=name, label=label, status="warning", text=text, value=round(years, 1), evidence=evidence)
    text = f"最近日期 {day.isoformat()}"
    return Indicator(
        name=name, label=label, status="stated", text=text, value=round(max(years, 0), 1), evidence=evidence
    )


def _regulated(record: Achievement) -> Indicator:
    name, label = "regulated", "受监管领域"
    found = []
    for words, rule in _REGULATED:
        for field in TEXTS[:2]:
            if one := re.search(words, getattr(record, field)):
                found.append((rule, quoted(record.achievement_id, field, one.group())))
                break
    if not found:
        return unknown(name, label, "文中没有提到常见的受监管领域")
    text = "；".join(rule for rule, _ in found)
    return Indicator(name=name, label=label, status="warning", text=text, evidence=tuple(one for _, one in found))


def _figures(record: Achievement) -> Indicator:
    """Return whether two fields of the record state different values of one parameter as reached."""
    name, label = "figures", "指标是否一致"
    stated = [
        (field, one, read_name(one.parameter).flat)
        for field in TEXTS
        for one in extract(getattr(record, field), "supply", title=field == "title", field=field)
        if one.parameter and one.role == "achieved" and one.op not in ("increase", "decrease", "times")
    ]
    both = [
        ((field, one), (other_field, other))
        for (field, one, parameter), (other_field, other, same) in combinations(stated, 2)
        if field != other_field and parameter == same and one.canonical_unit == other.canonical_unit
    ]
    apart = [pair for pair in both if _disjoint(pair[0][1], pair[1][1])]
    if apart:
        (field, one), (other_field, other) = apart[0]
        text = f"{one.parameter}前后不一：“{one.quote}”与“{other.quote}”"
        evidence = tuple(quoted(record.achievement_id, f, q.quote) for f, q in ((field, one), (other_field, other)))
        return Indicator(name=name, label=label, status="warning", text=text, evidence=evidence)
    if not both:
        return unknown(name, label, "没有在两处写明的同一指标，无从核对")
    (field, one), (other_field, other) = both[0]
    evidence = tuple(quoted(record.achievement_id, f, q.quote) for f, q in ((field, one), (other_field, other)))
    return Indicator(name=name, label=label, status="computed", text="两处写明的指标没有矛盾", evidence=evidence)


def _disjoint(one: Quantity, other: Quantity) -> bool:
    (low, high), (other_low, other_high) = one.canonical, other.canonical
    return (high is not None and other_low is not None and high < other_low) or (
        other_high is not None and low is not None and other_high < low
    )


def _modes(record: Achievement) -> Indicator:
    name, label = "modes", "合作方式"
    if not record.transfer_modes:
        return unknown(name, label, "没有写明转让、许可、作价入股等合作方式")
    text = "、".join(record.transfer_modes)
    return Indicator(
        name=name,
        label=label,
        status="stated",
        text=text,
        evidence=(quoted(record.achievement_id, "transfer_modes", text),),
    )
