"""Cards of an achievement: each indicator quotes its record or is unknown; conflicts and ends are seen."""

from datetime import date

import pytest
from pydantic import ValidationError

from data.records import Achievement, Demand
from knowledge_graph.maturity.stage import StageEstimate
from matcher.cards.answer import Evidence, Indicator
from matcher.cards.cards import achievement_cards, surroundings
from matcher.cards.market import market_card
from matcher.cards.maturity import maturity_card
from matcher.cards.rights import rights_of
from matcher.cards.risk import risk_card
from matcher.engine import Engine
from matcher.recommendation import SimilarRecord
from tests.some import some

TODAY = date(2026, 1, 31)
FIELDS = ("title", "content", "indicators", "ip", "stage", "holder", "form")


def record(**values):
    return Achievement.model_validate({"achievement_id": "A1", "title": "低温干化设备"} | values)


def lines(card):
    return {one.name: one for one in card.indicators}


def unsure(_record):
    return StageEstimate(0, 0.4, ())


def test_what_is_not_unknown_has_evidence():
    with pytest.raises(ValidationError):
        Indicator(name="x", label="x", status="stated", text="x")
    with pytest.raises(ValidationError):
        Indicator(
            name="x", label="x", status="unknown", text="x", evidence=(Evidence(quote="x", id="A", field="title"),)
        )


def test_every_quote_is_a_record_s_own_words():
    offer = record(
        content="设备已批量生产。含水率≤40%。本发明专利号ZL201910123456.7。用于农药废水。",
        indicators="含水率≤30%；含水率≥55%",
        holder="某大学、某公司",
        stage="小试",
        form="新产品",
        transfer_modes=("许可",),
        published_at="2020-01-05",
    )
    indicators = (*maturity_card(offer).indicators, *risk_card(offer, TODAY).indicators)
    for known in some(evidence for one in indicators for evidence in one.evidence):
        text = getattr(offer, known.field)
        assert known.quote in ("、".join(text) if isinstance(text, tuple) else str(text))


def test_a_declared_level_that_the_text_contradicts_is_flagged_with_both():
    found = lines(maturity_card(record(trl=3, content="已完成中试，并实现批量生产。"), unsure))
    assert found["conflict"].status == "warning"
    assert [one.field for one in found["conflict"].evidence] == ["trl", "content"]
    agreeing = lines(maturity_card(record(trl=9, content="已实现批量生产。"), unsure))
    assert agreeing["conflict"].status == "computed"


def test_an_estimate_two_stages_off_is_flagged_and_one_that_abstains_is_not():
    def mature(_record):
        return StageEstimate(2, 0.8, ("单位=企业",))

    offer = record(stage="初期阶段", holder="某公司")
    assert lines(maturity_card(offer, mature))["conflict"].status == "warning"
    assert lines(maturity_card(offer, unsure))["conflict"].status == "unknown"
    assert lines(maturity_card(offer, unsure))["estimated"].status == "unknown"


@pytest.mark.parametrize(
    ("text", "kind", "ends"),
    [
        ("ZL201910123456.7", "发明专利", date(2039, 1, 1)),
        ("专利号：ZL 202120123456.X", "实用新型", date(2031, 1, 1)),
        ("CN202030123456.1", "外观设计", date(2030, 1, 1)),
        ("CN202230123456.1", "外观设计", date(2037, 1, 1)),
        ("植物新品种权，申请日：2019年8月10日", "植物新品种", date(2039, 8, 10)),
        ("发明专利，申请日：2020年2月29日", "发明专利", date(2040, 2, 28)),
        ("发明专利，申请日：2020年2月30日", "发明专利", None),
        ("已获软件著作权", "软件著作权", None),
    ],
)
def test_rights_end_by_their_kind_and_filing(text, kind, ends):
    (found,) = rights_of(text)
    assert (found.kind, found.ends) == (kind, ends)
    assert found.quote in text


def test_risks_are_seen_and_what_is_not_stated_is_unknown():
    risky = lines(
        risk_card(
            record(
                content="一种除草剂，强度≥80MPa",
                indicators="强度≤50MPa",
                ip="ZL200610123456.7",
                holder="某公司",
                published_at="2020-01-05",
            ),
            TODAY,
        )
    )
    assert {name for name, one in risky.items() if one.status == "warning"} == {
        "rights", "holders", "age", "regulated", "figures"
    }  # fmt: skip
    assert risky["modes"].status == "unknown"
    assert {one.status for one in risk_card(record(), TODAY).indicators} == {"unknown"}


def test_the_market_counts_demands_regions_budgets_and_competitors():
    demands = [
        Demand(demand_id=f"D{n}", title=f"需求{n}", region=region, budget_max=budget)
        for n, (region, budget) in enumerate([("330100", 50), ("330200", None), ("410100", 200)])
    ]
    like = [
        SimilarRecord(id=f"B{n}", title="干化机", owner=owner, region=None, status="发布", similarity=cosine)
        for n, (owner, cosine) in enumerate([("甲", 0.9), ("某公司", 0.85), ("乙", 0.5)])
    ]
    found = lines(market_card(record(holder="某公司"), demands, like, 50))
    assert (found["demands"].value, found["regions"].value, found["competing"].value) == (3, 2, 1)
    assert "浙江省 2 项" in found["regions"].text
    assert "50–200 万元" in found["budgets"].text
    assert [one.id for one in found["competing"].evidence] == ["B0"]
    nothing = lines(market_card(record(), None, [], 0))
    assert {one.status for one in nothing.values()} == {"unknown"}


def test_without_text_or_ranker_the_market_is_unknown(known):
    engine = Engine(known.model)
    offer = known.world.achievements[0]
    around = surroundings(engine, offer, TODAY)
    assert (around.demand_ids, len(around.similar) > 0) == (None, True)
    cards = achievement_cards(offer, around, [], TODAY, "v").cards
    assert [card.name for card in cards] == ["maturity", "market", "risk"]
    assert lines(cards[1])["demands"].status == "unknown"
