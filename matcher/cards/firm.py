"""What of a firm's demands and of shared equipment is one step away: findings beside those of certificates and policies."""

from collections.abc import Iterable
from datetime import date

from data.kinds.record import KindRecord
from data.records import Demand
from knowledge_graph.graph import KnowledgeGraph
from matcher.clarification.completeness import ADVICE, completeness
from matcher.collection.filters import OPEN_STATUSES
from matcher.eligibility.diagnosis import Finding
from matcher.engine import Engine
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.index import KindIndex
from matcher.kinds.recommend import recommend_kinds
from matcher.texts.space import record_text

EQUIPMENT = "equipment"
SHOWN = 3
_NOT_SHARED = ("不", "否", "内部", "无", "暂停", "自用")


def vague_demands(demands: Iterable[Demand], graph: KnowledgeGraph | None, as_of: date) -> list[Finding]:
    """Return the firm's open demands that state no figure to be met, each with what counts most of what it lacks."""
    found = []
    for demand in demands:
        if demand.status.value not in OPEN_STATUSES or (demand.deadline is not None and demand.deadline < as_of):
            continue
        lacks = completeness(demand, graph).lacks
        if not any(part.name == "requirement" for part in lacks):
            continue
        first = sorted(lacks, key=lambda part: part.name != "requirement")[:SHOWN]
        text = f"需求“{demand.title}”缺{'、'.join(part.title for part in first)}：{ADVICE['requirement']}"
        found.append(Finding("vague demand", text, "demand", demand.demand_id, demand.content[:60] or demand.title))
    return found


def shared_equipment(engine: Engine, index: KindIndex, business: Demand, as_of: date) -> list[Finding]:
    """Return equipment that states to be shared and has words in common with a firm's business, the nearest first."""
    if not index.records.get(EQUIPMENT) or not record_text(business).full:
        return []
    answer = recommend_kinds(engine, index, business, KindsQuery({EQUIPMENT: 5 * SHOWN}, as_of))
    found = []
    for item in answer.kinds[0].items:
        record: KindRecord = index.records[EQUIPMENT][item.id]
        mode = str(item.attributes.get("sharing_mode", ""))
        quoted = [reason for reason in item.reasons if "“" in reason]
        if not mode or mode.startswith(_NOT_SHARED) or not quoted:
            continue
        owner = f"（{record.provider}）" if record.provider else ""
        text = f"可用的共享设备：{record.title}{owner}，共享方式：{mode}"
        found.append(Finding("shared equipment", text, EQUIPMENT, item.id, quoted[0]))
    return found[:SHOWN]
