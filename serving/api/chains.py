"""A chain as an answer needs it: read from the store, with the records that may count in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from data.clocks import china_today
from data.errors import InputError
from data.kinds.disclosure import Access
from data.store.chains.chains import KeptChain
from matcher.chains.answer import NearHolder
from matcher.chains.closers import asked_of, near_holders, near_kinds
from matcher.chains.reading import ChainNow, open_on
from matcher.kinds.answer import KindAnswer
from serving.access.disclosure.registry import RestrictedRecords
from serving.runtime.live import LiveModel
from serving.runtime.services import Services


@dataclass(frozen=True)
class OpenChain:
    """A chain with its records as they are now; `left_out` are the ids by kind that do not count."""

    kept: KeptChain
    now: ChainNow
    live: LiveModel
    left_out: Mapping[str, frozenset[str]]


async def read_chain(services: Services, chain_id: str, *, staff: bool = False) -> OpenChain:
    """Return a chain with its records as they are now.

    Records that are withheld never count. Those that exist for nobody without a grant count for `staff` alone.

    Raises:
        NotFoundError: there is no such chain.
        ApiError: no bundle is loaded (503).

    """
    kept, chain = await services.in_store(lambda store: store.chains.get(chain_id))
    left_out = dict(services.withheld.ids)
    if not staff:
        restricted = await services.in_store(services.disclosure.current)
        for kind, ids in hidden_ids(restricted).items():
            left_out[kind] = left_out.get(kind, frozenset()) | ids
    live = services.live()
    work = partial(services.chains.now, live.engine, kept.digest, chain, china_today(), left_out)
    return OpenChain(kept, await services.engine_threads.run(work), live, left_out)


async def closers_of(
    services: Services, chain: OpenChain, place: int
) -> tuple[tuple[NearHolder, ...], tuple[KindAnswer, ...]]:
    """Return who could close a node: holders, and records of the other kinds; nobody where its name says nothing."""

    def work() -> tuple[tuple[NearHolder, ...], tuple[KindAnswer, ...]]:
        today, engine = china_today(), chain.live.engine
        try:
            engine.subject(asked_of(chain.now, place))
        except InputError:  # a node called ※ without demands has no text to match by
            return (), ()
        index = services.kinds.index(engine, services.access.store())
        offered = open_on(today, chain.left_out.get("achievement", frozenset()))
        holders = near_holders(engine, chain.now, place, offered)
        return holders, near_kinds(engine, index, chain.now, place, today, chain.left_out)

    return await services.engine_threads.run(work)


def hidden_ids(restricted: RestrictedRecords) -> dict[str, frozenset[str]]:
    """Return by kind the ids of the records that exist for nobody without a grant."""
    found: dict[str, set[str]] = {}
    for (kind, record_id), record in restricted.records.items():
        if record.shown(Access.NONE) is None:
            found.setdefault(kind, set()).add(record_id)
    return {kind: frozenset(ids) for kind, ids in found.items()}
