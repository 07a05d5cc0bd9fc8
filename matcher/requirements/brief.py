"""A checked requirement as a label of a few words: 含水率 33% ≤ 40%."""

from knowledge_graph.quantities import Quantity
from matcher.requirements.report import Entry

LONGEST_NAME = 12
NOT_SAID = "未说明"
_SIDES = {"ge": " 以上", "gt": " 以上", "le": " 以下", "lt": " 以下", "approx": " 左右"}
_ASKED = {"ge": "≥ ", "gt": "> ", "le": "≤ ", "lt": "< ", "approx": "约 "}
_CHANGES = {"increase": "提高 ", "decrease": "降低 ", "times": "达到 "}
_TIMES = " 倍"
_MYRIAD = 1e4


def brief(entry: Entry) -> str:
    """Return the verdict on a requirement in figures, as both texts write them.

    What is met or missed shows the relation that decides; what is unknown or not comparable says so.
    """
    wanted, answer = entry.requirement, entry.answer
    name = _name(wanted)
    asked = _ASKED.get(wanted.op, "") + _figure(wanted)
    if answer is None:
        return f"{name}{asked} {NOT_SAID}"
    given = _figure(answer) + _SIDES.get(answer.op, "")
    if entry.status == "not_comparable":
        return f"{name}要求 {asked}，对方 {given}，口径不同"
    relation = _relation(entry)
    if entry.status == "unknown" or not relation:
        return f"{name}要求 {asked}，对方 {given}"
    same = answer.unit == wanted.unit and answer.unit != "%" and answer.op not in _SIDES and answer.op not in _CHANGES
    return f"{name}{_figure(answer, unit=not same) if same else given} {relation} {_figure(wanted)}"


def _relation(entry: Entry) -> str:
    """Return how the stated figure relates to the required one; "" where no one sign says it."""
    low, high = entry.required
    strict = entry.requirement.op in ("gt", "lt")
    if entry.status == "met":
        if low is not None and high is not None:
            return _beyond(entry, low) if low == high else "满足"
        return (">" if strict else "≥") if low is not None else "<" if strict else "≤"
    least, most = entry.offered or (None, None)
    if low is not None and most is not None and most <= low:
        return "≤" if strict else "<"
    if high is not None and least is not None and least >= high:
        return "≥" if strict else ">"
    return ""


def _beyond(entry: Entry, asked: float) -> str:
    """Return the sign of what meets a plain figure: the better side of it, or nearly the same."""
    least, most = entry.offered or (None, None)
    if least is not None and least >= asked:
        return "=" if least == most == asked else "≥"
    return "≤" if most is not None and most <= asked else "≈"


def _name(quantity: Quantity) -> str:
    name = (quantity.parameter or "").removeprefix("要求")
    return f"{name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + '…'} " if name else ""


def _figure(quantity: Quantity, *, unit: bool = True) -> str:
    """Return the numbers of a quantity with its unit as written."""
    numbers = "–".join(_number(value) for value in quantity.values)
    if quantity.tolerance:
        numbers += f"±{_number(quantity.tolerance)}"
    change = _CHANGES.get(quantity.op, "")
    if quantity.op == "times" and not quantity.unit:
        return f"{change}{numbers}{_TIMES}"
    space = "" if quantity.unit in ("", *"%℃°‰") or numbers.endswith(("万", "亿")) else " "
    return f"{change}{numbers}{space}{quantity.unit}" if unit else f"{change}{numbers}"


def _number(value: float) -> str:
    if abs(value) >= _MYRIAD**2:
        return f"{value / _MYRIAD**2:.6g} 亿"
    return f"{value / _MYRIAD:.6g} 万" if abs(value) >= 10 * _MYRIAD else f"{value:.6g}"
