"""Cards of stored achievements and what is one step away for firms: records from the store, the rest from the engine."""

from datetime import date
from functools import partial

from data.store.eligibility.firm_facts import KnownFirm
from matcher.cards.answer import AchievementCards
from matcher.cards.cards import achievement_cards, surroundings
from matcher.cards.firm import shared_equipment, vague_demands
from matcher.eligibility.diagnosis import Finding
from matcher.kinds.subjects import demand_of_firm
from matcher.loading import stored_demands
from serving.runtime.live import LiveModel
from serving.runtime.services import Services


async def cards_of(services: Services, achievement_id: str, on: date) -> AchievementCards:
    """Return the cards of an achievement on a day; raises NotFoundError, or BundleError without a bundle."""
    live = services.live()
    record = await services.in_store(lambda store: store.achievement(achievement_id))
    around = await services.engine_threads.run(partial(surroundings, live.engine, record, on))
    demands = await services.in_store(partial(stored_demands, ids=around.demand_ids or ()))
    return achievement_cards(record, around, demands, on, live.manifest.version)


async def findings_around(services: Services, firm: KnownFirm, on: date) -> list[Finding]:
    """Return a firm's vague demands and the shared equipment for its business, with the bundle that serves, if any.

    Without a bundle demands are read without the graph's terms, and no equipment is looked for.
    """
    live = services.holder.live
    demands = await services.in_store(lambda store: stored_demands(store, store.firms.demand_ids(firm.title)))
    vague = vague_demands(demands, live.engine.model.graph if live else None, on)
    if live is None:
        return vague
    return vague + await services.engine_threads.run(partial(_equipment, services, live, firm, on))


def _equipment(services: Services, live: LiveModel, firm: KnownFirm, on: date) -> list[Finding]:
    index = services.kinds.index(live.engine, services.access.store())
    return shared_equipment(live.engine, index, demand_of_firm(firm.title, firm.facts, firm.record), on)
