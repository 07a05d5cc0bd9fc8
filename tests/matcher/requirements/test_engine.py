"""The engine checks a demand's figures against what achievements state, also of records written a moment ago."""

from datetime import UTC, datetime

import pytest

from data.records import Achievement, Demand
from data.store.clarifications import clarified
from matcher.clarification.answers import clarification, threshold_id
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.requirements.table import BETWEEN_KEYWORDS, KEPT, quantities_of

SUBJECTS = ("混凝土外加剂", "污泥干化设备", "锂电池负极", "茶叶烘干", "无人机巡检", "耐火材料", "钢板轧制", "水处理膜")


def offer(number, content, title=""):
    return Achievement(achievement_id=f"A{number}", title=title or SUBJECTS[number % 8], content=content)


@pytest.fixture(scope="module")
def model(encoder):
    offers = [offer(number, f"{SUBJECTS[number]}的研究与应用。") for number in range(8)]
    offers += [
        offer(8, "高强混凝土外加剂，所得混凝土抗压强度达到62.5N/mm2，水分含量为9%。"),
        offer(9, "普通混凝土外加剂，所得混凝土抗压强度达到40MPa。", "普通混凝土外加剂"),
    ]
    demands = [
        Demand(demand_id="D0", title="混凝土外加剂", content="要求混凝土抗压强度不低于50MPa。", kpis="含水率≤12%"),
        *(Demand(demand_id=f"D{number}", title=SUBJECTS[number]) for number in range(1, 8)),
    ]
    return MatchingModel.build(offers, demands, encoder), demands, offers


def requirements(answer):
    return {match.id: [(check.status, check.required.field) for check in match.requirements] for match in answer.items}


def test_explained_matches_show_what_is_met_missed_and_unknown(model):
    built, demands, _ = model
    engine = Engine(built)
    told = requirements(engine.recommend_achievements(demands[0], explain=True))
    assert told["A8"] == [("met", "content"), ("met", "kpis")]
    assert told["A9"] == [("missed", "content"), ("unknown", "kpis")]
    assert told["A0"] == [("unknown", "content"), ("unknown", "kpis")]
    assert not any(requirements(engine.recommend_achievements(demands[0])).values())


def test_the_other_side_sees_the_same_report(model):
    built, demands, offers = model
    engine = Engine(built)
    told = requirements(engine.recommend_demands(offers[9], explain=True))
    assert told["D0"] == [("missed", "content"), ("unknown", "kpis")]
    check = engine.match(demands[0], offers[9]).requirements[0]
    assert check.status == "missed"
    content = demands[0].content
    assert content[check.required.start : check.required.end] == check.required.text
    assert offers[9].content[check.offered.start : check.offered.end] == check.offered.text
    assert check.margin == pytest.approx(-0.2)


def test_hard_misses_are_hidden_on_request_and_the_unknown_stays(model):
    built, demands, _ = model
    engine = Engine(built)
    shown = {match.id for match in engine.recommend_achievements(demands[0]).items}
    kept = engine.recommend_achievements(demands[0], filters=Filters(hide_hard_misses=True)).items
    assert shown - {match.id for match in kept} == {"A9"}


def test_figures_of_written_records_count_at_once(model):
    built, demands, _ = model
    engine = Engine(built)
    engine.upsert_achievements([offer(9, "普通混凝土外加剂，所得混凝土抗压强度达到55MPa。", "普通混凝土外加剂")])
    engine.upsert_achievements([offer(20, "混凝土外加剂，含水率为15%。", "新混凝土外加剂")])
    told = requirements(engine.recommend_achievements(demands[0], explain=True))
    assert told["A9"][0][0] == "met"
    assert told["A20"] == [("missed", "kpis"), ("unknown", "content")]  # what is missed comes first
    changed = demands[0].model_copy(update={"kpis": "含水率≤20%"})
    engine.upsert_demands([changed])
    assert requirements(engine.recommend_achievements(changed, explain=True))["A20"][1][0] == "met"


def test_a_bundle_keeps_its_figures(model, tmp_path):
    built, demands, offers = model
    built.save_records(tmp_path)
    assert (tmp_path / "quantities" / "achievements" / "codes.npy").is_file()
    from matcher.requirements.collection import Quantities

    loaded = Quantities.load(tmp_path / "quantities")
    assert len(loaded.achievements) == len(offers)
    assert len(loaded.demands) == len(demands)


def test_an_entered_threshold_is_a_requirement_from_the_next_answer_on(model):
    built, _, _ = model
    engine = Engine(built)
    plain = Demand(demand_id="D1", title="混凝土外加剂", content="希望购买一种外加剂。")
    assert engine.recommend_achievements(plain, explain=True).items[0].requirements == []
    given = clarification(plain, threshold_id("抗压强度", "ge", "MPa"), "50", "张三", datetime(2026, 1, 1, tzinfo=UTC))
    told = clarified(plain, [given])
    for stored in (False, True):
        if stored:
            engine.upsert_demands([told])
        found = requirements(engine.recommend_achievements(told, explain=True))
        assert found["A8"] == [("met", "keywords")]
        assert found["A9"] == [("missed", "keywords")]
        assert found["A0"] == [("unknown", "keywords")]
    check = engine.match(told, built_offer(model, "A9")).requirements[0]
    assert check.required.text == "抗压强度≥50MPa"
    assert check.text.startswith("补充的要求“抗压强度≥50MPa”")
    shown = BETWEEN_KEYWORDS.join(told.keywords)
    assert shown[check.required.start : check.required.end] == check.required.text
    later = clarification(plain, given.question_id, "30", "张三", datetime(2026, 1, 2, tzinfo=UTC))
    again = requirements(engine.recommend_achievements(clarified(plain, [given, later]), explain=True))
    assert again["A9"] == [("met", "keywords")]


def test_what_is_entered_is_not_crowded_out_by_a_long_text():
    text = "".join(f"指标{number}不低于{number}MPa，" for number in range(10_000))[:49_000]
    demand = Demand(demand_id="D", title="外加剂", content=text, keywords=("抗压强度≥50MPa", "3D打印", "304不锈钢"))
    found = quantities_of(demand)
    assert len(found) == KEPT
    assert (found[0].quote, found[0].field) == ("抗压强度≥50MPa", "keywords")
    assert [quantity.field for quantity in found].count("keywords") == 1


def built_offer(model, achievement_id):
    return next(record for record in model[2] if record.achievement_id == achievement_id)
