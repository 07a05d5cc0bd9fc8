"""Bundles are as good as any: small cases by trying everything, large ones within their time and their limits."""

from itertools import product
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.solutions.answer import answer_of
from matcher.solutions.choose import DIFFERENT, LEAST_GAIN, choose
from matcher.solutions.programme import Programme
from matcher.solutions.types import Impossible, Limit, Limits, Part, RoleWanted
from tests.some import some


def part(role, number, utility, **changes):
    return Part(role, role, f"{role}{number}", f"{role}第{number}家", utility, **changes)


@st.composite
def cases(draw):
    roles = [RoleWanted(f"r{i}", f"角色{i}", draw(st.booleans()) or i == 0) for i in range(draw(st.integers(1, 3)))]
    parts = [
        Part(
            role.name,
            "k",
            draw(st.sampled_from(["a", "b", f"{role.name}{number}"])),
            f"{role.name}{number}",
            draw(st.integers(0, 20)) / 20,
            draw(st.sampled_from(["", "甲", "乙", "丙"])),
            None,
            draw(st.none() | st.integers(0, 10).map(float)),
            draw(st.none() | st.integers(1, 30).map(float)),
            draw(st.none() | st.integers(0, 800).map(float)),
            draw(st.booleans()),
        )
        for role in roles
        for number in range(draw(st.integers(0, 3)))
    ]
    limits = Limits(
        draw(st.none() | st.integers(0, 15).map(float)),
        draw(st.none() | st.integers(1, 30).map(float)),
        draw(st.none() | st.integers(0, 1)),
        draw(st.none() | st.integers(1, 2)),
    )
    return roles, parts, limits


def choices(roles, parts):
    """Yield every choice that fills the roles, whatever the limits say."""
    of = {role.name: [place for place, one in enumerate(parts) if one.role == role.name] for role in roles}
    for picked in product(*([*of[role.name], *([] if role.needed else [None])] for role in roles)):
        chosen = tuple(sorted(place for place in picked if place is not None))
        if len({(parts[place].kind, parts[place].id) for place in chosen}) == len(chosen):
            yield chosen


def needs(limit, parts):
    owners = [one.owner for one in parts if one.owner]
    return {
        Limit.BUDGET: sum(one.cost or 0 for one in parts),
        Limit.DAYS: max((one.days or 0 for one in parts), default=0),
        Limit.REGIONS: sum(not one.inside for one in parts),
        Limit.OWNER: max(map(owners.count, owners), default=0),
    }[limit]


@settings(max_examples=30)
@given(cases())
def test_the_best_bundles_and_relaxations_are_those_of_trying_everything(case):
    roles, parts, limits = case
    programme = Programme(roles, parts, limits)
    every = list(choices(roles, parts))
    within = [one for one in every if not programme.broken(one)]
    found = choose(roles, parts, limits)
    places = {id(one): place for place, one in enumerate(parts)}
    if isinstance(found, Impossible):
        assert not any(within)
        empty = {role.name for role in roles if role.needed and all(one.role != role.name for one in parts)}
        assert found.empty == bool(empty)
        if found.empty:
            assert set(found.roles) == empty
        return
    shown = []
    for solution in some(found):
        chosen = tuple(sorted(places[id(one)] for one in solution.parts))
        assert programme.broken(chosen) == []
        left = [
            one
            for one in every
            if all(len(set(one) & set(cut)) <= len(cut) - max(1, len(cut) // DIFFERENT) for cut in shown)
        ]
        best = max(programme.value(one) for one in left if not programme.broken(one))
        assert solution.value == pytest.approx(best, abs=1e-6)
        assert programme.value(chosen) == pytest.approx(best, abs=1e-6)
        # The least by which each limit alone would have to give way for something better.
        sure, maybe = ({}, {})
        for ways, margin in ((sure, 1e-5), (maybe, -1e-5)):
            for limit in Limit:
                better = [
                    needs(limit, [parts[place] for place in one])
                    for one in left
                    if programme.value(one) >= best + LEAST_GAIN + margin and programme.broken(one) == [limit]
                ]
                if better:
                    ways[limit] = min(better) - limits.value(limit)
        if solution.relaxation is None:
            assert not sure
        else:
            limit, amount = solution.relaxation.limit, solution.relaxation.amount
            assert maybe[limit] - 1e-6 <= amount <= sure.get(limit, np.inf) + 1e-6
            wider = [places[id(one)] for one in solution.relaxation.parts]
            assert programme.broken(wider) == [solution.relaxation.limit]
            assert solution.relaxation.value > best
        shown.append(chosen)


def test_the_cheapest_relaxation_is_said_in_words():
    roles = [RoleWanted("technology", "技术成果"), RoleWanted("testing", "检验检测")]
    parts = [
        part("technology", 1, 1.0, owner="甲大学", cost=80.0),
        part("testing", 1, 0.2, owner="乙", cost=2.0, days=20.0),
        part("testing", 2, 1.0, owner="丙", cost=2.0, days=42.0),
    ]
    limits = Limits(budget=100.0, days=30.0)
    answer = answer_of(choose(roles, parts, limits), parts, {"technology": "技术成果", "testing": "检验检测"}, limits)
    best = answer.bundles[0]
    assert [one.id for one in best.parts] == ["technology1", "testing1"]
    assert (best.cost, best.days, best.owners, best.binding) == (82.0, 20.0, 2, "days")
    assert best.relaxation.text == "工期多 12 天，检验检测就可由“testing第2家”承担"
    assert len(answer.bundles) == 1  # nothing else is within the limits

    narrow = Limits(budget=50.0)
    answer = answer_of(choose(roles, parts, narrow), parts, {"technology": "技术成果", "testing": "检验检测"}, narrow)
    assert (answer.bundles, answer.impossible_roles) == ((), ("technology",))
    assert answer.message == "无法组合：在所给限制内没有候选可承担“技术成果”"
    assert answer.relaxation.text == "预算多 32 万元，就有可行的组合"
    nobody = choose([*roles, RoleWanted("finance", "金融产品")], parts, limits)
    assert nobody == Impossible(("finance",), empty=True)


def test_fifty_candidates_for_six_roles_take_less_than_a_second():
    random = np.random.default_rng(7)
    roles = [RoleWanted(f"r{i}", f"角色{i}") for i in range(6)]
    parts = [
        part(
            role.name,
            number,
            1 - number / 50,
            owner=f"单位{random.integers(60)}",
            cost=float(random.integers(5, 60)),
            days=float(random.integers(3, 60)),
            kilometres=float(random.integers(0, 1500)),
            inside=bool(random.random() < 0.7),
        )
        for role in roles
        for number in range(50)
    ]
    limits = Limits(budget=110.0, days=25.0, outside=0, owner_at_most=2)
    begun = process_time()
    found = choose(roles, parts, limits)
    taken = process_time() - begun
    assert len(found) == 3
    programme, places = Programme(roles, parts, limits), {id(one): place for place, one in enumerate(parts)}
    for solution in some(found):
        assert programme.broken([places[id(one)] for one in solution.parts]) == []
        assert len(solution.parts) == 6
    assert [one.value for one in found] == sorted((one.value for one in found), reverse=True)
    assert taken < 4.0  # a second on a machine of its own; others share this one
