"""The cards of a stored achievement: records from the store, what is around it from the engine."""

from datetime import date
from functools import partial

from matcher.cards.answer import AchievementCards
from matcher.cards.cards import achievement_cards, surroundings
from matcher.loading import stored_demands
from serving.runtime.services import Services


async def cards_of(services: Services, achievement_id: str, on: date) -> AchievementCards:
    """Return the cards of an achievement on a day; raises NotFoundError, or BundleError without a bundle."""
    live = services.live()
    record = await services.in_store(lambda store: store.achievement(achievement_id))
    around = await services.engine_threads.run(partial(surroundings, live.engine, record, on))
    demands = await services.in_store(partial(stored_demands, ids=around.demand_ids or ()))
    return achievement_cards(record, around, demands, on, live.manifest.version)
