"""How well quantities are read, against a gold set marked by hand; formulas of the measures in `score`."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from data.errors import InputError
from knowledge_graph.quantities.extraction import extract
from knowledge_graph.quantities.folding import fold
from knowledge_graph.quantities.types import Quantity, Side, Span

Extract = Callable[[str, Side, bool], Sequence[Quantity]]
Half = Literal["all", "tuning", "held-out"]
FILES: dict[str, Side] = {"demands": "demand", "supply": "supply"}


@dataclass(frozen=True, slots=True)
class Gold:
    """One quantity marked by hand; `places` are all [start, end) of its quote in the field, the marked one first."""

    field: str
    quote: str
    places: tuple[Span, ...]
    parameter: str
    op: str
    values: tuple[float, ...]
    unit: str
    role: str


@dataclass(frozen=True, slots=True)
class GoldText:
    """A title and a text with what a marker found in them."""

    record_id: str
    fields: dict[str, str]
    quantities: tuple[Gold, ...]


def half_of(record_id: str) -> Half:
    """Return the half of the open part that a record is in: tuning or held-out, by a hash of its id."""
    return "held-out" if int(sha256(record_id.encode()).hexdigest(), 16) % 2 else "tuning"


def _places(text: str, quote: str, cursor: int) -> tuple[Span, ...]:
    starts: list[int] = []
    at = text.find(quote)
    while at >= 0:
        starts.append(at)
        at = text.find(quote, at + 1)
    starts.sort(key=lambda start: (start < cursor, start))
    return tuple((start, start + len(quote)) for start in starts)


def _gold_text(row: dict[str, Any], where: str) -> GoldText:
    fields = {"title": row["title"], "text": row["text"]}
    cursor = dict.fromkeys(fields, 0)
    quantities = []
    for mark in row["quantities"]:
        field = mark.get("field", "text")
        places = _places(fields[field], mark["quote"], cursor[field])
        if not places:
            raise InputError(f"{where}: the quote {mark['quote']!r} is not in the record's {field}")
        cursor[field] = places[0][0]
        value = mark["value"]
        values = tuple(map(float, value)) if isinstance(value, list) else (float(value),)
        quantities.append(
            Gold(field, mark["quote"], places, mark["parameter"], mark["op"], values, mark["unit"], mark["role"])
        )
    return GoldText(str(row["id"]), fields, tuple(quantities))


def load_gold(path: Path) -> list[GoldText]:
    """Return the marked texts of a JSON-lines file.

    Raises:
        InputError: the file is missing, a line is no record, or a quote is not in its text; file and line are named.

    """
    if not path.is_file():
        raise InputError(f"no gold set at {path}; give the folder that holds demands.jsonl and supply.jsonl")
    texts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        where = f"{path} line {number}"
        try:
            texts.append(_gold_text(json.loads(line), where))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{where}: no marked text: {type(error).__name__} {error}") from error
    return texts


def load_markings(directory: Path, name: str) -> list[GoldText]:
    """Return the marked texts of NAME.jsonl and of every further marking NAME_2.jsonl, NAME_3.jsonl … in a folder.

    Raises:
        InputError: as `load_gold`.

    """
    texts = load_gold(directory / f"{name}.jsonl")
    for path in sorted(directory.glob(f"{name}_[0-9]*.jsonl")):
        texts += load_gold(path)
    return texts


def same_unit(one: str, other: str) -> bool:
    """Tell whether two units are written alike, width, spaces and noise marks aside."""
    flat = [fold(unit).replace(" ", "").replace("~", "") for unit in (one, other)]
    return flat[0] == flat[1]


def same_values(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether the numbers are equal to four significant digits."""
    return len(one) == len(other) and all(
        abs(a - b) <= 2e-4 * max(abs(a), abs(b)) for a, b in zip(one, other, strict=True)
    )


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _agreement(gold: Gold, found: Quantity) -> float:
    """Return how much a found quantity agrees with a marked one, 0 if their spans do not overlap."""
    if gold.field != found.field or not any(_overlap(place, (found.start, found.end)) for place in gold.places):
        return 0.0
    value = same_values(gold.values, found.values)
    unit = same_unit(gold.unit, found.unit)
    inside = any(_overlap(place, found.value_span) for place in gold.places)
    return 1.0 + 8.0 * value + 4.0 * unit * value + 2.0 * inside + (gold.op == found.op) + (gold.role == found.role)


@dataclass(slots=True)
class Counts:
    """What `score` counts; errors are lines for people."""

    gold: int = 0
    found: int = 0
    span: int = 0
    value: int = 0
    value_unit: int = 0
    op: int = 0
    role: int = 0
    required_gold: int = 0
    required_found: int = 0
    required: int = 0


def _pairs(gold: Sequence[Gold], found: Sequence[Quantity]) -> list[tuple[int, int]]:
    if not gold or not found:
        return []
    weight = np.array([[_agreement(mark, quantity) for quantity in found] for mark in gold])
    rows, columns = linear_sum_assignment(-weight)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if weight[row, column] > 0]


