"""What is one step away for a firm: each line names the record and the rule that it rests on, nothing is inferred beyond."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from data.firms.facts import FirmFacts
from matcher.eligibility.assess import PolicyResult, miss_text
from matcher.eligibility.labels import label_of
from matcher.eligibility.logic import fact_of

EXPIRING_DAYS = 90
Rule = Literal["expired", "expiring", "one missed", "one unknown", "policy ends", "vague demand", "shared equipment"]
RULES: dict[Rule, str] = {
    "expired": "资质的有效期已过",
    "expiring": f"资质在 {EXPIRING_DAYS} 天内到期",
    "one missed": "其余条件满足，只有一项硬性条件不满足",
    "one unknown": "其余条件满足，只有一项硬性条件未知",
    "policy ends": f"符合或只差人工判断，{EXPIRING_DAYS} 天内截止",
    "vague demand": "本企业的有效需求没有写明带数值的指标",
    "shared equipment": "与主营业务用词相同、写明对外共享的仪器设备",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was found, by which rule, on which record (kind and id), with its evidence quoted."""

    rule: Rule
    text: str
    kind: str
    record_id: str
    evidence: str


def diagnose(firm_id: str, facts: FirmFacts, results: Iterable[PolicyResult], as_of: date) -> list[Finding]:
    """Return what is one step away for a firm on a day, certificates first; nothing is said without evidence."""
    found = []
    for held in facts.qualifications:
        left = None if held.valid_until is None else (held.valid_until - as_of).days
        if left is None or left > EXPIRING_DAYS:
            continue
        rule: Rule = "expired" if left < 0 else "expiring"
        text = f"{held.name}已于{held.valid_until}到期" if left < 0 else f"{held.name}还有 {left} 天到期"
        source = f"，来源：{held.source}" if held.source else ""
        found.append(Finding(rule, text, "firm", firm_id, f"有效期至{held.valid_until}{source}"))
    for result in results:
        found += _of_policy(result)
    return found


def _of_policy(result: PolicyResult) -> list[Finding]:
    policy = result.policy
    kind, name = policy.kind, policy.name or policy.policy_id
    if result.verdict in ("eligible", "needs judgement"):
        left = result.days_left
        if left is None or left > EXPIRING_DAYS or not any(one.status == "met" for one in result.criteria):
            return []
        met = next(one for one in result.criteria if one.status == "met")
        text = f"{name}还有 {left} 天截止"
        return [Finding("policy ends", text, kind, policy.policy_id, met.criterion.quote)]
    binding = [
        one
        for one in result.criteria
        if one.criterion.kind == "hard"
        and one.criterion.role == "requirement"
        and (not one.criterion.branch or one.criterion.branch == result.branch)
    ]
    open_ones = [one for one in binding if one.status != "met"]
    if len(open_ones) != 1 or len(binding) < 2:  # of a policy with one condition everybody is one step away
        return []
    (last,) = open_ones
    decisive = next((one for one in last.outcomes if one.status == last.status), None)
    if decisive is None:
        return []
    if last.status == "missed":
        how = miss_text(decisive) if decisive.gap is not None else f"现为{decisive.fact}" if decisive.fact else ""
        text = f"{name}只差一项：{label_of(fact_of(decisive.leaf))}" + (f"，{how}" if how else "")
        return [Finding("one missed", text, kind, policy.policy_id, last.criterion.quote)]
    text = f"{name}只缺一项事实：{label_of(fact_of(decisive.leaf))}"
    return [Finding("one unknown", text, kind, policy.policy_id, last.criterion.quote)]
