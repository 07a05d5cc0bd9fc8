"""Who could close a node of a chain: holders whose achievements are near it, and records of the other kinds."""

from collections.abc import Mapping
from datetime import date

from data.kinds.declaration import Role
from data.quality.ratings import folded
from data.records import Demand
from matcher.chains.answer import NearHolder, NearRecord
from matcher.chains.placing import node_text
from matcher.chains.reading import ChainNow
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.kinds.answer import KindAnswer
from matcher.kinds.candidates import KindsQuery
from matcher.kinds.index import KindIndex
from matcher.kinds.recommend import recommend_kinds

LOOKED_AT = 30  # achievements near a node whose holders are named
HOLDERS = 6
RECORDS = 3  # of a holder
OF_A_KIND = 3
NEAR = 1.0
"""Deviations over reference records from which a record of a kind without outcomes is near."""
DEMANDS_READ = 5  # titles of demands that say what a node is short of


def asked_of(now: ChainNow, place: int) -> Demand:
    """Return what a node asks for: its name and surroundings, and the titles of its open demands."""
    records = now.figures.demands[place][:DEMANDS_READ]
    titles = [now.parts[one.part][1].cards.titles[one.row] for one in records]
    return Demand.of_text("。".join([node_text(now.figures.chain, place), *titles]))


def near_holders(engine: Engine, now: ChainNow, place: int, filters: Filters) -> tuple[NearHolder, ...]:
    """Return the holders of the achievements that answer best what a node asks for, the best first; none if none is good."""
    found = engine.recommend_achievements(
        asked_of(now, place), top=LOOKED_AT, filters=filters, personalised=False, diversity="none"
    )
    present = {folded(one.owner) for one in now.figures.supplies[place] if one.owner}
    names: dict[str, str] = {}
    records: dict[str, list[NearRecord]] = {}
    for item in found.items if found.answered else ():
        key = folded(item.owner)
        if key:
            names.setdefault(key, item.owner)
            near = NearRecord(kind="achievement", id=item.id, title=item.title, probability=item.probability)
            records.setdefault(key, []).append(near)
    return tuple(
        NearHolder(name=names[key], present=key in present, records=tuple(some[:RECORDS]))
        for key, some in list(records.items())[:HOLDERS]
    )


def near_kinds(
    engine: Engine, index: KindIndex, now: ChainNow, place: int, on: date, withheld: Mapping[str, frozenset[str]]
) -> tuple[KindAnswer, ...]:
    """Return the records of each other kind of supply that are nearest to what a node asks for, if there are any."""
    wanted = {
        kind.name: OF_A_KIND
        for kind in index.kinds.of_role(Role.SUPPLY)
        if not kind.own_table and len(index.collections.get(kind.name, ()))
    }
    found: list[KindAnswer] = []
    for name, top in wanted.items():
        query = KindsQuery({name: top}, on, withheld=withheld)
        found += recommend_kinds(engine, index, asked_of(now, place), query).kinds
    return tuple(near for one in found if (near := _near(one)).items)


def _near(answer: KindAnswer) -> KindAnswer:
    """Return an answer without the records that are not near; a kind that learned from outcomes says so itself."""
    if answer.answered is not None:
        return answer if answer.answered else answer.model_copy(update={"items": ()})
    return answer.model_copy(update={"items": tuple(item for item in answer.items if item.score >= NEAR)})
