"""Names of runs say what changed."""

from training.candidate.naming import run_name


def test_a_run_is_named_by_what_changed():
    before = {"trees": "40", "leaves": "31", "rate": "0.1", "seed": "0", "bins": "255"}
    assert run_name("v1", before, 1200, {}, 0) == "train v1: first, 1,200 pairs"
    assert run_name("v2", before | {"trees": "150"}, 1500, before, 1200) == "train v2: trees 40→150, +300 pairs"
    assert run_name("v3", before, 1200, before, 1200) == "train v3: same data and parameters"
    every = dict.fromkeys(before, "9")
    assert run_name("v4", every, 1200, before, 1200) == "train v4: trees 40→9, leaves 31→9, rate 0.1→9, 2 more"
