"""What a firm is eligible for on a day: a verdict per policy and criterion, the nearest miss, the best question."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from data.firms.facts import FirmFacts
from knowledge_graph.criteria.types import Test, leaves
from matcher.eligibility.known import Facts
from matcher.eligibility.labels import label_of
from matcher.eligibility.logic import Outcome, Status, all_hold, check_leaf, fact_of, is_absence, status_of
from matcher.eligibility.policy import InForce, StatedCriterion, StatedPolicy, in_force

Verdict = Literal["eligible", "not eligible", "needs facts", "needs judgement"]
VERDICTS: dict[Verdict, str] = {
    "eligible": "符合条件", "needs judgement": "需人工判断", "needs facts": "需补充信息", "not eligible": "不符合条件",
}  # fmt: skip
STATUSES: dict[Status, str] = {"met": "满足", "missed": "不满足", "unknown": "未知"}


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """A criterion with its status and the outcome of each of its comparisons."""

    criterion: StatedCriterion
    status: Status
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The verdict on one policy; `branch` is the group of applicants that it holds for, "" without groups."""

    policy: StatedPolicy
    verdict: Verdict
    branch: str
    branches: tuple[tuple[str, Verdict], ...]
    criteria: tuple[CriterionResult, ...]
    days_left: int | None
    nearest: Outcome | None


@dataclass(frozen=True, slots=True)
class Question:
    """A fact that is unknown, how many policies it can decide, and how many ask for it."""

    field: str
    decides: int
    policies: int
    quote: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """All verdicts, the better ones first, and the question whose answer decides most; None if nothing is open."""

    as_of: date
    results: tuple[PolicyResult, ...]
    question: Question | None


def _verdict(hard: Iterable[Status], judged: bool) -> Verdict:
    status = all_hold(hard)
    if status == "missed":
        return "not eligible"
    if status == "unknown":
        return "needs facts"
    return "needs judgement" if judged else "eligible"


_ORDER: tuple[Verdict, ...] = ("eligible", "needs judgement", "needs facts", "not eligible")


def _groups(policy: StatedPolicy) -> dict[str, list[StatedCriterion]]:
    """Return the requirements by group of applicants; what binds everybody is in each group, order as written."""
    required = [criterion for criterion in policy.criteria if criterion.role == "requirement"]
    names = list(dict.fromkeys(criterion.branch for criterion in required if criterion.branch))
    if not names:
        return {"": required}
    # a group's heading may cover several: what binds 试点 binds 试点：实体企业
    ends = [name for name in names if not any(other.startswith(name + "：") for other in names)]
    return {
        end: [c for c in required if not c.branch or end == c.branch or end.startswith(c.branch + "：")] for end in ends
    }


def _policy_verdict(
    policy: StatedPolicy, statuses: Mapping[int, Status]
) -> tuple[Verdict, str, tuple[tuple[str, Verdict], ...]]:
    """Return the verdict of the group that fares best, its name, and the verdicts of all groups.

    Raises:
        ValueError: the policy has no requirement; nothing can be said of it.

    """
    found: list[tuple[str, Verdict]] = []
    for name, group in _groups(policy).items():
        hard = [statuses[criterion.number] for criterion in group if criterion.kind == "hard"]
        # where nothing but absences is asked for, nothing says whom the policy is for
        bare = all(is_absence(leaf) for c in group if c.kind == "hard" for leaf in leaves(c.rule))
        judged = bare or any(criterion.kind == "judgement" for criterion in group)
        found.append((name, _verdict(hard, judged)))
    best = min(found, key=lambda pair: (_ORDER.index(pair[1]), found.index(pair)))
    return best[1], best[0], tuple(found)


def assess_policy(force: InForce, facts: Facts) -> PolicyResult:
    """Return the verdict on one policy with the outcome of every criterion."""
    policy = force.policy
    results = []
    for criterion in policy.criteria:
        test = criterion.rule
        outcomes = tuple(check_leaf(leaf, facts) for leaf in leaves(test))
        status: Status = "unknown" if criterion.kind == "judgement" else status_of(test, facts)
        results.append(CriterionResult(criterion, status, outcomes))
    statuses = {result.criterion.number: result.status for result in results}
    verdict, branch, branches = _policy_verdict(policy, statuses)
    missed = [
        outcome
        for result in results
        if result.status == "missed" and result.criterion.role == "requirement"
        for outcome in result.outcomes
        if outcome.status == "missed" and outcome.gap is not None
    ]
    nearest = min(missed, key=lambda o: (math.inf if o.share is None else o.share, o.leaf.field), default=None)
    return PolicyResult(policy, verdict, branch, branches if branch else (), tuple(results), force.days_left, nearest)


def assess(firm: FirmFacts, policies: Iterable[StatedPolicy], as_of: date) -> Eligibility:
    """Return what a firm is eligible for on the day `as_of`, by its facts and the approved policies in force.

    Products for private persons are left out. Raises nothing of its own: what is not known is said to be unknown.
    """
    facts = Facts(firm, as_of)
    results = verdicts(facts, policies)
    return Eligibility(as_of, results, best_question(results, facts))


