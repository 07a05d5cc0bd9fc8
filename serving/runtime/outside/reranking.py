"""Reranking of what is answered, within a time budget: late or failed, the ranker's order stays and the answer says so."""

import asyncio
from functools import partial
from time import monotonic

from data.errors import ModelUnavailableError, StoreError
from data.records import Achievement, Demand
from data.settings import Settings
from data.store.store import Store
from matcher.loading import stored_achievements, stored_demands
from matcher.recommendation import Recommendation
from matcher.reranking.weight import FILE, RerankWeight, load_weight, reordered, rerank_text
from models.remote.endpoint import Endpoint
from models.rerank.base import Reranker, open_reranker
from models.rerank.remote import RemoteReranker
from serving.runtime.outside.endpoints import counted
from serving.runtime.outside.threads import ModelThreads
from serving.runtime.outside.watched import WatchedFile
from serving.runtime.storage import StoreThreads
from serving.telemetry.metrics import MODEL_CALLS


class Reranking:
    """The reranker of one process and its weight, which is read again when its file changes."""

    def __init__(self, settings: Settings, threads: ModelThreads) -> None:
        self._threads = threads
        self._home = settings.home
        self._top = settings.rerank_top
        self._budget = settings.rerank_budget
        self._reranker: Reranker | None = open_reranker(settings)
        if self.endpoint is not None:
            counted(self.endpoint)
        self._weight = WatchedFile(settings.home / FILE, self._load)

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint of the reranker, None for a local one and for none."""
        return self._reranker.endpoint if isinstance(self._reranker, RemoteReranker) else None

    @property
    def lacking(self) -> bool:
        """Whether a reranker is configured that cannot be used: no weight was fitted for it that passed the gate."""
        return self._reranker is not None and self._weight.get() is None

    @property
    def active(self) -> bool:
        """Whether lists are reranked."""
        return self._reranker is not None and self._weight.get() is not None

    async def apply(
        self, record: Achievement | Demand, given: Recommendation, store: StoreThreads
    ) -> tuple[Recommendation, bool]:
        """Return the list in its new order, and whether it has one; the budget counts from now."""
        reranker, weight, deadline = self._reranker, self._weight.get(), monotonic() + self._budget
        head = given.items[: self._top]
        if reranker is None or weight is None or len(head) < 2:
            return given, weight is not None
        asked = rerank_text(record)
        if not asked:  # nobody outside may read it
            return given, False
        try:
            async with asyncio.timeout(self._budget):
                read = partial(_texts, demands=isinstance(record, Achievement), ids=[item.id for item in head])
                texts = await store.run(read)
                work = partial(reranker.scores, asked, texts, max(0.01, deadline - monotonic()))
                scores = await self._threads.run(work)
        except (ModelUnavailableError, StoreError, TimeoutError) as error:
            if not isinstance(error, ModelUnavailableError) or self.endpoint is None:
                MODEL_CALLS.labels("rerank", getattr(error, "outcome", "late")).inc()
            return given, False
        return reordered(given, scores, weight), True

    def close(self) -> None:
        """Let go of connections."""
        if self.endpoint is not None:
            self.endpoint.close()

    def _load(self) -> RerankWeight | None:
        return None if self._reranker is None else load_weight(self._home, self._reranker.identity)


def _texts(store: Store, *, demands: bool, ids: list[str]) -> list[str]:
    """Return the texts of records; one that was deleted meanwhile is empty."""
    records: list[Demand] | list[Achievement] = (
        stored_demands(store, ids) if demands else stored_achievements(store, ids)
    )
    known = {record.record_id: rerank_text(record) for record in records}
    return [known.get(record_id, "") for record_id in ids]
