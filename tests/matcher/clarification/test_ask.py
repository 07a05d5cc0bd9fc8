"""Questions: candidates, the value of their answers, answers read back; ids say what was asked."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
from data.records import MAX_TITLE, Demand
from data.store.clarifications import Clarified, clarified
from knowledge_graph.queries.elements import find_elements
from knowledge_graph.taxonomy.regions import load_regions
from matcher.clarification.answers import MATURITY, UNCLEAR, clarification, question_text, read_answer, threshold_id
from matcher.clarification.ask import _gain, ask, best_ids, find_question
from matcher.clarification.questions import limit_questions, question_dict, threshold_questions
from matcher.engine import Engine
from matcher.rescoring import candidate_pool
from tests.matcher.particulars import demand
from tests.some import some

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def simulated(model):
    return Engine(model)


@pytest.fixture(scope="module")
def stored(platform):
    from data.store.store import Store

    with Store.open(platform.settings.store_url) as store:
        return {record.demand_id: record for record in store.demands()}, {
            r.achievement_id: r for r in store.achievements()
        }


@pytest.fixture(scope="module")
def asked(simulated, stored):
    """Questions about every demand of the platform that says something to match by."""
    demands, offers = stored
    found = {}
    for record in list(demands.values())[:8]:
        pool = candidate_pool(simulated, record)
        found[record.demand_id] = ask(simulated, record, [offers[i] for i in best_ids(pool)], pool=pool)
    return found


def test_questions_come_by_value_with_answers_to_click(asked):
    assert sum(map(len, asked.values())) > len(asked)
    for questions in asked.values():
        assert [q.value for q in questions] == sorted((q.value for q in questions), reverse=True)
        assert len({q.id for q in questions}) == len(questions)
        for question in questions:
            assert question.value >= 0
            assert 0 <= question.changed <= 10
            assert question.options
            assert sum(option.probability for option in question.options) <= 1 + 1e-9
            assert question.text.endswith(("？", "）"))
            assert question_dict(question)["question_id"] == question.id


def test_every_offered_answer_can_be_given_and_changes_structured_fields_alone(asked, stored):
    demands, _ = stored
    offered = [(demands[key], question) for key, questions in asked.items() for question in questions]
    for written, question in some(offered):
        for option in some(question.options):
            given_ = clarification(written, question.id, option.answer, "张三", NOON)
            assert given_.question == question.text
            assert given_.changes != Clarified()
            told = clarified(written, [given_])
            assert (told.title, told.content, told.kpis) == (written.title, written.content, written.kpis)
            assert told != written
            Demand.model_validate(told.model_dump())


def test_only_what_is_open_is_asked(asked, stored, simulated):
    demands, _ = stored
    elements = 0
    for demand_id, questions in some(asked.items()):
        record = demands[demand_id]
        stated = find_elements(record, simulated.model.graph)
        for question in questions:
            kind, _, name = question.id.partition(":")
            if kind == "element":
                assert not stated.stated(name)
                elements += 1
    assert elements


def test_a_limit_can_be_asked_for_where_it_is_open_and_only_there(stored, simulated):
    none = {"region": None, "trl_min": None, "budget_min": None, "budget_max": None}
    for record in some(list(stored[0].values())[:4]):
        pool = candidate_pool(simulated, record)
        for asking in (record, record.model_copy(update=none)):
            ids = {question.id for question in limit_questions(asking, pool)}
            assert ("limit:region" in ids) == (asking.region is None)
            assert ("limit:maturity" in ids) == (asking.trl_min is None)
            assert ("limit:budget" in ids) == (asking.budget_max is None and asking.budget_min is None)


def test_an_answered_question_is_not_asked_again(asked, stored, simulated):
    demands, _ = stored
    demand_id, questions = next((key, value) for key, value in asked.items() if value)
    given_ = clarification(demands[demand_id], questions[0].id, questions[0].options[0].answer, "", NOON)
    again = ask(simulated, clarified(demands[demand_id], [given_]), answered=[given_])
    assert questions[0].id not in [question.id for question in again]


def test_the_value_is_what_reordering_by_the_answer_gains():
    before = np.arange(10)
    assert _gain(np.linspace(3, 0, 20), before) == (0.0, 0.0)
    grades = np.zeros(20)
    grades[15] = 4.0
    gain, changed = _gain(grades, before)
    assert gain == pytest.approx(1.0 / (1.0 / np.log2(np.arange(2, 12))).sum())
    assert changed == 1


@given(st.lists(st.floats(0, 4), min_size=1, max_size=40))
def test_an_answer_never_costs(grades):
    gain, changed = _gain(np.array(grades), np.arange(min(10, len(grades))))
    assert -1e-12 <= gain <= 1
    assert 0 <= changed <= 10


def test_limits_of_parameters_come_from_candidates(taught, known):
    engine = Engine(taught)
    record = known.world.demands[0]
    pool = candidate_pool(engine, record)
    by_id = {offer.achievement_id: offer for offer in known.world.achievements}
    offers = [
        by_id[name].model_copy(update={"indicators": f"含水率{30 + place}%"})
        for place, name in enumerate(best_ids(pool))
    ]
    (question,) = threshold_questions(record, pool, offers)
    assert question.id == threshold_id("含水率", "le", "%")
    assert question.entry == "%"
    assert [float(option.answer) for option in question.options] == pytest.approx([32.75, 38.25])
    asking = record.model_copy(update={"kpis": "含水率不超过40%"})
    assert threshold_questions(asking, pool, offers) == []


def test_limits_follow_the_candidates(taught, known):
    engine = Engine(taught)
    record = known.world.demands[0]
    pool = candidate_pool(engine, record)
    ids = [question.id for question in limit_questions(record, pool)]
    assert "limit:maturity" in ids
    assert "limit:budget" not in ids  # no candidate names a price
    full = record.model_copy(
        update={"trl_min": 5, "region": "410100", "cooperation_modes": ("许可",), "budget_max": 5.0}
    )
    assert limit_questions(full, pool) == []


@pytest.mark.parametrize(
    ("question", "answer", "changes"),
    [
        ("element:material", "市政污泥", {"keywords": ("市政污泥",)}),
        ("sense:制浆", "高浓盘磨、磨浆", {"keywords": ("高浓盘磨", "磨浆")}),
        ("threshold:le:%:含水率", "40", {"keywords": ("含水率≤40%",)}),
        ("threshold:ge:MPa:强度", "约 1.5 MPa", {"keywords": ("强度≥1.5MPa",)}),
        ("limit:budget", "80万元", {"budget_max": 80.0}),
        ("limit:budget", "１２.５", {"budget_max": 12.5}),
        ("limit:maturity", MATURITY[6], {"trl_min": 6}),
        ("limit:maturity", "7", {"trl_min": 7}),
        ("limit:region", "郑州", {"region": "410100"}),
        ("limit:region", "410105", {"region": "410105"}),
        ("limit:cooperation", "许可、入股", {"cooperation_modes": ("许可", "入股")}),
        ("limit:budget", UNCLEAR, {}),
    ],
)
def test_answers_are_read(question, answer, changes):
    assert read_answer(question, answer) == Clarified(**changes)


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        ("nonsense", "x", "no question"),
        ("element:colour", "x", "no question"),
        ("limit:budget", "很多", "no number"),
        ("limit:budget", "-3", "below 0"),
        ("limit:maturity", "12", "no level"),
        ("limit:region", "火星", "unknown region"),
        ("limit:region", "999999", "unknown region"),
        ("limit:cooperation", "送我", "unknown"),
        ("element:material", "", "1 to 60"),
        ("element:material", "很" * 61, "1 to 60"),
    ],
)
def test_answers_that_do_not_fit_are_refused(question, answer, message):
    with pytest.raises(InputError, match=message):
        read_answer(question, answer)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_answer_breaks_anything(question, answer):
    for name in (question, "limit:budget", "limit:region", "limit:maturity", "element:effect", f"sense:{question}"):
        try:
            changes = read_answer(name, answer)
        except InputError:
            continue
        record = clarified(demand("题"), [clarification(demand("题"), name, answer, "", NOON)])
        Demand.model_validate(record.model_dump() | {"demand_id": "D1"})
        assert all(len(word) <= MAX_TITLE for word in changes.keywords)


def test_every_city_can_be_clicked():
    """What a region option shows reads back as the region it represents, or as one of the same name."""
    regions = load_regions()
    for code, name in some(regions.names.items()):
        read = read_answer("limit:region", name).region
        assert regions.name(int(read or 0)) == name, (code, name)


def test_an_unknown_question_is_named(asked):
    with pytest.raises(InputError, match="element:nothing"):
        find_question(next(iter(asked.values())), "element:nothing")
    with pytest.raises(InputError, match="no question"):
        question_text("")


def test_without_a_ranker_nothing_is_asked(known):
    with pytest.raises(InputError, match="no ranker"):
        ask(Engine(known.model), known.world.demands[0])
