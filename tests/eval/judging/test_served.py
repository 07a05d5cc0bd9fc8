"""Lists whose items a scripted model levels: apart from people's levels, agreement measured, kept, exported."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from data.errors import InputError, ModelUnavailableError
from data.files.headers import FileKind, columns_of
from data.files.judged import JudgedPairs
from data.store.store import Store
from eval.judging.files import COLUMNS, model_levels_csv, people_levels_csv, read_model_levels
from eval.judging.served import LEFT_OUT, judge_served
from eval.judging.show import show_judged
from eval.served.evaluation import ServedResult
from eval.served.lists import ServedList
from eval.served.metrics import served_figures
from eval.served.task import served_task
from tests.matcher.worlds import TOPICS, make_world
from tests.models.remote.judging import chat_at, levelling
from tests.models.remote.scripted import scripted
from tests.some import some

NOW = datetime(2026, 5, 6, tzinfo=UTC)


def topic(text: str) -> int:
    return max(range(len(TOPICS)), key=lambda number: sum(word in text for word in TOPICS[number]))


def truth(need: str, offer: str) -> int:
    return 4 if topic(need) == topic(offer) else 1


@pytest.fixture(scope="module")
def result() -> ServedResult:
    """Nine demands, some of whose pairs people levelled; one system orders well, one badly."""
    world = make_world(9, 12)
    d, a = world.pairs()
    rows = np.flatnonzero(np.random.default_rng(1).random(len(d)) < 0.4)
    levels = 1 + world.grades(d[rows], a[rows])
    pairs = JudgedPairs(tuple(world.demands), tuple(world.achievements), d[rows], a[rows], levels)
    task = served_task(pairs, pairs)
    text_of = task.text_of
    lists: dict[str, list[ServedList]] = {"gongxu": [], "bm25": [], LEFT_OUT: []}
    for one in task.asked:
        good = sorted(task.achievements, key=lambda record: -truth(one.demand.content, record.content))
        for name, records in (("gongxu", good), ("bm25", good[::-1]), (LEFT_OUT, list(task.achievements))):
            found = tuple(text_of[record.achievement_id] for record in records[:4])
            lists[name].append(ServedList(found, (float("nan"),) * len(found)))
    known = [one.levels for one in task.asked]
    figures = {name: served_figures(found, known, task.good) for name, found in lists.items()}
    return ServedResult(task, lists, figures, Counter())


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def test_a_model_fills_what_nobody_judged_and_no_figure_mixes_both(result, store, tmp_path, capsys):
    with scripted(levelling(truth)) as script, chat_at(script.url, tmp_path) as chat:
        judged = judge_served(result, chat, store.model_levels, NOW, sample=20)
        asked = len(script.requests)
        again = judge_served(result, chat, store.model_levels, NOW, sample=20)
        assert len(script.requests) == asked
    assert (judged.levels, judged.new, again.new) == (asked, asked, 0)
    assert (judged.agreement.kappa.value, judged.agreement.weighted.value) == (1, 1)
    assert 20 <= judged.agreement.number < asked
    assert set(judged.model) == {"gongxu", "bm25"}
    by_model = {name: found.samples["judged10"][0] for name, found in judged.model.items()}
    assert by_model == pytest.approx({"gongxu": 0.4, "bm25": 0.4})  # four of ten places are filled
    assert judged.people["gongxu"].samples["judged10"][0] < 0.35
    assert judged.model["gongxu"].samples["ndcg10"][0] > judged.model["bm25"].samples["ndcg10"][0]
    assert judged.asked < len(result.task.asked)  # those that lent examples are left out
    assert store.counts().events == 0
    found = judged.as_json()
    assert (found["model"], found["ai_generated"], len(found["prompt"])) == ("scripted", True, 64)
    assert found["by_model"]["gongxu"]["p10"]["kappa"]["value"] == 1
    assert "kappa" not in found["people"]["gongxu"]["p10"]
    show_judged(judged)
    assert "levels of scripted" in capsys.readouterr().out


def test_examples_are_people_s_and_no_demand_that_lends_one_is_judged(result, store, tmp_path):
    with scripted(levelling(truth)) as script, chat_at(script.url, tmp_path) as chat:
        judge_served(result, chat, store.model_levels, NOW, sample=5)
        from_script = [body["messages"][1]["content"] for _, body, _ in script.requests]
    given = [json.loads(content) for content in some(from_script)]
    examples = given[0]["examples"]
    assert {one["等级"] for one in examples} == {1, 4}
    assert all(truth(one["需求"], one["成果"]) == one["等级"] for one in some(examples))
    lent = {one["需求"] for one in examples}
    assert all(one["examples"] == examples and one["需求"] not in lent for one in some(given))


def test_a_judge_that_says_anything_agrees_by_chance(result, store, tmp_path):
    careless = levelling(lambda need, offer: 1 + sum(map(ord, need + offer)) % 4)
    with scripted(careless) as script, chat_at(script.url, tmp_path) as chat:
        judged = judge_served(result, chat, store.model_levels, NOW, sample=200)
    for kappa in (judged.agreement.kappa, judged.agreement.weighted):
        assert kappa.low <= kappa.value <= kappa.high
        assert abs(kappa.value) < 0.5


def test_levels_without_true_quotes_are_none(result, store, tmp_path):
    with scripted(levelling(lambda *_: 4, quotes=False)) as script, chat_at(script.url, tmp_path) as chat:
        judged = judge_served(result, chat, store.model_levels, NOW, sample=5)
    assert judged.levels == 0
    assert judged.refused == {"摘录不在需求原文中": len(script.requests)}
    assert judged.agreement.number == 0
    assert np.isnan(judged.model["gongxu"].samples["ndcg10"][0])
    assert store.model_levels.all() == []


def test_a_run_that_is_stopped_goes_on_where_it_was(result, store, tmp_path):
    with scripted(levelling(truth)) as script:
        with (
            chat_at(script.url, tmp_path / "one", calls_a_day=30) as chat,
            pytest.raises(ModelUnavailableError, match=r"30 of .* levels are kept, run the command again"),
        ):
            judge_served(result, chat, store.model_levels, NOW, sample=20)
        assert len(store.model_levels.all()) == 30
        with chat_at(script.url, tmp_path / "two") as chat:
            judged = judge_served(result, chat, store.model_levels, NOW, sample=20)
        assert judged.new == judged.levels - 30 == len(script.requests) - 30


def test_a_file_of_levels_is_read_back_and_taken_for_no_person_s(result, store, tmp_path):
    with scripted(levelling(truth)) as script, chat_at(script.url, tmp_path) as chat:
        judge_served(result, chat, store.model_levels, NOW, sample=5)
    path = tmp_path / "levels.csv"
    path.write_text(model_levels_csv(store), encoding="utf-8")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert {(row["ai_generated"], row["model"]) for row in rows} == {("true", "scripted")}
    levels = read_model_levels(path)
    assert levels == store.model_levels.all()
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        assert (other.model_levels.keep(levels), other.model_levels.keep(levels)) == (len(levels), 0)
        assert model_levels_csv(other) == model_levels_csv(store)
    with pytest.raises(InputError, match="levels of models"):
        served_task(result.task.learned, result.task.learned, path)
    with pytest.raises(InputError, match="no judgement"):
        columns_of(COLUMNS, FileKind.JUDGEMENTS, "levels.csv")
    assert people_levels_csv(store) == "demand_id,achievement_id,level\n"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("level", "5", "'5' is not 1 to 4"),
        ("ai_generated", "", "no model's level"),
        ("texts", "abc", "no SHA-256"),
        ("model", "", "may not be empty"),
        ("given_at", "gestern", "gestern"),
    ],
)
def test_a_row_that_is_no_model_s_level_is_named(tmp_path, column, value, said):
    row = {"demand_id": "D", "achievement_id": "A", "level": "2", "ai_generated": "true", "model": "m"}
    row |= {"prompt": "0" * 64, "texts": "1" * 64, "given_at": NOW.isoformat(), "need_quote": "需", "offer_quote": "供"}
    path = tmp_path / "levels.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([row, row | {column: value}])
    with pytest.raises(InputError, match=f"row 3.*{said}"):
        read_model_levels(path)
