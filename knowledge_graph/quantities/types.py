"""What one quantity in a text is: a parameter, a comparator, a value or range, a unit, and the part it plays."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["demand", "supply"]
Op = Literal["ge", "gt", "le", "lt", "eq", "range", "approx", "increase", "decrease", "times"]
Role = Literal["requirement", "current", "business", "achieved", "setting", "other"]
Span = tuple[int, int]

OPS: tuple[Op, ...] = ("ge", "gt", "le", "lt", "eq", "range", "approx", "increase", "decrease", "times")
DEMAND_ROLES: tuple[Role, ...] = ("requirement", "current", "business")
SUPPLY_ROLES: tuple[Role, ...] = ("achieved", "setting", "other")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity as a text states it. Spans are [start, end) in the text that was read.

    Attributes:
        parameter: what is measured, as the text words it; None where the text names nothing.
        op: comparator; `increase`, `decrease` and `times` state a change, not a level.
        values: one number, or two of a range in rising order; 万 and 亿 are multiplied out.
        tolerance: half width of a stated ± tolerance in the same unit, 0 without one.
        unit: as written, "" without one.
        canonical_unit: unit that `canonical` is in: SI base units where the unit is known, else the unit's own folded
            spelling, comparable only with itself.
        factor: what one written unit is in canonical units, rounded once.
        offset: canonical value of a written 0 (temperatures in K or °F); 0 for nearly all units.
        role: requirement, current or business on demands; achieved, setting or other on supply.
        start: where the quantity begins, parameter included if it adjoins its number.
        end: where it ends.
        parameter_span: of the parameter, None if there is none or it is not written in one piece.
        value_span: of the number or numbers.
        unit_span: of the unit, None without one.
        quote: the text between `start` and `end`.
        field: name of the record's field that was read, "" for a bare text.

    """

    parameter: str | None
    op: Op
    values: tuple[float, ...]
    unit: str
    canonical_unit: str
    factor: float
    offset: float
    role: Role
    start: int
    end: int
    parameter_span: Span | None
    value_span: Span
    unit_span: Span | None
    quote: str
    tolerance: float = 0.0
    field: str = ""

    @property
    def low(self) -> float | None:
        """Lower bound in the unit as written; None if the text sets none. Of a change: its size."""
        if self.op in ("le", "lt"):
            return None
        return self.values[0] - self.tolerance

    @property
    def high(self) -> float | None:
        """Upper bound in the unit as written; None if the text sets none. Of a change: its size."""
        if self.op in ("ge", "gt"):
            return None
        return self.values[-1] + self.tolerance

    @property
    def canonical(self) -> tuple[float | None, float | None]:
        """(low, high) in `canonical_unit`."""
        low, high = self.low, self.high
        return (
            None if low is None else low * self.factor + self.offset,
            None if high is None else high * self.factor + self.offset,
        )
