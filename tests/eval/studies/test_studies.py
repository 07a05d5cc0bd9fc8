"""Studies on cases with known answers: the threshold, the truth of the simulator, what completeness weighs."""

from datetime import UTC, datetime

import numpy as np
import pytest

from data.errors import InputError
from data.records import Demand, EventKind, OutcomeEvent
from eval.studies.answering import area_under_risk, cross_fitted, operating_point, risk_coverage
from eval.studies.completeness import FIRST_SHOWN, answered_demands, fit_completeness
from eval.studies.questions import Asked, estimates
from eval.studies.simulated_truth import SimulatedTruth
from matcher.clarification.answers import UNCLEAR
from matcher.clarification.questions import Option, Question
from matcher.learning.answer_threshold import Confidences, calibrate_threshold, confidences_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def sure_means_right(n=400):
    """Demands whose list holds a good match with the very probability that is said."""
    random = np.random.default_rng(0)
    probability = random.random(n)
    good = random.random(n) < probability
    return Confidences(probability, good, good)


def test_risk_falls_with_coverage_and_the_threshold_keeps_its_promise():
    demands = sure_means_right(800)
    curve = risk_coverage(demands)
    risks = [point.risk.value for point in curve]
    assert risks[0] < 0.15
    assert risks[-1] == pytest.approx(0.5, abs=0.05)
    assert [round(point.coverage.value, 1) for point in curve] == [round(0.1 * k, 1) for k in range(1, 11)]
    area, chance = area_under_risk(demands)
    assert area < 0.3 < chance
    threshold = calibrate_threshold(demands, 0.25)
    assert threshold == pytest.approx(0.5, abs=0.1)  # above 0.5 the mean risk is a quarter
    assert operating_point(demands, threshold).risk.value <= 0.25
    crossed = cross_fitted(demands, 0.25, 0.8)
    assert crossed.risk.value <= 0.28
    assert crossed.threshold == threshold


def test_a_promise_that_cannot_be_kept_is_refused():
    never = Confidences(np.linspace(0, 1, 50), np.zeros(50, dtype=bool), np.zeros(50, dtype=bool))
    with pytest.raises(InputError, match=r"no threshold keeps the risk below 0\.3"):
        calibrate_threshold(never, 0.3)


def test_a_list_is_good_if_one_of_the_first_three_is():
    demand = np.repeat([1, 2, 3], [12, 12, 2])
    probability = np.tile(np.linspace(0.9, 0.1, 12), 3)[: len(demand)]
    good = np.zeros(len(demand), dtype=bool)
    good[[2, 12 + 3]] = True
    found = confidences_of(demand, probability, good)
    assert found.probability.tolist() == [0.9, 0.9]  # too few judgements for the third
    assert found.good.tolist() == [True, False]
    assert found.possible.tolist() == [True, True]


@pytest.fixture(scope="module")
def truth(platform):
    return SimulatedTruth(platform.simulated)


def test_the_world_drawn_again_is_the_one_of_the_files(truth, platform):
    import csv

    with (platform.simulated / "truth" / "relevance.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 50
    for row in rows[:200]:
        demand, achievement = int(row["demand_id"][1:]) - 1, int(row["achievement_id"][1:]) - 1
        assert truth.grades(demand)[achievement] == int(row["grade"])


def test_true_answers_are_what_the_demand_is_about(truth):
    words = truth.words(0)
    options = (Option("毫不相干", 0.5), Option(words[0], 0.2))
    assert truth.answer(0, Question("element:product", "?", options)) == words[0]
    assert truth.answer(0, Question("element:product", "?", options[:1])) == UNCLEAR
    assert float(truth.answer(0, Question("limit:budget", "?", options))) > 0
    assert 1 <= int(truth.answer(0, Question("limit:maturity", "?", options))) <= 9
    assert truth.answer(0, Question("threshold:le:%:毫不相干", "?", options)) == UNCLEAR


def test_a_folder_without_truth_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"world\.json does not exist"):
        SimulatedTruth(tmp_path)


def test_leads_are_paired_and_split_by_wording():
    asked = [
        Asked({"none": 0.5, "random": 0.5, "chosen": 0.5 + 0.2 * vague, "best": 0.8}, bool(vague), "element", True, 3)
        for vague in (0, 1) * 20
    ]
    table = estimates(asked)
    assert table["vague"]["chosen - none"].value == pytest.approx(0.2)
    assert table["vague"]["chosen - none"].low == pytest.approx(0.2)
    assert table["other"]["chosen - random"].value == pytest.approx(0.0)
    assert table["all"]["chosen - random"].value == pytest.approx(0.1)


def event(number, kind, request, demand="D1"):
    return OutcomeEvent(
        event_id=f"E{number}", demand_id=demand, achievement_id="A1", kind=kind, occurred_at=NOON, request_id=request
    )


def test_only_the_first_results_tell_whether_a_demand_was_answered():
    shown = [event(i, EventKind.IMPRESSION, f"R{i // 10}") for i in range(FIRST_SHOWN + 10)]
    assert answered_demands(shown) == {"D1": False}
    assert answered_demands([*shown, event(98, EventKind.CONTACT, "R1")]) == {"D1": True}
    assert answered_demands([*shown, event(99, EventKind.CONTACT, "R2")]) == {
        "D1": False
    }  # asked once more than others
    assert answered_demands(shown[:10]) == {}


def test_weights_find_the_part_that_matters_and_none_is_negative():
    random = np.random.default_rng(0)
    demands, answered = [], {}
    for number in range(300):
        says = bool(random.random() < 0.5)
        text = "技术升级。" + ("含水率不超过40%。" if says else "") + ("预算80万元。" if random.random() < 0.5 else "")
        demands.append(Demand(demand_id=f"D{number}", title="题", content=text))
        answered[f"D{number}"] = bool(random.random() < (0.8 if says else 0.2))
    fitted = fit_completeness(demands, answered, None, "test")
    parts = fitted.weights.parts
    assert max(parts, key=lambda name: parts[name]) == "requirement"
    assert min(parts.values()) >= 0
    assert fitted.auc.low > 0.7
    assert fitted.brier.high < fitted.brier_of_base_rate
    predicted = [group[0] for group in fitted.reliability]
    assert predicted == sorted(predicted)
    with pytest.raises(InputError, match="fitting needs 50"):
        fit_completeness(demands[:10], answered, None, "test")
