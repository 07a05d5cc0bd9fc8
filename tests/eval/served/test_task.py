"""What is asked and what may be known: demands of one text together, equal texts once, levels from a file."""

import numpy as np
import pytest

from data.errors import InputError
from data.files.judged import JudgedPairs
from eval.served.task import GOOD_LEVEL, GOOD_MEAN, served_task
from tests.matcher.worlds import make_world


@pytest.fixture(scope="module")
def pairs() -> JudgedPairs:
    """Every pair of 12 demands and 9 achievements; the last demand has the first one's title, two achievements one text."""
    world = make_world(12, 8)
    demands = [*world.demands[:11], world.demands[0].model_copy(update={"demand_id": "AGAIN", "content": "另一段"})]
    achievements = [*world.achievements, world.achievements[0].model_copy(update={"achievement_id": "TWIN"})]
    d, a = np.divmod(np.arange(12 * 9), 9)
    levels = np.where(a == 8, 4, np.where(a == 0, 2, 1 + (d + a) % 3))
    return JudgedPairs(tuple(demands), tuple(achievements), d, a, levels)


def test_equal_texts_are_one_item_with_the_mean_level(pairs):
    task = served_task(pairs, pairs)
    assert task.good == GOOD_MEAN
    assert task.text_of["TWIN"] == task.text_of["A000"]
    for one in task.asked:
        assert one.levels[task.text_of["TWIN"]] == 3.0  # of 2 and 4
        assert len(one.levels) == 8


def test_a_demand_under_two_ids_is_asked_once_and_learned_by_no_model_that_is_asked(pairs):
    task = served_task(pairs, pairs)
    ids = [one.demand.demand_id for one in task.asked]
    assert len(ids) == 11
    assert "AGAIN" not in ids
    assert {one.fold for one in task.asked} == set(range(5))
    for one in task.asked:
        learned = {pairs.demands[pairs.demand_rows[row]].title for row in task.train[one.fold]}
        assert one.demand.title not in learned
        assert len(learned) >= 7


def test_a_levels_file_names_what_is_asked_and_replaces_the_judgements(pairs, tmp_path):
    path = tmp_path / "levels.csv"
    path.write_text("demand_id,achievement_id,level\nD003,A001,2.5\nD003,TWIN,4\nAGAIN,A002,3\n", encoding="utf-8")
    task = served_task(pairs, pairs, path)
    assert task.good == GOOD_LEVEL
    assert [one.demand.demand_id for one in task.asked] == ["D000", "D003"]
    assert task.asked[1].levels == {task.text_of["A001"]: 2.5, task.text_of["A000"]: 4.0}
    assert len(task.train) == 5


def test_demands_without_rows_to_learn_from_need_one_model_that_learns_everything(pairs):
    early = pairs.demand_rows < 6
    parts = [
        JudgedPairs(pairs.demands, pairs.achievements, pairs.demand_rows[m], pairs.achievement_rows[m], pairs.levels[m])
        for m in (early, (pairs.demand_rows >= 6) & (pairs.demand_rows < 11))
    ]
    task = served_task(*parts)
    assert [len(rows) for rows in task.train] == [len(parts[0])]
    assert {one.demand.demand_id for one in task.asked} == {f"D{row:03d}" for row in range(6, 11)}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("D003,A001,5", "not a number from 1 to 4"),
        ("D003,A001,", "not a number"),
        ("D003,A999,2", "'A999'"),
        ("X,A001,2", "'X'"),
    ],
)
def test_a_wrong_levels_file_is_refused(pairs, tmp_path, line, said):
    path = tmp_path / "levels.csv"
    path.write_text(f"demand_id,achievement_id,level\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        served_task(pairs, pairs, path)
    path.write_text("demand_id,level\nD003,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the column 'achievement_id'"):
        served_task(pairs, pairs, path)
