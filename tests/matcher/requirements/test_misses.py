"""How badly a match misses: hard misses count fully, near misses by their distance, what is unknown not at all."""

import numpy as np
import pytest

from data.records import Achievement, Demand
from matcher.requirements.checker import RequirementChecker, pair_requirements
from matcher.requirements.collection import Quantities
from matcher.requirements.misses import report_severity
from matcher.requirements.wording import checks

DEMAND = Demand(demand_id="d", title="高强铝合金", content="抗拉强度不低于500MPa，延伸率不低于10%。")
OFFERED = {
    "met": "合金抗拉强度达到560MPa，延伸率达到12%。",
    "unknown": "一种铝合金的制备方法。",
    "near": "合金抗拉强度达到495MPa，延伸率达到12%。",
    "hard": "合金抗拉强度达到400MPa，延伸率达到12%。",
    "both": "合金抗拉强度达到400MPa，延伸率达到5%。",
}


def test_severity_grows_with_misses_and_is_the_same_for_a_pair_and_a_list():
    achievements = [Achievement(achievement_id=name, title="铝合金", content=text) for name, text in OFFERED.items()]
    quantities = Quantities.build([DEMAND], achievements)
    severity = RequirementChecker.of(quantities, DEMAND).severity(np.arange(len(achievements), dtype=np.int64))
    found = dict(zip(OFFERED, severity.tolist(), strict=True))
    assert found["met"] == found["unknown"] == 0.0
    assert 0.0 < found["near"] < found["hard"] == 1.0 < found["both"] == 2.0
    for achievement in achievements:
        report = pair_requirements(quantities, DEMAND, achievement, None, None)
        assert report_severity(report) == pytest.approx(found[achievement.achievement_id])


def test_what_is_missed_is_shown_first():
    achievement = Achievement(achievement_id="a", title="铝合金", content="合金抗拉强度达到560MPa，延伸率达到5%。")
    quantities = Quantities.build([DEMAND], [achievement])
    shown = checks(pair_requirements(quantities, DEMAND, achievement, None, None))
    assert [one.status for one in shown] == ["missed", "met"]