def gold_pairs(text: GoldText, found: Sequence[tuple[str, Quantity]]) -> list[tuple[Gold, int]]:
    """Return (mark, place in `found`) of the quantities, given as (field, quantity), that agree with a mark in value."""
    quantities = [replace(quantity, field=field) for field, quantity in found]
    pairs = [(text.quantities[row], column) for row, column in _pairs(text.quantities, quantities)]
    return [(mark, column) for mark, column in pairs if same_values(mark.values, quantities[column].values)]


def _is_repeat(quantity: Quantity, matched: Iterable[Gold]) -> bool:
    """Tell whether a quantity says again, at another place or in the other field, what was marked once."""
    return any(
        same_values(gold.values, quantity.values)
        and same_unit(gold.unit, quantity.unit)
        and (
            gold.quote in quantity.quote
            or (
                gold.field == quantity.field
                and any(_overlap(place, (quantity.start, quantity.end)) for place in gold.places)
            )
        )
        for gold in matched
    )


def f1(right: int, found: int, gold: int) -> float:
    """Return the harmonic mean of precision right/found and recall right/gold; 0 if nothing is right."""
    return 2.0 * right / (found + gold) if right else 0.0


def compare(text: GoldText, side: Side, extractor: Extract) -> tuple[Counts, list[str]]:
    """Return the counts of one text, and a line on each error."""
    found = [
        quantity for field, content in text.fields.items() for quantity in _in_field(extractor, content, side, field)
    ]
    pairs = _pairs(text.quantities, found)
    taken = {column for _, column in pairs}
    errors = []
    extra = []
    for column, quantity in enumerate(found):
        if column not in taken and not _is_repeat(quantity, text.quantities):
            extra.append(quantity)
            errors.append(
                f"extra   {quantity.quote!r} {quantity.values} {quantity.unit!r} {quantity.op} {quantity.role}"
            )
    counts = Counts(gold=len(text.quantities), found=len(pairs) + len(extra), span=len(pairs))
    counts.required_gold = sum(mark.role == "requirement" for mark in text.quantities)
    counts.required_found = sum(found[column].role == "requirement" for _, column in pairs)
    counts.required_found += sum(quantity.role == "requirement" for quantity in extra)
    for row, mark in enumerate(text.quantities):
        if row not in {row for row, _ in pairs}:
            errors.append(f"missed  {mark.parameter!r} {mark.values} {mark.unit!r} {mark.op} {mark.role}")
    for row, column in pairs:
        mark, quantity = text.quantities[row], found[column]
        right_value = same_values(mark.values, quantity.values)
        right = right_value and same_unit(mark.unit, quantity.unit)
        counts.value += right_value
        counts.value_unit += right
        counts.op += right and mark.op == quantity.op
        counts.role += right and mark.role == quantity.role
        counts.required += right and mark.op == quantity.op and mark.role == quantity.role == "requirement"
        if not (right and mark.op == quantity.op and mark.role == quantity.role):
            errors.append(
                f"differs {quantity.quote!r}: {mark.values} {mark.unit!r} {mark.op} {mark.role} "
                f"read as {quantity.values} {quantity.unit!r} {quantity.op} {quantity.role}"
            )
    return counts, errors


def _in_field(extractor: Extract, content: str, side: Side, field: str) -> list[Quantity]:
    return [replace(quantity, field=field) for quantity in extractor(content, side, field == "title")]


def score(texts: Sequence[GoldText], side: Side, extractor: Extract) -> dict[str, float]:
    """Return the measures of an extractor on marked texts, see `summary`."""
    return summary([compare(text, side, extractor)[0] for text in texts], side)


def summary(counts: Sequence[Counts], side: Side) -> dict[str, float]:
    """Return the measures of counted texts.

    A found quantity is paired with a marked one whose quote it overlaps (the assignment of greatest agreement);
    repeats of a quote elsewhere are neither right nor wrong. span_f1: pairs. value_unit_f1: pairs with the same numbers
    and the same unit. op_accuracy and role_accuracy: shares of those pairs. requirement_f1 (demands): value, unit, op
    and the role requirement are all right; precision over found requirements, recall over marked ones.
    """
    total = Counts()
    for one in counts:
        for name in Counts.__slots__:
            setattr(total, name, getattr(total, name) + getattr(one, name))
    right = total.value_unit
    result = {
        "texts": float(len(counts)),
        "quantities": float(total.gold),
        "span_f1": f1(total.span, total.found, total.gold),
        "value_f1": f1(total.value, total.found, total.gold),
        "value_unit_f1": f1(right, total.found, total.gold),
        "op_accuracy": total.op / right if right else 0.0,
        "role_accuracy": total.role / right if right else 0.0,
    }
    if side == "demand":
        result["requirement_f1"] = f1(total.required, total.required_found, total.required_gold)
    return {name: round(value, 4) for name, value in result.items()}


def read_with_rules(text: str, side: Side, title: bool) -> Sequence[Quantity]:
    """Read quantities with the rules of this package."""
    return extract(text, side, title=title)
