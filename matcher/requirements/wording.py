"""The requirement report as people read it: one checked requirement a line, and one sentence that sums them up."""

from collections.abc import Sequence

from knowledge_graph.quantities import Quantity
from matcher.recommendation import Match, Quote, RequirementCheck
from matcher.requirements.brief import brief
from matcher.requirements.report import Entry, RequirementReport

VERDICTS = {"met": "满足", "missed": "未达到", "unknown": "未说明", "not_comparable": "无法比较"}


def _quote(quantity: Quantity) -> Quote:
    return Quote(text=quantity.quote, field=quantity.field, start=quantity.start, end=quantity.end)


def sentence(entry: Entry, offered_by: str = "成果") -> str:
    """Return the verdict on one requirement in Chinese, with both quotes; `offered_by` is what the other record is called."""
    asked = "补充的要求" if entry.requirement.field == "keywords" else "要求"  # an answer to a question, or a keyword
    wanted = f"{asked}“{entry.requirement.quote}”"
    if entry.answer is None:
        return f"{wanted}，{offered_by}未说明"
    offered = f"{wanted}，{offered_by}称“{entry.answer.quote}”"
    if entry.margin is not None:
        distance = f"{abs(entry.margin):.0%}"
        if entry.status == "met":
            return f"{offered}：满足" + (f"（余量 {distance}）" if abs(entry.margin) >= 0.005 else "")
        return f"{offered}：未达到（相差 {distance}）"
    if entry.status == "not_comparable":
        return f"{offered}：口径或单位不同，无法比较"
    return f"{offered}：尚不足以判断"


def _worst_first(entry: Entry) -> tuple[bool, float]:
    missed = entry.status == "missed" and entry.margin is not None
    return not missed, entry.margin if missed and entry.margin is not None else 0.0


def checks(report: RequirementReport, offered_by: str = "成果") -> list[RequirementCheck]:
    """Return all requirements of a report with their verdicts: what is missed first, then in the order of the text."""
    found = []
    for entry in sorted(report.entries, key=_worst_first):
        low, high = entry.required
        offered_low, offered_high = entry.offered or (None, None)
        found.append(
            RequirementCheck(
                parameter=entry.requirement.parameter,
                status=entry.status,
                text=sentence(entry, offered_by),
                brief=brief(entry),
                required=_quote(entry.requirement),
                offered=None if entry.answer is None else _quote(entry.answer),
                unit=entry.unit,
                required_low=low,
                required_high=high,
                offered_low=offered_low,
                offered_high=offered_high,
                margin=entry.margin,
                confidence=entry.link,
            )
        )
    return found


def summary(report: RequirementReport) -> str:
    """Return what a requirement report says in one Chinese sentence, "" if the demand requires no figure."""
    count = {name: sum(entry.status == name for entry in report.entries) for name in VERDICTS}
    counts = "，".join(f"{VERDICTS[name]} {number} 项" for name, number in count.items() if number)
    if not counts:
        return ""
    hard = f"（其中明显未达到 {report.hard_misses} 项）" if report.hard_misses and count["missed"] > 1 else ""
    return f"指标核对：{len(report.entries)} 项要求中{counts}{hard}"


def with_requirement_reports(matches: list[Match], reports: Sequence[RequirementReport]) -> list[Match]:
    """Return the matches with their requirement reports, given in their order, as checked requirements.

    They are beside the reasons, not among them: reasons tell what the ranker used, and it does not use the requirement report.
    """
    if not reports:
        return matches
    return [
        match.model_copy(update={"requirements": checks(report), "requirements_text": summary(report)})
        for match, report in zip(matches, reports, strict=True)
    ]
