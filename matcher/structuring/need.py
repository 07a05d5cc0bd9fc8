"""The parts of a need with verbatim quotes: rules read the text, a model's proposals are added where they pass the checks.

A quote has to be in the text, every number is read again by the quantity parser from the text itself, and a part that is
not what it is said to be is dropped with the reason.
"""

import re
from dataclasses import dataclass
from typing import Literal

from data.records import MAX_TITLE, Demand, UnstoredDemand
from data.text.exclusions import exclusions_of
from knowledge_graph.quantities.budget import stated_budget
from knowledge_graph.quantities.extraction import extract
from knowledge_graph.quantities.types import Op, Quantity
from matcher.structuring.proposal import PartName, Proposal, ProposedItem

_LONGEST = {"title": MAX_TITLE, "figure": 200, "exclusion": 80, "budget": 80}
_LONGEST_ELEMENT = 60  # characters
_LEAST_TITLE = 4
_RULES_OUT = re.compile(r"[不无非除禁勿别]|避免|拒绝|杜绝|谢绝")

NOT_IN_TEXT = "原文中没有这段文字"
TOO_LONG = "摘录过长或过短"
NO_FIGURE = "读不出数值"
NO_REQUIREMENT = "不是要求，是现状或企业自身的数字"
NO_EXCLUSION = "原文没有说不要"
NO_BUDGET = "读不出预算金额"
KNOWN = "已有"


@dataclass(frozen=True)
class Figure:
    """A required figure as the quantity parser reads it; bounds in `unit` as written."""

    parameter: str | None
    op: Op
    low: float | None
    high: float | None
    unit: str


@dataclass(frozen=True)
class NeedItem:
    """A part of the need: `quote` is the text from `start` to `end`; `by` says whether rules or a model found it."""

    part: PartName
    quote: str
    start: int
    end: int
    by: Literal["rules", "model"]
    figure: Figure | None = None


@dataclass(frozen=True)
class Dropped:
    """What a model proposed and the text does not bear out."""

    part: PartName
    quote: str
    why: str


@dataclass(frozen=True)
class StructuredNeed:
    """A demand with its parts, in the order of the text, and what was dropped."""

    demand: UnstoredDemand
    items: tuple[NeedItem, ...]
    dropped: tuple[Dropped, ...] = ()


def structured(text: str, proposal: Proposal | None = None) -> StructuredNeed:
    """Return the parts of a need by rules, and those of a model's proposal that the text bears out.

    Raises:
        ValidationError: the text is no demand (empty or too long).

    """
    plain = Demand.of_text(text)
    figures = [quantity for quantity in extract(text, "demand") if quantity.role == "requirement"]
    items = [_figure_item(quantity, "rules") for quantity in figures]
    for one in exclusions_of(text):
        items.append(NeedItem("exclusion", text[one.start : one.end], one.start, one.end, "rules"))
    dropped = []
    for proposed in proposal.items if proposal else ():
        found = _checked(text, proposed, items)
        if isinstance(found, NeedItem):
            items.append(found)
        elif found != KNOWN:
            dropped.append(Dropped(proposed.part, proposed.quote[:200], found))
    items.sort(key=lambda item: (item.start, item.end, item.part))
    title = next((item.quote for item in items if item.part == "title"), plain.title)
    low, high = stated_budget(text)
    if low is None and high is None:
        low, high = next((stated_budget(item.quote) for item in items if item.part == "budget"), (None, None))
    demand = plain.model_copy(
        update={
            "title": title,
            "kpis": "；".join(dict.fromkeys(item.quote for item in items if item.part == "figure")),
            "budget_min": low,
            "budget_max": high,
        }
    )
    return StructuredNeed(demand, tuple(items), tuple(dropped))


def _checked(text: str, proposed: ProposedItem, known: list[NeedItem]) -> NeedItem | str:
    """Return the item that a proposal comes to, or why it comes to none."""
    quote = proposed.quote.strip()
    start = text.find(quote)
    if not quote or start < 0:
        return NOT_IN_TEXT
    end = start + len(quote)
    if any(item.part == proposed.part and item.start < end and start < item.end for item in known):
        return KNOWN
    if refused := _refusal(proposed.part, quote):
        return refused
    if proposed.part == "figure":
        return _figure_in(text, start, end)
    return NeedItem(proposed.part, quote, start, end, "model")


def _refusal(part: PartName, quote: str) -> str:
    """Return why a quote of the text cannot be the part that it is said to be, "" if it can."""
    least = _LEAST_TITLE if part == "title" else 2
    if not least <= len(quote) <= _LONGEST.get(part, _LONGEST_ELEMENT):
        return TOO_LONG
    if part == "exclusion" and not _RULES_OUT.search(quote):
        return NO_EXCLUSION
    return NO_BUDGET if part == "budget" and stated_budget(quote) == (None, None) else ""


def _figure_in(text: str, start: int, end: int) -> NeedItem | str:
    """Return the required figure whose number is within a span, as the parser reads it in its sentence."""
    inside = [one for one in extract(text, "demand") if start <= one.value_span[0] and one.value_span[1] <= end]
    if not inside:
        return NO_FIGURE
    required = next((one for one in inside if one.role == "requirement"), None)
    return NO_REQUIREMENT if required is None else _figure_item(required, "model")


def _figure_item(quantity: Quantity, by: Literal["rules", "model"]) -> NeedItem:
    figure = Figure(quantity.parameter, quantity.op, quantity.low, quantity.high, quantity.unit)
    return NeedItem("figure", quantity.quote, quantity.start, quantity.end, by, figure)
