"""The text of a standing request as it is now: a saved one, or that of the record that it speaks for."""

from datetime import date

from data.errors import NotFoundError
from data.kinds.declaration import Role
from data.kinds.record import KindRecord, Value
from data.kinds.registry import Kinds
from data.records import MAX_TEXT, MAX_TITLE, Achievement, Demand, UnstoredAchievement
from data.standing.types import Source, SourceKind, StandingRequest
from data.store.store import Store
from matcher.collection.filters import Filters
from matcher.kinds.index import as_achievement
from matcher.kinds.subjects import demand_of_achievement, demand_of_firm
from matcher.standing.requests import ACHIEVEMENT, DEMAND, Watched, WatchedRequest, in_force

FIRM = "firm"
TABLES = {SourceKind.DEMAND: DEMAND, SourceKind.ACHIEVEMENT: ACHIEVEMENT}


def watched(store: Store, kinds: Kinds, request: StandingRequest, on: date) -> WatchedRequest | None:
    """Return a request with its text; None once the record that it speaks for is gone, closed or out of date."""
    try:
        wants, offers = texts_of(store, kinds, request.source, on)
    except NotFoundError:
        return None
    conditions: dict[str, Value] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in request.conditions.items()
    }
    return WatchedRequest(
        request.id,
        wants,
        offers,
        frozenset(request.kinds),
        request.least,
        Filters.model_validate(request.filters),
        conditions,
    )


def texts_of(store: Store, kinds: Kinds, source: Source, on: date) -> tuple[Demand | None, Achievement | None]:
    """Return the text of a source as a need, and as something offered; a demand is not offered to anybody.

    Raises:
        NotFoundError: there is no such record, or it is not in force on the day.

    """
    if source.of is SourceKind.TEXT:
        wanted = Demand.of_text(source.text)
        return wanted, UnstoredAchievement(title=wanted.title, content=wanted.content)
    record = record_of(store, kinds, source.kind, source.id)
    if not in_force(record, kinds, on):
        raise NotFoundError(
            f"{source.kind} {source.id!r} is closed or out of date", chinese=f"“{source.id}”已关闭或已过期"
        )
    if isinstance(record, Demand):
        return record, None
    if isinstance(record, Achievement):
        return demand_of_achievement(record), record
    if source.kind == FIRM:
        return _of_firm(store, record)
    form = as_achievement(record, kinds[source.kind])
    return demand_of_achievement(form), form


def _of_firm(store: Store, record: KindRecord) -> tuple[Demand, Achievement]:
    firm = store.firms.get(record.id)
    wanted = demand_of_firm(firm.title, firm.facts, firm.record)
    offers = UnstoredAchievement(
        title=wanted.title[:MAX_TITLE],
        content=wanted.content[:MAX_TEXT],
        keywords=wanted.keywords,
        holder=firm.title[:MAX_TITLE],
        region=wanted.region,
    )
    return wanted, offers


def record_of(store: Store, kinds: Kinds, kind: str, record_id: str) -> Watched:
    """Return a stored record of any kind.

    Raises:
        NotFoundError: there is none with this id.

    """
    if kind == DEMAND:
        return store.demand(record_id)
    if kind == ACHIEVEMENT:
        return store.achievement(record_id)
    if kind not in kinds:
        raise NotFoundError(f"there is no kind {kind!r} any more", chinese=f"类别“{kind[:40]}”已不存在")
    return store.kinds.get(kind, record_id)


def watched_by_default(kinds: Kinds, source: Source) -> tuple[str, ...]:
    """Return the kinds that a request watches unless it names some: what meets a need, or needs for what is offered."""
    if source.of in (SourceKind.TEXT, SourceKind.DEMAND):
        return (ACHIEVEMENT,)
    supply = source.of is SourceKind.ACHIEVEMENT or kinds[source.kind].role in (Role.SUPPLY, Role.PROFILE)
    return (DEMAND,) if supply else (ACHIEVEMENT,)
