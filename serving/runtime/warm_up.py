"""The first requests of a new bundle, asked before anybody else's: compiled code is made or read at its first use."""

from data.errors import StoreError
from data.records import Achievement, Demand, UnstoredAchievement
from data.store.store import Store
from matcher.collection.filters import Filters
from matcher.engine import Engine
from matcher.loading import stored_achievements, stored_demands

_TEXT = "低温污泥干化设备，处理量每天50吨，含水率降到40%以下"


def warm_up(engine: Engine, store: Store | None) -> None:
    """Ask a request of each kind, with a text and with what is stored: each has code of its own, in each direction.

    Reasons are asked for: without them a request does nothing that it does not do with them. Records are read from
    `store` as long as there is one that answers.
    """
    demand = Demand.of_text(_TEXT)
    offer = UnstoredAchievement(title=demand.title, content=demand.content)
    everything = Filters.none()
    for asked, offered in [(demand, offer), *_stored(engine, store)]:
        engine.recommend_achievements(asked, filters=everything, explain=True)
        engine.recommend_demands(offered, filters=everything, explain=True)
        engine.match(asked, offered)
        engine.similar(asked)
        engine.similar(offered)
    engine.recommend_achievements(demand, personalised=False)


def _stored(engine: Engine, store: Store | None) -> list[tuple[Demand, Achievement]]:
    """Return a demand and an achievement that the bundle knows as they are stored, if they still are."""
    if store is None:
        return []
    known = engine.model
    try:
        demands = stored_demands(store, known.demands.base.cards.ids[:1])
        achievements = stored_achievements(store, known.achievements.base.cards.ids[:1])
    except StoreError:
        return []  # as `/readyz` will say
    return list(zip(demands, achievements, strict=False))
