"""Records of the suite's platform on chains: by what they state, else by their text, and why."""

from datetime import date

import numpy as np
import pytest

from data.files.chain_files import read_chain
from data.records import Achievement, Demand
from data.taxonomy.industries import industry_code
from data.taxonomy.industry_chain import Chain, ChainNode
from data.taxonomy.tables import shipped
from matcher.chains.placing import Basis, Placer
from matcher.chains.reading import PlacedBundle, chain_now, open_on
from matcher.engine import Engine
from tests.some import some

INDUSTRIES = read_chain([shipped("industries.csv")], "gbt4754", "国民经济行业").chain


def placed(model, chain, *records):
    """Return (node id, basis) of each placement of records, and why the first is there."""
    placer, encoder = Placer(chain, model.record_encoder.without_graph()), model.record_encoder.without_graph()
    demands = isinstance(records[0], Demand)
    view = encoder.demands(records) if demands else encoder.achievements(records)
    found = placer.place(view, "demands" if demands else "achievements", np.ones(len(view), bool))
    columns = zip(found.rows, found.nodes, found.basis, found.nearness, strict=True)
    why = [placer.why(view.cards, int(row), int(node), Basis(b), float(near)) for row, node, b, near in columns]
    nodes = [(chain.nodes[node].id, Basis(b)) for node, b in zip(found.nodes, found.basis, strict=True)]
    return nodes, why


def demand(**stated):
    return Demand(demand_id="d", **({"title": "低温干化设备"} | stated))


def test_a_stated_code_decides_for_the_longest_code_that_it_begins_with(model):
    chain = Chain(
        "c",
        "c",
        (ChainNode("all", "制造", industry="C"), ChainNode("x", "专用设备", "all", "35"), ChainNode("y", "乙")),
    )
    nodes, why = placed(model, chain, demand(industries=("C3511",)))
    assert nodes == [("x", Basis.INDUSTRY)]
    assert why[0] == "所属行业 3511，环节的行业代码 35"
    assert placed(model, chain, demand(industries=("2614",)))[0] == [("all", Basis.INDUSTRY)]
    two = placed(model, chain, demand(industries=("3511", "2614")))[0]
    assert sorted(two) == [("all", Basis.INDUSTRY), ("x", Basis.INDUSTRY)]


def test_below_a_stated_code_and_in_doubt_texts_decide(model):
    nodes = (
        ChainNode("p", "设备"),
        ChainNode("a", "污泥干化设备", "p", "3591"),
        ChainNode("b", "葡萄酒酿造", "p", "3531"),
    )
    found, why = placed(model, Chain("c", "c", nodes), demand(title="污泥低温干化设备", industries=("35",)))
    assert found == [("a", Basis.WITHIN)]
    assert "污泥干化设备" in why[0]
    others = ("葡萄酒酿造", "卫星导航", "儿童服装", "商业银行", "粮食种植", "影视院线", "高速公路", "体外诊断")
    same = (
        ChainNode("p", "行业"),
        ChainNode("a", "污泥干化设备", "p"),
        ChainNode("b", "污泥干化 设备", "p"),
        *(ChainNode(name, name, "p") for name in others),
    )
    found, why = placed(model, Chain("c", "c", same), demand(title="污泥干化设备"))
    assert found == [("p", Basis.SEVERAL)]
    assert "难分先后" in why[0]
    offered = Achievement(achievement_id="a", title="污泥干化设备")
    assert sorted(placed(model, Chain("c", "c", same), offered)[0]) == [("a", Basis.TEXT), ("b", Basis.TEXT)]
    apart = tuple(ChainNode(one.id, one.name) for one in same[1:3])
    assert placed(model, Chain("c", "c", apart), demand(title="污泥干化设备"))[0] == []


def test_a_name_decides_where_there_is_no_code(model):
    chain = Chain(
        "c", "c", (ChainNode("1", "生物医药Ⅱ"), ChainNode("2", "生物医药Ⅲ", "1"), ChainNode("3", "专用设备制造业"))
    )
    assert placed(model, chain, demand(field="生物医药"))[0] == [("2", Basis.NAME)]
    assert placed(model, chain, demand(industries=("3511",)))[0] == [("3", Basis.NAME)]


def test_what_says_nothing_near_is_on_no_node(model):
    chain = Chain("c", "c", (ChainNode("1", "葡萄酒酿造"),))
    assert placed(model, chain, demand(title="污泥低温干化设备", content="含水率降到40%以下"))[0] == []


def test_the_platforms_records_are_on_the_divisions_that_they_state(model):
    engine = Engine(model)
    bundle = PlacedBundle.of(INDUSTRIES, engine)
    now = chain_now(bundle, engine.state, date(2026, 5, 1), {})
    view, found = model.achievements.base, bundle.placed["achievements"]
    stated = {(row, code[:2]) for row, codes in enumerate(view.cards.industries) for code in map(industry_code, codes)}
    got = {
        (row, INDUSTRIES.nodes[node].industry)
        for row, node, basis in zip(found.rows.tolist(), found.nodes.tolist(), found.basis.tolist(), strict=True)
        if basis == Basis.INDUSTRY
    }
    assert set(some(got)) == stated
    places = range(len(INDUSTRIES.nodes))
    demands = {one.key for place in places for one in now.figures.demands[place]}
    is_open = engine.collection("demands").allowed(open_on(date(2026, 5, 1), frozenset()))
    assert len(demands) + now.figures.unplaced["demand"] == is_open.sum()
    section = INDUSTRIES.places["C"]
    inside = [place for place in places if section in INDUSTRIES.above(place)]
    keys = {one.key for place in inside for one in now.figures.demands[place]}
    assert now.figures.figures[section].demands_below == len(keys) > 0


def test_later_writes_and_ids_left_out_count_at_once(fresh_model):
    engine = Engine(fresh_model)
    bundle = PlacedBundle.of(INDUSTRIES, engine)
    place = INDUSTRIES.places["16"]
    today = date(2026, 5, 1)

    def titles(left_out=()):
        now = chain_now(bundle, engine.state, today, {"demand": frozenset(left_out)})
        return {now.record(one).title for one in now.figures.demands[place]}

    assert titles() == set()
    engine.upsert_demands([demand(title="烟丝含水率在线检测", industries=("C16",))])
    assert titles() == {"烟丝含水率在线检测"}
    assert titles(["d"]) == set()
    engine.upsert_demands([demand(title="烟丝含水率在线检测", industries=("C17",))])
    assert titles() == set()


@pytest.mark.parametrize("code", ["", "不是行业", "99"])
def test_a_code_that_is_none_leaves_it_to_the_text(model, code):
    chain = Chain("c", "c", (ChainNode("1", "污泥低温干化设备"),))
    found, _ = placed(model, chain, demand(title="污泥低温干化设备", industries=(code,) if code else ()))
    assert found == [("1", Basis.TEXT)]
