import json

import pytest

from matcher.served import append, served_before


def journal(home, *entries):
    for action, candidate, champion in entries:
        line = {"action": action, "candidate": candidate, "champion": champion, "promoted": action != "refused"}
        append(home, json.dumps(line))


PROMOTED = [("promote", "A", ""), ("promote", "B", "A"), ("promote", "C", "B")]


@pytest.mark.parametrize(
    ("entries", "current", "before"),
    [
        ([], "A", []),
        (PROMOTED, "C", ["B", "A"]),
        ([*PROMOTED, ("rollback", "B", "C")], "B", ["A"]),
        ([*PROMOTED, ("rollback", "B", "C"), ("rollback", "A", "B")], "A", []),
        ([*PROMOTED, ("rollback", "B", "C"), ("promote", "D", "B")], "D", ["B", "A"]),
        ([*PROMOTED, ("reload", "A", "C")], "A", []),
        ([*PROMOTED, ("reload", "X", "C")], "X", ["C", "B", "A"]),
        ([*PROMOTED, ("refused", "D", "C")], "C", ["B", "A"]),
        # died between the swap and the journal
        (PROMOTED, "B", ["A"]),
        (PROMOTED, "D", ["C", "B", "A"]),
        ([("promote", "B", "A")], "B", ["A"]),
        ([("reload", "B", "A")], "B", ["A"]),
        ([("reload", "B", "A"), ("reload", "A", "B")], "A", []),
        ([*PROMOTED, ("restore", "A", "C")], "A", []),
        ([*PROMOTED, ("restore", "A", "C"), ("promote", "E", "A")], "E", ["A"]),
    ],
)
def test_what_served_before(tmp_path, entries, current, before):
    journal(tmp_path, *entries)
    assert served_before(tmp_path, current) == before


def test_a_broken_line_is_passed_over(tmp_path):
    journal(tmp_path, *PROMOTED)
    with (tmp_path / "promotions.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"action": "rollb')
    assert served_before(tmp_path, "C") == ["B", "A"]
