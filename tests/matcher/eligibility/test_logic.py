"""Three-valued logic: bounds to the last digit, unknown, and two laws: facts only narrow, order does not matter."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data.firms.facts import Figure, FirmFacts, Qualification, Right
from knowledge_graph.criteria.types import Group, Leaf, Tier, Tiers
from matcher.eligibility.known import Facts, years_between
from matcher.eligibility.logic import check_leaf, resolve_day, status_of

AS_OF = date(2024, 6, 30)
EPSILON = 1e-6
FIELDS = ("staff", "sales_last_year", "rd_to_sales_last_year", "years_registered", "revenue_each_of_3y", "own")
UNITS = {
    "staff": "人",
    "sales_last_year": "万元",
    "rd_to_sales_last_year": "%",
    "years_registered": "年",
    "revenue_each_of_3y": "万元",
    "own": "个",
}


def status(test, as_of=AS_OF, **facts):
    return status_of(test, Facts(FirmFacts(**facts), as_of))


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [
        (">=", "missed", "met", "met"),
        (">", "missed", "missed", "met"),
        ("<=", "met", "met", "missed"),
        ("<", "met", "missed", "missed"),
        ("=", "missed", "met", "missed"),
    ],
)
def test_a_bound_is_met_or_missed_to_the_last_digit(op, below, at, above):
    leaf = Leaf("total_assets", op, 2.0, "亿元")
    found = [
        status(leaf, total_assets={"value": value})
        for value in (20_000 * (1 - EPSILON), 20_000.0, 20_000 * (1 + EPSILON))
    ]
    assert found == [below, at, above]


def test_a_range_decides_only_where_all_of_it_agrees():
    leaf = Leaf("staff", ">=", 20.0, "人")
    assert status(leaf, staff={"low": 20}) == "met"
    assert status(leaf, staff={"high": 19}) == "missed"
    assert status(leaf, staff={"low": 10, "high": 30}) == "unknown"
    assert status(leaf) == "unknown"


def test_years_count_to_the_day():
    leaf = Leaf("years_registered", ">=", 1.0, "年")
    assert status(leaf, founded_on="2023-06-30") == "met"
    assert status(leaf, founded_on="2023-07-01") == "missed"
    assert years_between(date(2020, 2, 29), date(2021, 2, 28)) < 1 == years_between(date(2020, 2, 29), date(2021, 3, 1))


def test_qualifications_count_on_the_days_that_they_are_valid():
    leaf = Leaf("qualifications", "contains", "国家高新技术企业")
    held = {"name": "高新技术企业", "valid_from": "2021-07-01", "valid_until": "2024-06-30"}
    assert status(leaf, qualifications=[held]) == "met"
    assert status(leaf, date(2024, 7, 1), qualifications=[held]) == "unknown"
    assert status(leaf, date(2024, 7, 1), qualifications=[held], qualifications_complete=True) == "missed"
    assert status(leaf, date(2021, 6, 30), qualifications=[held], qualifications_complete=True) == "missed"


@pytest.mark.parametrize("name", ["企业", "“”", "高新"])
def test_a_scrap_of_a_name_is_no_qualification(name):
    leaf = Leaf("qualifications", "contains", "国家高新技术企业")
    held = [{"name": name}]
    assert status(leaf, qualifications=held) == "unknown"
    assert status(Leaf("industry", "=", "新材料"), industry={"values": ["新"], "complete": True}) == "missed"


def test_rights_not_listed_are_unknown_unless_the_list_is_complete():
    leaf = Leaf("granted_ip_any", ">=", 2.0, "件")
    one = {"type": "software", "count": 1}
    assert status(leaf, rights=[one]) == "unknown"
    assert status(leaf, rights=[one], rights_complete=True) == "missed"
    assert status(leaf, rights=[one, {"type": "design", "count": 1}]) == "met"
    assert status(leaf, rights=[{"type": "design", "count": 5, "state": "applied"}], rights_complete=True) == "missed"


def test_years_of_figures_follow_the_day_of_asking():
    leaf = Leaf("sales_last_year", ">=", 1000.0, "万元")
    sales = {2022: {"value": 900}, 2023: {"value": 1000}}
    assert status(leaf, sales=sales) == "met"
    assert status(leaf, date(2023, 6, 30), sales=sales) == "missed"
    assert status(leaf, date(2025, 6, 30), sales=sales) == "unknown"


def test_tiers_ask_what_the_size_says():
    tiers = Tiers(
        "sales_last_year",
        "万元",
        tuple(
            Tier(low, high, True, Leaf("rd_to_sales_last_year", ">=", share, "%"))
            for low, high, share in ((None, 5000.0, 5.0), (5000.0, 20000.0, 4.0), (20000.0, None, 3.0))
        ),
    )
    facts = {"rd_cost": {2023: {"value": 225}}}
    assert status(tiers, sales={2023: {"value": 5000}}, **facts) == "missed"
    assert status(tiers, sales={2023: {"value": 5000.01}}, **facts) == "met"
    assert status(tiers, **facts) == "unknown"


def test_bad_records_are_absent_only_if_none_is_known_to_exist():
    leaf = Leaf("近三年重大违法违规行为", "=", 0.0)
    assert status(leaf) == "unknown"
    assert status(leaf, credit_records={"value": 0}) == "met"
    assert status(leaf, credit_records={"value": 2}) == "unknown"
    assert status(leaf, other={"近三年重大违法违规行为": {"value": 1}}) == "missed"


def test_places_hold_for_the_city_and_its_province():
    assert status(Leaf("registered_province", "=", "330000"), region="330106") == "met"
    assert status(Leaf("registered_city", "=", "330100"), region="330106") == "met"
    assert status(Leaf("registered_city", "=", "330200"), region="330106") == "missed"
    assert status(Leaf("registered_city", "=", "330100"), region="330000") == "unknown"
    assert status(Leaf("registered_province", "=", "110000"), region="110108") == "met"


def test_days_may_be_relative():
    assert resolve_day("上一年度07-01", AS_OF) == date(2023, 7, 1)
    assert resolve_day("2020-01-01", AS_OF) == date(2020, 1, 1)
    assert resolve_day("不久", AS_OF) is None


def test_other_units_are_not_compared():
    assert status(Leaf("own", ">=", 3.0, "年"), other={"own": {"value": 5, "unit": "人"}}) == "unknown"


def test_the_outcome_says_what_is_lacking():
    outcome = check_leaf(Leaf("rd_staff", ">=", 15.0, "人"), Facts(FirmFacts(rd_staff=Figure(value=12)), AS_OF))
    assert (outcome.status, outcome.gap, outcome.share) == ("missed", 3.0, 0.2)
    money = check_leaf(
        Leaf("total_assets", "<=", 2.0, "亿元"), Facts(FirmFacts(total_assets=Figure(value=25_000)), AS_OF)
    )
    assert money.gap == pytest.approx(0.5)


@pytest.mark.parametrize(
    "facts",
    [
        {"staff": {"value": 3, "low": 1}},
        {"staff": {"low": 5, "high": 4}},
        {"staff": {"value": float("nan")}},
        {"other": {"staff": {"value": 3}}},
        {"sales": {1800: {"value": 1}}},
        {"region": "11"},
        {"founded_on": "9999-12-31"},
        {"surprise": 1},
        {"qualifications": [{"name": "x", "valid_from": "2024-02-01", "valid_until": "2024-01-01"}]},
    ],
)
def test_what_cannot_be_a_fact_is_refused(facts):
    with pytest.raises(ValidationError):
        FirmFacts(**facts)


leaf_tests = st.builds(
    lambda field, op, value: Leaf(field, op, float(value), UNITS[field]),
    st.sampled_from(FIELDS), st.sampled_from([">=", ">", "<=", "<", "="]), st.integers(0, 12),
)  # fmt: skip
quality_tests = st.builds(lambda name: Leaf("qualifications", "contains", name), st.sampled_from(["甲级", "乙级"]))


def two_tiers(cut, one, two):
    return Tiers("sales_last_year", "万元", (Tier(None, float(cut), True, one), Tier(float(cut), None, False, two)))


def grouped(mode, parts):
    return Group(mode, tuple(parts))


tier_tests = st.builds(two_tiers, st.integers(0, 12), leaf_tests, leaf_tests)
trees = st.recursive(
    leaf_tests | quality_tests | tier_tests,
    lambda parts: st.builds(grouped, st.sampled_from(["all", "any"]), st.lists(parts, min_size=1, max_size=4)),
    max_leaves=8,
)
spans = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted)


def narrowed(data, low, high):
    """Return a figure from `low` to `high`, and one that lies within it."""
    inner = sorted(data.draw(st.tuples(st.integers(low, high), st.integers(low, high))))
    return Figure(low=low, high=high), Figure(low=inner[0], high=inner[1])


@given(st.data(), trees)
def test_a_fact_that_is_added_or_sharpened_never_unsettles_a_test(data, tree):
    """Met stays met and missed stays missed, whatever is added of what may be open."""
    before: dict = {"sales": {}, "rd_cost": {}}
    after: dict = {"sales": {}, "rd_cost": {}}
    for name in ("staff", ("sales", 2023), ("sales", 2022), ("sales", 2021), ("rd_cost", 2023), "own"):
        wide, narrow = narrowed(data, *data.draw(spans))
        kept = data.draw(st.sampled_from(["both", "added", "neither"]))
        for facts, figure in (
            (before, wide if kept == "both" else None),
            (after, None if kept == "neither" else narrow),
        ):
            if figure is None:
                continue
            if isinstance(name, tuple):
                facts[name[0]][name[1]] = figure
            elif name == "own":
                facts["other"] = {"own": figure}
            else:
                facts[name] = figure
    if data.draw(st.booleans()):
        before["founded_on"] = after["founded_on"] = AS_OF - timedelta(days=data.draw(st.integers(0, 4000)))
    if data.draw(st.booleans()):
        after["qualifications"] = (Qualification(name="甲级"),)
    one, two = status(tree, **before), status(tree, **after)
    assert one == "unknown" or one == two


def shuffled(tree, order):
    if isinstance(tree, Group):
        parts = [shuffled(part, order) for part in tree.parts]
        order.shuffle(parts)
        return Group(tree.mode, tuple(parts))
    return tree


@given(trees, st.randoms(use_true_random=False), st.integers(0, 12), st.integers(0, 12))
def test_order_does_not_matter(tree, order, staff, sales):
    facts = {
        "staff": Figure(value=staff),
        "sales": {2023: Figure(low=sales)},
        "rights": (Right(type="design", count=1),),
    }
    assert status(tree, **facts) == status(shuffled(tree, order), **facts)


@given(st.sampled_from([">=", ">", "<=", "<"]), st.integers(1, 10**6), st.sampled_from(["元", "万元", "亿元"]))
def test_bounds_hold_in_every_unit(op, bound, unit):
    leaf = Leaf("own", op, float(bound), unit)
    below, at, above = (
        status(leaf, other={"own": Figure(value=bound + step, unit=unit)})
        for step in (-EPSILON * bound, 0.0, EPSILON * bound)
    )
    low = op in (">=", ">")
    assert below == ("missed" if low else "met")
    assert above == ("met" if low else "missed")
    assert at == ("met" if op in (">=", "<=") else "missed")
