"""Standing requests as the matcher reads them, and the rules that a record has to keep beside being near enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from data.errors import InputError
from data.kinds.declaration import KindDeclaration, Role
from data.kinds.disclosure import HIDDEN, visibility_of
from data.kinds.record import KindRecord, Value
from data.kinds.registry import Kinds
from data.records import Achievement, Demand
from data.text.exclusions import Excluded
from matcher.collection.columns import RecordColumns
from matcher.collection.filters import OPEN_STATUSES, Filters
from matcher.kinds.candidates import has_value
from matcher.kinds.index import as_achievement
from matcher.kinds.requirements import check, implied
from matcher.kinds.rules import barred_firms, folded_firm, has_room, same_firm
from matcher.texts.space import record_text

ACHIEVEMENT, DEMAND = "achievement", "demand"  # the kinds with tables of their own
Watched = Achievement | Demand | KindRecord


@dataclass(frozen=True)
class WatchedRequest:
    """A standing request with its text: `wants` is matched with what is offered, `offers` with demands; None: with none."""

    id: str
    wants: Demand | None
    offers: Achievement | None
    kinds: frozenset[str]
    least: float
    filters: Filters = field(default_factory=lambda: Filters(statuses=()))
    conditions: Mapping[str, Value] = field(default_factory=dict)

    @property
    def firm(self) -> str:
        """The folded name of whom the request is from; empty where it is not known."""
        if self.wants is not None and self.wants.enterprise:
            return folded_firm(self.wants.enterprise)
        return folded_firm(self.offers.holder) if self.offers is not None else ""


def require_watchable(kinds: Kinds, names: tuple[str, ...], conditions: Mapping[str, Value]) -> None:
    """Refuse a request that no record could ever answer.

    Raises:
        InputError: a kind is unknown, is neither recommended nor a demand, or no kind can be narrowed by a condition.

    """
    if not names:
        raise InputError("a standing request watches at least one kind", "请至少选择一类要关注的记录")
    for name in names:
        if kinds.known(name).role not in (Role.SUPPLY, Role.ASK):
            watched = ", ".join(kind.name for kind in kinds.values() if kind.role in (Role.SUPPLY, Role.ASK))
            raise InputError(f"records of kind {name!r} cannot be watched; those that can: {watched}")
    for name in conditions:
        declared = [kinds[kind].by_name[name] for kind in names if name in kinds[kind].by_name]
        if not any(one.filtered for one in declared):
            raise InputError(f"none of the kinds watched can be narrowed by {name!r}; see GET /v1/kinds")


def matched_form(record: Watched, kinds: Kinds) -> Achievement | Demand:
    """Return a record in the form in which texts are matched."""
    return as_achievement(record, kinds[record.kind]) if isinstance(record, KindRecord) else record


def offered(record: Watched, kinds: Kinds, on: date) -> bool:
    """Tell whether a record may be recommended on a day at all: it is in force, not hidden, and can take more."""
    if visibility_of(record.visibility) == HIDDEN or not in_force(record, kinds, on):
        return False
    return not isinstance(record, KindRecord) or has_room(record, kinds[record.kind])


def in_force(record: Watched, kinds: Kinds, on: date) -> bool:
    """Tell whether a record is open on a day: its status, its validity, its deadline."""
    if isinstance(record, KindRecord):
        return record.offered(on, kinds[record.kind])
    late = isinstance(record, Demand) and record.deadline is not None and record.deadline < on
    return record.status.value in OPEN_STATUSES and not late


def admits(request: WatchedRequest, record: Watched, kinds: Kinds, on: date) -> bool:
    """Tell whether a record keeps the rules of a request: filters, conditions, what it rules out, budget, place, firms."""
    form = matched_form(record, kinds)
    if not request.filters.allowed(RecordColumns.from_records([form]))[0]:
        return False
    own = form.enterprise if isinstance(form, Demand) else form.holder
    if request.firm and same_firm(request.firm, folded_firm(own)):
        return False  # nobody is to be notified of what they wrote
    if request.wants is not None and not isinstance(form, Demand):
        excluded = record_text(request.wants).excluded
        if excluded and Excluded(excluded).matches(form.title):
            return False
    return not isinstance(record, KindRecord) or _keeps(request, record, kinds[record.kind], on)


def _keeps(request: WatchedRequest, record: KindRecord, kind: KindDeclaration, on: date) -> bool:
    """Tell whether a record of a kind meets the conditions and does not miss the budget or the region of a demand."""
    if any(name in kind.by_name and not has_value(record, name, value) for name, value in request.conditions.items()):
        return False
    if request.firm and any(same_firm(request.firm, name) for name in barred_firms(record, kind)):
        return False
    if request.wants is None:
        return True
    return all(one.status != "missed" for one in check(record, kind, implied(request.wants, kind, ()), on))
