"""Draws records of kinds for the world's technologies, shows some to demands, and writes the outcomes with their truth."""

import csv
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.simulator.demand_texts import demand_id
from data.simulator.lexicon import Lexicon, Technology
from data.simulator.plan import SimulationPlan
from data.simulator.relevance import technology_affinity
from data.simulator.world import World

SHOWN = 8  # records of a kind that each demand is shown: half of them near, half at random
SAME_CITY, SAME_PROVINCE, ELSEWHERE = 1.0, 0.75, 0.45
STEEPNESS, MIDDLE = 7.0, 0.55  # chance = sigmoid(STEEPNESS · (relevance - MIDDLE))
START = datetime(2025, 1, 1, tzinfo=UTC)
HEADERS = {
    "service": ("服务编号", "服务名称", "服务内容", "机构名称", "服务类别", "服务周期", "地区代码"),
    "expert": ("专家编号", "研究方向", "专家简介", "工作单位", "代表成果", "职称", "地区代码"),
    "equipment": ("仪器编号", "仪器名称", "功能描述", "所属单位", "主要技术指标", "共享方式", "地区代码"),
}
FILES = {"service": "服务清单.csv", "expert": "专家库.csv", "equipment": "仪器设备.csv"}
_CLASSES = ("研究开发", "技术转移", "检验检测认证", "科技咨询")


@dataclass(frozen=True, slots=True)
class KindTable:
    """`technology` and `place` (n,) of the records of a kind."""

    kind: str
    technology: NDArray[np.int64]
    place: NDArray[np.int64]


def write_kinds(world: World, plan: SimulationPlan, out: Path) -> None:
    """Write a file of records for each kind, kind_outcomes.jsonl, and truth/kinds.csv with the chance of each shown pair."""
    affinity = technology_affinity(world.lexicon)
    with (
        (out / "kind_outcomes.jsonl").open("w", encoding="utf-8", newline="") as events,
        (out / "truth" / "kinds.csv").open("w", encoding="utf-8", newline="") as truth,
    ):
        written = csv.writer(truth, lineterminator="\n")
        written.writerow(("kind", "demand_id", "record_id", "relevance", "chance"))
        for number, kind in enumerate(HEADERS):
            rng = np.random.default_rng([plan.seed, 20 + number])
            table = _draw(rng, kind, world, plan.kinds)
            with (out / FILES[kind]).open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(HEADERS[kind])
                rows.writerows(_rows(table, world.lexicon, plan.seed))
            for line, row in _shown(rng, table, world, affinity):
                events.write(line)
                written.writerow(row)


def record_id(kind: str, row: int) -> str:
    """Return the id of a record of a kind."""
    return f"{kind[:2].upper()}{row + 1:06d}"


def relevance_of(
    table: KindTable, world: World, affinity: NDArray[np.float32], demand: int, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (n,) true relevance in [0, 1] of records to a demand: its technology's affinity, less where it is far away."""
    topic = affinity[int(world.demands.technology[demand]), table.technology[rows]].astype(np.float64)
    codes = np.array([int(place.code) for place in world.lexicon.places])
    here, there = codes[int(world.demands.place[demand])], codes[table.place[rows]]
    near = np.where(there == here, SAME_CITY, np.where(there // 10_000 == here // 10_000, SAME_PROVINCE, ELSEWHERE))
    return np.asarray(topic * (0.5 + 0.5 * near), dtype=np.float64)


def chance_of(relevance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the true chance that a shown record is taken up."""
    return np.asarray(1.0 / (1.0 + np.exp(-STEEPNESS * (relevance - MIDDLE))), dtype=np.float64)


def _draw(rng: np.random.Generator, kind: str, world: World, count: int) -> KindTable:
    weights = np.array([place.weight for place in world.lexicon.places])
    return KindTable(
        kind,
        rng.integers(0, len(world.lexicon.technologies), count),
        rng.choice(len(weights), count, p=weights / weights.sum()),
    )


def _shown(
    rng: np.random.Generator, table: KindTable, world: World, affinity: NDArray[np.float32]
) -> Iterator[tuple[str, tuple[str, str, str, str, str]]]:
    """Yield for each demand and each record shown to it the lines of its events, and the row of the truth."""
    count = len(table.technology)
    for demand in range(len(world.demands)):
        topic = affinity[int(world.demands.technology[demand]), table.technology]
        near = np.argsort(-topic, kind="stable")[: SHOWN // 2]
        rows = np.unique(np.concatenate([near, rng.integers(0, count, SHOWN // 2)]))
        relevance = relevance_of(table, world, affinity, demand, rows)
        chances = chance_of(relevance)
        for row, true, chance in zip(rows.tolist(), relevance.tolist(), chances.tolist(), strict=True):
            pair = {"demand_id": demand_id(demand), "record_id": record_id(table.kind, row)}
            kinds = ("impression", "contact") if rng.random() < chance else ("impression",)
            lines = []
            for step, event in enumerate(kinds):
                moment = START + timedelta(days=demand % 365, hours=step)
                name = f"{table.kind}-{demand}-{row}-{event}"
                lines.append(
                    json.dumps(
                        {"record_kind": table.kind, "event_id": name, **pair, "kind": event}
                        | {"occurred_at": moment.isoformat()}
                    )
                )
            truth = (table.kind, pair["demand_id"], pair["record_id"], f"{true:.4f}", f"{chance:.4f}")
            yield "".join(f"{line}\n" for line in lines), truth


def _rows(table: KindTable, lexicon: Lexicon, seed: int) -> Iterator[tuple[str, ...]]:
    rng = random.Random(f"{seed}:{table.kind}")  # noqa: S311
    for row, (technology, place) in enumerate(zip(table.technology.tolist(), table.place.tolist(), strict=True)):
        known, where = lexicon.technologies[technology], lexicon.places[place]
        provider = where.name + rng.choice(lexicon.names["stems"])
        yield (record_id(table.kind, row), *_written(rng, table.kind, known, provider), where.code)


def _written(rng: random.Random, kind: str, known: Technology, provider: str) -> tuple[str, str, str, str, str]:
    term = rng.choice((known.term, known.synonym))
    product, process = rng.choice(known.products), rng.choice(known.processes)
    indicator = rng.choice(known.indicators)
    if kind == "service":
        title = f"{term}{rng.choice(('检测服务', '技术咨询', '中试服务', '定制开发'))}"
        content = f"面向{product}，提供{process}方面的服务，可出具报告。"
        return title, content, f"{provider}技术服务中心", rng.choice(_CLASSES), f"{rng.randint(3, 60)}"
    if kind == "expert":
        outputs = "；".join(f"{known.term}用于{one}的研究" for one in known.products[:2])
        return (
            term,
            f"长期从事{process}和{product}研究。",
            f"{provider}大学",
            outputs,
            rng.choice(("教授", "高级工程师")),
        )
    title = f"{product}{rng.choice(('测试平台', '试验装置', '分析仪'))}"
    figures = f"{indicator.name}{indicator.low:g}-{indicator.high:g}{indicator.unit}"
    mode = rng.choice(("对外共享", "对外共享", "不共享"))
    return title, f"用于{term}、{process}的试验。", f"{provider}实验室", figures, mode
