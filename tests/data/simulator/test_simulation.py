"""The simulated platform: reproducible, of the size asked for, hard in the ways it says, and true to its truth."""

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import jieba
import numpy as np
import pytest

from data.errors import InputError
from data.files.headers import FileKind
from data.files.reading.readers import open_table
from data.files.rows import RowReader
from data.simulator import SimulationPlan, SimulationSummary, simulate
from data.simulator.outcomes import KINDS, REASONS

PLAN = SimulationPlan(achievements=1_500, demands=300, events=12_000, seed=7)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SimulationSummary]:
    out = tmp_path_factory.mktemp("simulated")
    return out, simulate(PLAN, out)


@pytest.fixture(scope="module")
def events(run: tuple[Path, SimulationSummary]) -> list[dict[str, object]]:
    with (run[0] / "events.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_same_seed_same_bytes_and_another_seed_differs(tmp_path):
    plan = SimulationPlan(achievements=50, demands=20, events=1_000, seed=3)
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(SimulationPlan(plan.achievements, plan.demands, plan.events, seed), tmp_path / name)
    first, again, other = (_digests(tmp_path / name) for name in "abc")
    assert first == again
    assert all(first[name] != other[name] for name in first)


@pytest.mark.parametrize(
    ("achievements", "demands", "events"), [(10, 1, 0), (10, 1, 1), (50, 20, 1_000), (250, 7, 333), (300, 40, 9)]
)
def test_sizes_are_exact(tmp_path, achievements, demands, events):
    summary = simulate(SimulationPlan(achievements, demands, events, seed=1), tmp_path)
    assert len(_rows(tmp_path / "achievements.csv")) == summary.achievements == achievements
    assert len(_rows(tmp_path / "demands.csv")) == summary.demands == demands
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == sum(summary.events.values()) == events
    assert len(_rows(tmp_path / "judgements.csv")) == summary.judgements
    assert len(_rows(tmp_path / "truth" / "relevance.csv")) == summary.truth_pairs


def test_ids_and_titles_are_always_there_and_gaps_elsewhere(run):
    for name, key, title in (("achievements", "成果编号", "成果名称"), ("demands", "需求编号", "需求名称")):
        rows = _rows(run[0] / f"{name}.csv")
        assert all(row[key] and row[title].strip() for row in rows)
        assert len({row[key] for row in rows}) == len(rows)
        optional = [column for column in rows[0] if column not in (key, title)]
        missing = {column: sum(not row[column] for row in rows) / len(rows) for column in optional}
        assert sum(share > 0.03 for share in missing.values()) > len(optional) / 2
        assert max(missing.values()) < 0.8


@pytest.mark.parametrize("kind", list(FileKind))
def test_every_row_is_read_and_every_column_understood(run, kind):
    path = run[0] / (f"{kind.value}.jsonl" if kind is FileKind.EVENTS else f"{kind.value}.csv")
    with open_table(path) as table:
        reader = RowReader(table.headers, kind, path.name)
        read = [(reader.read(number, cells), problem) for number, cells, problem, _, _ in table.rows]
    assert not reader.unknown_headers
    assert not any(problem for _, problem in read)
    assert [row.problems + row.notes for row, _ in read if row.problems or row.notes] == []
    assert len(read) > 0


def test_texts_are_flawed_but_varied(run):
    rows = _rows(run[0] / "achievements.csv")
    contents = Counter(row["成果简介"] for row in rows)
    boilerplate = sum(contents[text] for text in ("未提供。", "详见附件", "详见附件。", "无", "暂无", "/", "——"))
    assert 0.01 < boilerplate / len(rows) < 0.12
    long = [text for text in contents.elements() if len(text) > 20]
    assert len(set(long)) > 0.97 * len(long)
    assert len(set(long)) < len(long)  # duplicates under other ids


def test_demand_and_true_match_often_share_no_word(run):
    """Among excellent pairs (grade 4) a good part has titles without a common content word; others have one."""
    out = run[0]
    achievements = {row["成果编号"]: row for row in _rows(out / "achievements.csv")}
    demands = {row["需求编号"]: row for row in _rows(out / "demands.csv")}
    best = [row for row in _rows(out / "truth" / "relevance.csv") if row["grade"] == "4"]
    assert len(best) > 50

    def words(text: str) -> set[str]:
        return {word for word in jieba.cut(text) if len(word) > 1 and word not in {"技术", "需求", "研发", "系统"}}

    none_in_title = [
        not words(demands[row["demand_id"]]["需求名称"]) & words(achievements[row["achievement_id"]]["成果名称"])
        for row in best
    ]
    assert 0.35 < np.mean(none_in_title) < 0.9


def test_events_are_valid_ordered_and_join(run, events):
    from data.records import OutcomeEvent

    assert {event["kind"] for event in events} <= set(KINDS)
    times = [OutcomeEvent(**event).occurred_at for event in events]
    assert times == sorted(times)
    assert len({event["event_id"] for event in events}) == len(events)
    shown = {(e["request_id"], e["demand_id"], e["achievement_id"]) for e in events if e["kind"] == "impression"}
    later = [event for event in events if event["kind"] != "impression"]
    joined = [(e["request_id"], e["demand_id"], e["achievement_id"]) in shown for e in later]
    assert np.mean(joined) > 0.999  # the one request cut to meet the number may lack an impression
    published = {row["成果编号"]: row["发布日期"] for row in _rows(run[0] / "achievements.csv")}
    assert all(published[str(e["achievement_id"])] <= str(e["occurred_at"])[:10] for e in events)
    for event in events:
        assert ("reason" in event) == (event["kind"] == "decline")
        assert ("amount" in event) == (event["kind"] == "deal")
        assert event.get("reason", "other") in REASONS


def test_position_bias_shows_beyond_relevance(run, events):
    """Among shown pairs of like true relevance, clicks fall with the position."""
    truth = {
        (row["demand_id"], row["achievement_id"]): float(row["relevance"])
        for row in _rows(run[0] / "truth" / "relevance.csv")
    }
    clicked = {(e["request_id"], e["achievement_id"]) for e in events if e["kind"] == "click"}
    rate = {}
    for name, positions in (("top", (1, 2)), ("bottom", (8, 9, 10))):
        hits = [
            (event["request_id"], event["achievement_id"]) in clicked
            for event in events
            if event["kind"] == "impression"
            and event["position"] in positions
            and 0.3 < truth[str(event["demand_id"]), str(event["achievement_id"])] < 0.8
        ]
        rate[name] = np.mean(hits)
    assert rate["top"] > 2 * rate["bottom"] > 0


def test_truth_covers_what_was_seen_once_and_explains_outcomes(run, events):
    rows = _rows(run[0] / "truth" / "relevance.csv")
    truth = {(row["demand_id"], row["achievement_id"]): float(row["relevance"]) for row in rows}
    assert len(truth) == len(rows)
    assert all((event["demand_id"], event["achievement_id"]) in truth for event in events)
    judged = _rows(run[0] / "judgements.csv")
    level = np.array([int(row["level"]) for row in judged])
    read = np.array([truth[row["demand_id"], row["achievement_id"]] for row in judged])
    assert set(level) == {1, 2, 3, 4}
    assert 0.7 < np.corrcoef(level, read)[0, 1] < 0.99
    mean = {
        kind: np.mean([truth[str(e["demand_id"]), str(e["achievement_id"])] for e in events if e["kind"] == kind])
        for kind in ("impression", "click", "contact", "negotiation")
    }
    assert mean["impression"] < mean["click"] < mean["contact"] < mean["negotiation"]


def test_deals_take_months_and_some_firms_are_cold(run, events):
    from datetime import datetime

    at = {}
    delays = []
    for event in events:
        key = (event["request_id"], event["achievement_id"])
        moment = datetime.fromisoformat(str(event["occurred_at"]))
        if event["kind"] == "impression":
            at[key] = moment
        elif event["kind"] == "deal" and key in at:
            delays.append((moment - at[key]).days)
    assert len(delays) >= 3
    assert np.median(delays) > 45
    assert len({event["demand_id"] for event in events}) < 0.9 * PLAN.demands


@pytest.mark.parametrize(
    ("name", "value"), [("achievements", 9), ("demands", 0), ("events", -1), ("seed", -1), ("events", 10**9)]
)
def test_bad_numbers_are_refused_with_value_and_limits(name, value):
    with pytest.raises(InputError, match=rf"--{name} is {value:,}; it must lie between"):
        SimulationPlan(**{name: value})