def verdicts(facts: Facts, policies: Iterable[StatedPolicy]) -> tuple[PolicyResult, ...]:
    """Return the results of the approved policies in force on the facts' day, the better ones first."""
    forces = [
        force
        for force in in_force((p for p in policies if p.status == "approved"), facts.as_of)
        if force.policy.product is None or not force.policy.product.retail
    ]
    results = [assess_policy(force, facts) for force in forces]
    results.sort(key=lambda result: (_ORDER.index(result.verdict), _end(result.days_left), result.policy.policy_id))
    return tuple(results)


def _end(days_left: int | None) -> float:
    return math.inf if days_left is None else days_left


def best_question(results: Iterable[PolicyResult], facts: Facts) -> Question | None:
    """Return the unknown fact that decides most policies: taken as met or as missed, it ends their wait for facts.

    Each policy counts once for either end; ties go to the fact that more policies ask for, then to its name.
    """
    scores: dict[str, int] = defaultdict(int)
    asked: dict[str, int] = defaultdict(int)
    quotes: dict[str, str] = {}
    for result in results:
        if result.verdict != "needs facts":
            continue
        tests = {r.criterion.number: r.criterion.rule for r in result.criteria if r.criterion.kind == "hard"}
        for field in _open_fields(result):
            asked[field] += 1
            quotes.setdefault(field, next(r.criterion.quote for r in result.criteria if _asks(r, field)))
            scores[field] += sum(_decides(result.policy, tests, facts, field, end) for end in ("met", "missed"))
    if not asked:
        return None
    best = min(asked, key=lambda field: (-scores[field], -asked[field], field))
    return Question(best, scores[best], asked[best], quotes[best])


def _asks(result: CriterionResult, field: str) -> bool:
    return any(o.status == "unknown" and fact_of(o.leaf) == field for o in result.outcomes)


def _open_fields(result: PolicyResult) -> list[str]:
    found = [
        fact_of(outcome.leaf)
        for criterion in result.criteria
        if criterion.criterion.kind == "hard" and criterion.status == "unknown"
        and criterion.criterion.role == "requirement"
        for outcome in criterion.outcomes
        if outcome.status == "unknown"
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def _decides(policy: StatedPolicy, tests: Mapping[int, Test], facts: Facts, field: str, end: Status) -> bool:
    statuses: dict[int, Status] = {criterion.number: "unknown" for criterion in policy.criteria}
    for number, test in tests.items():
        statuses[number] = status_of(test, facts, {field: end})
    return _policy_verdict(policy, statuses)[0] != "needs facts"


def result_dict(result: PolicyResult) -> dict[str, Any]:
    """Return a policy's result as JSON has it, with Chinese words beside the codes."""
    policy = result.policy
    return {
        "policy_id": policy.policy_id, "name": policy.name, "kind": policy.kind, "verdict": result.verdict,
        "verdict_text": VERDICTS[result.verdict], "branch": result.branch,
        "branches": [{"branch": name, "verdict": verdict} for name, verdict in result.branches],
        "valid_until": policy.valid_until.isoformat() if policy.valid_until else None, "days_left": result.days_left,
        "amount": policy.amount.model_dump() if policy.amount.max_wan is not None or policy.amount.quote else None,
        "nearest_miss": None if result.nearest is None else miss_text(result.nearest),
        "criteria": [_criterion_dict(item) for item in result.criteria],
    }  # fmt: skip


def _criterion_dict(item: CriterionResult) -> dict[str, Any]:
    criterion = item.criterion
    return {
        "number": criterion.number, "kind": criterion.kind, "role": criterion.role, "branch": criterion.branch,
        "status": item.status, "status_text": STATUSES[item.status], "quote": criterion.quote,
        "place": {"field": criterion.quote_from, "start": criterion.start, "end": criterion.end},
        "facts": list(dict.fromkeys(outcome.fact for outcome in item.outcomes if outcome.fact)),
        "unknown": list(dict.fromkeys(fact_of(o.leaf) for o in item.outcomes if o.status == "unknown")),
    }  # fmt: skip


def miss_text(outcome: Outcome) -> str:
    """Return the miss in figures: what is asked for, what the firm has, what is lacking."""
    leaf = outcome.leaf
    return f"要求 {leaf.op} {leaf.value:g}{leaf.unit}，现为 {outcome.fact}，相差 {outcome.gap:.4g}{leaf.unit}"


def eligibility_dict(found: Eligibility) -> dict[str, Any]:
    """Return all results as JSON has them; no probability is among them."""
    question = found.question
    return {
        "as_of": found.as_of.isoformat(),
        "counts": {verdict: sum(r.verdict == verdict for r in found.results) for verdict in VERDICTS},
        "question": None
        if question is None
        else {
            "field": question.field, "decides": question.decides, "policies": question.policies, "quote": question.quote,
            "text": f"请补充“{label_of(question.field)}”：涉及{question.policies}项政策（原文：{question.quote}）",
        },
        "results": [result_dict(result) for result in found.results],
    }  # fmt: skip
