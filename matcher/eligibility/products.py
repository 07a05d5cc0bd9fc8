"""The order of finance products: by how well amount, term and guarantee fit what the firm looks for; no default prediction."""

from collections.abc import Iterable
from dataclasses import dataclass

from data.firms.facts import Financing
from matcher.eligibility.assess import VERDICTS, PolicyResult

_SYNONYMS = {
    "信用": ("信用",),
    "知识产权质押": ("知识产权", "专利"),
    "房产抵押": ("抵押", "房产"),
    "保证": ("担保", "保证"),
    "应收账款质押": ("应收账款",),
}


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a product fits: shares of amount and term that it covers, guarantee; None where either side is silent."""

    amount: float | None
    term: float | None
    guarantee: bool | None

    @property
    def key(self) -> tuple[float, float, float]:
        """What orders products: covered amount, covered term, guarantee; silence between yes and no."""
        guarantee = 0.5 if self.guarantee is None else float(self.guarantee)
        return (_or_half(self.amount), _or_half(self.term), guarantee)


def _or_half(share: float | None) -> float:
    return 0.5 if share is None else share


def fit_of(result: PolicyResult, wanted: Financing) -> Fit:
    """Return how well the product of `result` fits what a firm looks for; below the least amount nothing fits."""
    terms = result.policy.product
    if terms is None:
        return Fit(None, None, None)
    amount = None
    if wanted.amount and terms.amount_max is not None:
        amount = min(1.0, terms.amount_max / wanted.amount)
    if wanted.amount and terms.amount_min is not None and wanted.amount < terms.amount_min:
        amount = 0.0
    term = None if not (wanted.term_months and terms.term_months) else min(1.0, terms.term_months / wanted.term_months)
    guarantee = None
    if wanted.guarantees and terms.guarantee:
        words = [word for given in wanted.guarantees for word in _SYNONYMS.get(given, (given,))]
        guarantee = any(word in terms.guarantee for word in words)
    return Fit(amount, term, guarantee)


def in_order(results: Iterable[PolicyResult], wanted: Financing) -> list[tuple[PolicyResult, Fit]]:
    """Return finance products by verdict, then by fit, then by id; others are left out."""
    order = list(VERDICTS)
    pairs = [(result, fit_of(result, wanted)) for result in results if result.policy.kind == "finance_product"]
    return sorted(
        pairs,
        key=lambda pair: (order.index(pair[0].verdict), tuple(-part for part in pair[1].key), pair[0].policy.policy_id),
    )
