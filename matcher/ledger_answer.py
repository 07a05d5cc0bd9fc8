"""The ledger as people read it: one checked requirement a line, and one reason that sums them up."""

from collections.abc import Sequence

from knowledge_graph.quantities import Quantity
from matcher.ledger import Entry, Ledger
from matcher.recommendation import Match, Quote, Reason, RequirementCheck

VERDICTS = {"met": "满足", "missed": "未达到", "unknown": "未说明", "not_comparable": "无法比较"}
QUOTED = 3  # requirements quoted in the reason


def _quote(quantity: Quantity) -> Quote:
    return Quote(text=quantity.quote, field=quantity.field, start=quantity.start, end=quantity.end)


def sentence(entry: Entry) -> str:
    """Return the verdict on one requirement in Chinese, with both quotes."""
    wanted = f"要求“{entry.requirement.quote}”"
    if entry.answer is None:
        return f"{wanted}，成果未说明"
    offered = f"{wanted}，成果称“{entry.answer.quote}”"
    if entry.margin is not None:
        distance = f"{abs(entry.margin):.0%}"
        if entry.status == "met":
            return f"{offered}：满足" + (f"（余量 {distance}）" if abs(entry.margin) >= 0.005 else "")
        return f"{offered}：未达到（相差 {distance}）"
    if entry.status == "not_comparable":
        return f"{offered}：口径或单位不同，无法比较"
    return f"{offered}：尚不足以判断"


def checks(ledger: Ledger) -> list[RequirementCheck]:
    """Return all requirements of a ledger with their verdicts, in the order of the demand's text."""
    found = []
    for entry in ledger.entries:
        low, high = entry.required
        offered_low, offered_high = entry.offered or (None, None)
        found.append(
            RequirementCheck(
                parameter=entry.requirement.parameter,
                status=entry.status,
                text=sentence(entry),
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


def ledger_reason(ledger: Ledger, weight: float = 0.0) -> Reason | None:
    """Return the reason that sums a ledger up, misses first; None if nothing of what is required is known.

    `weight` is what the ledger's features contributed to the log-odds of a good match, 0 where the ranker has none.
    """
    decided = [entry for entry in ledger.entries if entry.status in ("met", "missed")]
    if not decided:
        return None
    count = {name: sum(entry.status == name for entry in ledger.entries) for name in VERDICTS}
    told = "，".join(f"{VERDICTS[name]} {number} 项" for name, number in count.items() if number)
    first = sorted(decided, key=lambda entry: (entry.status == "met", -entry.link))[:QUOTED]
    return Reason(
        kind="requirements" if not count["missed"] else "caution",
        text=f"指标核对：{len(ledger.entries)} 项要求中{told}。" + "；".join(sentence(entry) for entry in first),
        weight=weight,
        evidence={
            "met": float(count["met"]),
            "missed": float(count["missed"]),
            "unknown": float(count["unknown"] + count["not_comparable"]),
            "hard_misses": float(ledger.hard_misses),
            "quotes": [f"{entry.requirement.quote} / {entry.answer.quote}" for entry in first if entry.answer],
        },
    )


def with_ledgers(matches: list[Match], ledgers: Sequence[Ledger]) -> list[Match]:
    """Return the matches with their ledgers, given in their order, as requirements and as one more reason."""
    if not ledgers:
        return matches
    told = []
    for match, ledger in zip(matches, ledgers, strict=True):
        reason = ledger_reason(ledger)
        reasons = [*match.reasons, reason] if reason else match.reasons
        told.append(match.model_copy(update={"reasons": reasons, "requirements": checks(ledger)}))
    return told
