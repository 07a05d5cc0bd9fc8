"""Requirements are met, missed or unknown as the figures say, and nothing is guessed."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.records import Achievement, Demand
from knowledge_graph.quantities import extract
from matcher.collection.filters import Filters
from matcher.collection.rows import Placement
from matcher.requirements.brief import brief
from matcher.requirements.checker import RequirementChecker
from matcher.requirements.collection import Quantities
from matcher.requirements.report import FEATURES, compare, report, requirement_features
from matcher.requirements.table import QuantityTable, quantities_of
from matcher.requirements.wording import checks, summary
from tests.some import some


def status(wanted, offered):
    book = report(extract(f"要求{wanted}", "demand"), extract(offered, "supply"))
    assert len(book.entries) == 1, [entry.requirement.quote for entry in book.entries]
    return book.entries[0]


@pytest.mark.parametrize(
    ("wanted", "offered", "expected"),
    [
        ("抗压强度不低于50MPa", "抗压强度达到62.5N/mm2", "met"),
        ("抗压强度不低于50MPa", "抗压强度≥50MPa", "met"),
        ("抗压强度大于50MPa", "抗压强度为50MPa", "missed"),
        ("抗压强度不低于50MPa", "抗压强度达到45MPa", "missed"),
        ("抗压强度不低于50MPa", "抗压强度40～60MPa", "unknown"),
        ("抗压强度不低于50MPa", "抗压强度小于60MPa", "unknown"),
        ("抗压强度不低于50MPa", "抗压强度小于40MPa", "missed"),
        ("抗压强度不低于50MPa", "抗拉强度达到90MPa", "unknown"),
        ("抗压强度不低于50MPa", "抗压强度达到90kN", "not_comparable"),
        ("抗压强度不低于50MPa", "抗压强度提高20%", "not_comparable"),
        ("含水率不超过12%", "水分含量降至100000ppm", "met"),
        ("含水率降到12%以下", "含水率为15%", "missed"),
        ("含水率为12%", "含水率低于8%", "met"),
        ("含水率10-12%", "含水率8%", "met"),
        ("能耗降低30%", "能耗降低40%", "met"),
        ("能耗降低30%", "能耗降低10%", "missed"),
        ("工作温度-40~40℃", "工作温度-50～60℃", "met"),
        ("工作温度-40~40℃", "工作温度-20～60℃", "unknown"),
        ("工作温度-40~40℃", "工作温度100～160℃", "missed"),
        ("管道直径600mm", "管道直径600mm", "met"),
        ("管道直径600mm", "管道直径800mm", "unknown"),
    ],
)
def test_one_requirement_and_one_statement(wanted, offered, expected):
    assert status(wanted, offered).status == expected


@pytest.mark.parametrize(
    ("wanted", "offered", "label"),
    [
        ("含水率降到40%以下", "含水率33%", "含水率 33% ≤ 40%"),
        ("处理量不低于50吨/天", "处理量8.7吨/天", "处理量 8.7 < 50 吨/天"),
        ("处理量不低于50吨/天", "处理量8.7t/d", "处理量 8.7 t/d < 50 吨/天"),
        ("抗压强度大于50MPa", "抗压强度为50MPa", "抗压强度 50 ≤ 50 MPa"),
        ("抗压强度达到50MPa", "抗压强度为60MPa", "抗压强度 60 ≥ 50 MPa"),
        ("抗压强度不低于50MPa", "抗压强度小于40MPa", "抗压强度 40 MPa 以下 < 50 MPa"),
        ("抗压强度不低于50MPa", "抗压强度40～60MPa", "抗压强度 要求 ≥ 50 MPa，对方 40–60 MPa"),
        ("抗压强度不低于50MPa", "抗压强度达到90kN", "抗压强度 要求 ≥ 50 MPa，对方 90 kN，口径不同"),
        ("抗压强度不低于50MPa", "密度为3g/cm3", "抗压强度 ≥ 50 MPa 未说明"),
        ("工作温度-40~40℃", "工作温度-50～60℃", "工作温度 -50–60 满足 -40–40℃"),
        ("能耗降低30%", "能耗降低40%", "能耗 降低 40% ≥ 降低 30%"),
        ("能耗降低30%", "能耗降低10%", "能耗 降低 10% < 降低 30%"),
    ],
)
def test_the_label_of_a_requirement_says_it_in_figures(wanted, offered, label):
    assert brief(status(wanted, offered)) == label


def test_quotes_positions_values_and_margins():
    demand, offer = "要求堆积密度≥1.80克/立方厘米。", "产品松装密度达到1850kg/m3。"
    entry = report(extract(demand, "demand"), extract(offer, "supply")).entries[0]
    assert entry.status == "met"
    assert demand[entry.requirement.start : entry.requirement.end] == "堆积密度≥1.80克/立方厘米"
    assert offer[entry.answer.start : entry.answer.end] == entry.answer.quote
    assert entry.required == (pytest.approx(1800), None)
    assert entry.offered == (1850, 1850)
    assert entry.margin == pytest.approx(50 / 1800, abs=1e-6)


def test_aggregates_count_what_is_known():
    demand = extract("要求抗压强度≥50MPa，含水率≤12%，噪声≤60dB，电耗≤5kWh", "demand")
    offer = extract("抗压强度达到60MPa，含水率为15%，噪声为61dB", "supply")
    book = report(demand, offer)
    assert [entry.status for entry in book.entries] == ["met", "missed", "missed", "unknown"]
    assert book.share_met == pytest.approx(1 / 3)
    assert book.share_known == 0.75
    assert book.worst_margin == pytest.approx(-0.25)
    assert book.hard_misses == 1  # 61 dB is within a twentieth of 60


def test_without_requirements_nothing_is_missing():
    book = report(extract("员工50人", "demand"), extract("抗压强度60MPa", "supply"))
    assert book.entries == ()
    assert np.isnan([book.share_met, book.share_known, book.worst_margin]).all()


def test_statements_that_disagree_decide_nothing():
    entry = status("抗压强度≥50MPa", "其抗压强度达到40MPa；改进后抗压强度达到60MPa")
    assert entry.status == "unknown"


def test_what_is_set_decides_less_surely_than_what_is_achieved():
    demand = extract("要求抗压强度≥50MPa", "demand")
    offer = extract("抗压强度达到60MPa", "supply")
    assert report(demand, offer).entries[0].link >= 0.9


def records():
    demands = [
        Demand(demand_id="D1", title="高强混凝土", content="要求抗压强度≥50MPa，含水率≤12%。"),
        Demand(demand_id="D2", title="软件", content="需要一套软件。"),
    ]
    offers = [
        Achievement(achievement_id="A1", title="混凝土", content="抗压强度达到60MPa。", indicators="含水率为15%"),
        Achievement(achievement_id="A2", title="算法", content="准确率达到97%。"),
    ]
    return demands, offers


def test_features_of_pairs_and_of_candidates_are_the_same():
    demands, offers = records()
    book = Quantities.build(demands, offers)
    d, a = np.repeat([0, 1], 2).astype(np.int64), np.tile([0, 1], 2).astype(np.int64)
    pairs = book.pair_features(d, a)
    assert pairs.shape == (4, len(FEATURES))
    assert pairs.dtype == np.float32
    first = dict(zip(FEATURES, pairs[0].tolist(), strict=True))
    assert first["requirements_stated"] == 2
    assert first["requirements_share_met"] == 0.5
    assert first["requirements_hard_misses"] == 1


def test_written_records_stand_behind_the_built_ones():
    demands, offers = records()
    book = Quantities.build(demands, offers[:1])
    nothing = np.zeros(0, dtype=np.int64)
    later = book.with_achievements(offers[1:], Placement.of(1, 1, 1, nothing))
    later = later.with_achievements([offers[0]], Placement.of(1, 2, 1, nothing))
    assert len(later.achievements) == 3
    features = later.pair_features(np.zeros(3, dtype=np.int64), np.array([2, 1, 0], dtype=np.int64))
    np.testing.assert_array_equal(features[0], features[2])
    reports = RequirementChecker.of(later, demands[0]).reports(np.array([2, 1], dtype=np.int64))
    assert [entry.status for entry in reports[0].entries] == ["met", "missed"]
    assert [entry.status for entry in reports[1].entries] == ["unknown", "unknown"]
    assert len(book.achievements) == 1


def test_a_row_that_nobody_needs_is_used_again():
    demands, offers = records()
    book = Quantities.build(demands, offers[:1])
    first = book.with_achievements(offers[1:], Placement.of(1, 1, 1, np.zeros(0, dtype=np.int64)))
    placed = Placement.of(1, 2, 1, np.array([1]))
    assert placed.rows.tolist() == [1]
    later = first.with_achievements([offers[0]], placed)
    assert len(later.achievements) == 2
    features = later.pair_features(np.zeros(2, dtype=np.int64), np.array([0, 1]))
    np.testing.assert_array_equal(features[0], features[1])
    assert len(later.achievements.extra.codes) == len(later.read([offers[0]]).codes)  # what was replaced is gone
    assert len(first.achievements) == 2


def test_saved_quantities_come_back(tmp_path):
    demands, offers = records()
    book = Quantities.build(demands, offers)
    book.save(tmp_path / "quantities")
    loaded = Quantities.load(tmp_path / "quantities")
    rows = np.arange(2, dtype=np.int64)
    first = np.zeros(2, dtype=np.int64)
    np.testing.assert_array_equal(loaded.pair_features(first, rows), book.pair_features(first, rows))
    kept, fresh = RequirementChecker.of(loaded, demands[0], 0), RequirementChecker.of(book, demands[0])
    for one, other in some(zip(kept.reports(rows), fresh.reports(rows), strict=True)):
        assert one.entries == other.entries
    assert loaded.achievements.base.quantity(0) == quantities_of(offers[0])[0]


def test_answer_quotes_both_sides():
    demands, offers = records()
    book = Quantities.build(demands, offers)
    one = np.zeros(1, dtype=np.int64)
    found = RequirementChecker.of(book, demands[0]).reports(one)[0]
    missed, met = checks(found)
    assert met.text == "要求“抗压强度≥50MPa”，成果称“抗压强度达到60MPa”：满足（余量 20%）"
    assert missed.offered.field == "indicators"
    assert missed.text.endswith("未达到（相差 25%）")
    assert summary(found) == "指标核对：2 项要求中满足 1 项，未达到 1 项"
    assert summary(RequirementChecker.of(book, demands[1]).reports(one)[0]) == ""


def test_the_report_is_seen_from_either_side():
    demands, offers = records()
    book = Quantities.build(demands, offers)
    rows = np.arange(2, dtype=np.int64)
    from_demand = RequirementChecker.of(book, demands[0], 0)
    from_offer = RequirementChecker.of(book, offers[0], 0)
    assert from_demand.reports(rows)[0].entries == from_offer.reports(rows)[0].entries
    assert from_demand.allowed(rows, Filters(hide_hard_misses=True)).tolist() == [False, True]
    assert from_offer.allowed(rows, Filters(hide_hard_misses=True)).tolist() == [False, True]


def test_filters_by_figures_never_take_the_unknown_for_a_failure():
    demands, offers = records()
    book = Quantities.build(demands, [*offers, Achievement(achievement_id="A9", title="什么也没有说")])
    rows = np.arange(3, dtype=np.int64)
    checker = RequirementChecker.of(book, demands[0], 0)
    reports = checker.reports(rows)
    assert (
        reports[0].share_met,
        reports[0].share_known,
        reports[0].worst_margin,
    ) == (0.5, 1.0, -0.25)
    assert np.isnan([reports[2].share_met, reports[2].worst_margin]).all()
    for filters, kept in (
        (Filters(share_met_at_least=0.5), [True, True, True]),
        (Filters(share_met_at_least=0.6), [False, True, True]),
        (Filters(worst_margin_at_least=-0.3), [True, True, True]),
        (Filters(worst_margin_at_least=-0.1), [False, True, True]),
        (Filters(share_known_at_least=0.5), [True, reports[1].share_known >= 0.5, False]),
    ):
        assert filters.by_figures
        assert checker.allowed(rows, filters).tolist() == kept
    asks_nothing = RequirementChecker.of(book, demands[1], 1)
    assert asks_nothing.allowed(rows, Filters(share_known_at_least=1.0, share_met_at_least=1.0)).all()
    assert not Filters(exclude=("A1",)).by_figures


@settings(max_examples=60, deadline=None)
@given(
    bound=st.floats(0.1, 1e6),
    value=st.floats(0.1, 1e6),
    scale=st.sampled_from([("MPa", 1.0), ("kPa", 1e3), ("GPa", 1e-3)]),
)
def test_any_unit_gives_the_same_verdict(bound, value, scale):
    unit, factor = scale
    wanted = extract(f"要求抗压强度不低于{bound:.6g}MPa", "demand")
    told = float(f"{value:.6g}")
    assume(abs(told - float(f"{bound:.6g}")) > 1e-6 * bound)
    entry = report(wanted, extract(f"抗压强度达到{told * factor:.12g}{unit}", "supply")).entries[0]
    assert entry.status == ("met" if told > float(f"{bound:.6g}") else "missed")


def test_ten_thousand_numbers_are_compared_within_bounds():
    many = "、".join(f"抗压强度{number}MPa" for number in range(2_000))
    demand = Demand(demand_id="D", title="t", content="要求" + many.replace("强度", "强度≥"))
    offer = Achievement(achievement_id="A", title="t", content=many)
    wanted, offered = QuantityTable.build([quantities_of(demand)]), QuantityTable.build([quantities_of(offer)])
    one = np.zeros(1, dtype=np.int64)
    assert len(compare(wanted, one, offered, one).row) <= 32
    assert np.isfinite(requirement_features(wanted, one, offered, one)[0, 0])


def test_records_that_state_no_figure_join_those_that_do():
    def encode(texts):
        return np.tile(np.eye(1, 8, dtype=np.float32), (len(texts), 1))

    silent = QuantityTable.build([()], encode)
    stating = QuantityTable.build([extract("含水率≤40%", "demand")], encode)
    for parts in ([silent, stating], [stating, silent], [silent, silent]):
        joined = QuantityTable.concat(parts)
        assert len(joined) == 2
        assert len(joined.codes) == sum(len(part.codes) for part in parts)
