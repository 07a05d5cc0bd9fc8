"""Records of kinds take the request path of achievements: one caller of the channels, one selection, one exclusion."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data.kinds.record import KindRecord
from data.kinds.registry import Kinds, load_kinds
from data.records import Demand
from data.store.kind_records import KindChange
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.index import KindIndex, as_achievement
from matcher.kinds.recommend import recommend_kinds
from matcher.ranking.prior import FIRST_DAY
from tests.matcher.worlds import TOPICS
from tests.some import some

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def index(known) -> KindIndex:
    """Sixty services of six topics, ten providers, one record a double of another."""
    records = [
        KindRecord(
            kind="service",
            id=f"S{i:02d}",
            title=f"{topic[i % 8]}{topic[(i + 3) % 8]}检测服务",
            content="，".join(topic[(i + k) % 8] for k in range(1, 6)) + f"，第{i}项",
            provider=f"机构{i % 10}",
        )
        for i in range(60)
        for topic in [TOPICS[i % 6]]
    ]
    records.append(records[0].model_copy(update={"id": "S99"}))
    return KindIndex.build(known.model.record_encoder, load_kinds(), records)


@pytest.fixture(scope="module")
def engine(known) -> Engine:
    return Engine(known.model)


def ids(engine, index, demand, top=8):
    return [
        item.id for item in recommend_kinds(engine, index, demand, KindsQuery({"service": top}, TODAY)).kinds[0].items
    ]


def test_the_channels_have_one_caller():
    using = {
        str(path.relative_to(ROOT))
        for room in ("data", "knowledge_graph", "models", "matcher", "eval", "training", "serving")
        for path in (ROOT / room).rglob("*.py")
        if "search_channels(" in path.read_text(encoding="utf-8")
    }
    assert using == {"matcher/ranking/channels.py", "matcher/request/pipeline.py"}


def test_the_list_is_the_order_of_the_prior_over_all_records(known, engine, index):
    """What the channels propose of sixty records is all of them: the best of the list are the best of all."""
    records = list(index.records["service"].values())
    offered = engine.model.record_encoder.achievements([as_achievement(one, index.kinds["service"]) for one in records])
    for demand in some(known.world.demands[:12]):
        asking = engine.subject(demand)
        pairs = PairBatch.of_demand(asking.view, asking.place, offered, np.arange(len(records)))
        columns = engine.model.label_free_table(pairs).select(tuple(f"{name}_for_demand" for name in FIRST_DAY))
        prior = columns @ np.array(list(FIRST_DAY.values())) / sum(FIRST_DAY.values())
        best = recommend_kinds(engine, index, demand, KindsQuery({"service": 8}, TODAY)).kinds[0].items
        scores = {one.id: float(value) for one, value in zip(records, prior, strict=True)}
        assert [item.score for item in best] == pytest.approx([scores[item.id] for item in best], abs=1e-4)
        assert best[0].score == pytest.approx(max(scores.values()), abs=1e-4)
        providers = [item.provider for item in best]
        assert max(map(providers.count, providers)) <= 3


def test_equal_texts_appear_once(engine, index):
    demand = Demand(demand_id="X", title=index.records["service"]["S00"].title)
    assert len({"S00", "S99"} & set(ids(engine, index, demand, top=20))) == 1


def test_what_a_demand_rules_out_is_not_among_its_services(engine, index):
    wanted = "需要污泥脱水检测"
    plain = ids(engine, index, Demand(demand_id="X", title=wanted), top=20)
    titles = {key: record.title for key, record in index.records["service"].items()}
    assert any("压滤机" in titles[key] for key in plain)
    ruled = ids(engine, index, Demand(demand_id="X", title=wanted, content="不要压滤机"), top=20)
    assert ruled
    assert not any("压滤机" in titles[key] for key in ruled)


def test_a_saved_index_answers_like_the_one_that_was_saved(engine, index, tmp_path, monkeypatch):
    demand = Demand(demand_id="X", title="需要污泥脱水检测")
    records = list(index.records["service"].values())
    index.save(tmp_path / "kinds")
    encoded = []
    encoder = engine.model.record_encoder

    def load(records, changes=(), kinds=index.kinds):
        loaded = KindIndex.load(tmp_path / "kinds", encoder, kinds, records).apply(changes)
        return loaded.apply(loaded.missing())

    plain = type(encoder).achievements
    monkeypatch.setattr(type(encoder), "achievements", lambda self, some: encoded.extend(some) or plain(self, some))
    first = recommend_kinds(engine, index, demand, KindsQuery({"service": 8}, TODAY))
    assert recommend_kinds(engine, load(records), demand, KindsQuery({"service": 8}, TODAY)) == first
    assert encoded == []  # nothing is read a second time

    best = first.kinds[0].items[0].id
    changed = next(one for one in records if one.id != best).model_copy(update={"title": "需要污泥脱水检测"})
    changes = [KindChange("service", best, None, 1), KindChange("service", changed.id, changed, 2)]
    kept = [changed if one.id == changed.id else one for one in records if one.id != best]
    late = KindRecord(kind="service", id="S98", title="污泥脱水检测上门")  # written while the bundle was made
    ids_now = ids(engine, load([*kept, late], changes), demand, top=20)
    assert best not in ids_now
    assert {changed.id, "S98"} <= set(ids_now)
    assert [one.achievement_id for one in encoded] == [changed.id, "S98"]

    encoded.clear()
    service = index.kinds["service"]
    load(records, kinds=Kinds([service.model_copy(update={"reason": "改过的声明"})]))
    assert encoded == []
    read = tuple(field.model_copy(update={"matched": True}) for field in service.fields)
    load(records, kinds=Kinds([service.model_copy(update={"fields": read})]))
    assert len(encoded) == len(records)  # their texts are others now


def test_kilometres_are_said_where_both_places_are_known(engine, index):
    placed = replace(index, records={"service": dict(index.records["service"])}, collections=index.collections)
    for number, region in enumerate(("330100", "330200", "410100", "330000", None)):
        name = f"S{number:02d}"
        placed.records["service"][name] = index.records["service"][name].model_copy(update={"region": region})
    asked = Demand(demand_id="D", title="".join(TOPICS[0]), content="".join(map("".join, TOPICS)), region="330110")
    items = recommend_kinds(engine, placed, asked, KindsQuery({"service": 60}, TODAY)).kinds[0].items
    found = {item.id: (item.kilometres, item.reasons[-1]) for item in items if item.id < "S05"}
    assert found["S00"] == (0, "与需求方同在一市")
    assert found["S01"][0] == pytest.approx(145, abs=10)
    assert found["S01"][1] == f"与需求方同在一省，相距约 {found['S01'][0]} 公里"
    assert found["S02"][1] == f"与需求方相距约 {found['S02'][0]} 公里"
    assert found["S03"] == (None, "与需求方同在一省")
    assert found["S04"][0] is None
