"""What the routes work with: one object per process, made when the app starts."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, TypeVar

import structlog
from fastapi import Depends, Request

from data.errors import StoreError
from data.kinds.registry import load_kinds
from data.records import Achievement, Demand
from data.settings import Settings
from data.store.judging import UNDO, submit, submit_moves
from data.store.store import Store
from eval.online.experiments import Mode
from matcher.recommendation import Recommendation
from matcher.shards.asking import AskingEngine
from serving.access.credentials import KeyRing
from serving.access.disclosure.registry import DisclosureRegistry
from serving.problems import NO_BUNDLE, ApiError
from serving.runtime.answer_cache import AnswerCache
from serving.runtime.background import PeriodicTask
from serving.runtime.chains.holder import ChainHolder
from serving.runtime.compute import EngineThreads
from serving.runtime.dispatching import escalate
from serving.runtime.evidence.log import EvidenceLog
from serving.runtime.experiments import Ask, ExperimentHolder, Running
from serving.runtime.importing.runner import ImportRunner
from serving.runtime.importing.undoing import UndoRunner
from serving.runtime.impressions import ImpressionLog
from serving.runtime.kinds import KindHolder
from serving.runtime.live import BundleHolder, Lacking, LiveModel
from serving.runtime.outside.endpoints import chat_model, counted, encoder_endpoints
from serving.runtime.outside.opinions import SecondOpinions
from serving.runtime.outside.reranking import Reranking
from serving.runtime.outside.rewriting import Rewriting
from serving.runtime.outside.threads import ModelThreads
from serving.runtime.quality.withheld import WithheldRecords
from serving.runtime.standing.delivery import Deliverer
from serving.runtime.standing.matching import StandingMatcher
from serving.runtime.storage import StoreAccess, StoreThreads
from serving.runtime.work.ordering import submit_orders
from serving.telemetry.metrics import BUNDLE_CREATED, BUNDLE_SERVES, IMPRESSIONS_LOST, SHARD_SILENT
from serving.telemetry.tracing import start_tracing, stop_tracing

_T = TypeVar("_T")
EVIDENCE_INTERVAL = 1.0  # seconds between two batches of evidence
EXPERIMENT_INTERVAL = 0.5  # seconds until a server notices that an experiment began or ended
IMPRESSION_INTERVAL = 1.0  # seconds between two batches of impressions
KEY_INTERVAL = 1.0  # seconds until a new or revoked key is known
UPLOAD_INTERVAL = 600.0  # seconds between two looks for uploads that nobody wants any more
DISPATCH_INTERVAL = 30.0  # seconds between two looks for assignments that are late
STANDING_INTERVAL = 0.5  # seconds between two looks for what standing requests may match, and for webhooks that are due
REVIEW_INTERVAL = 20.0  # seconds between two looks for judgements that can no longer be undone

log = structlog.get_logger("gongxu.server")


class Services:
    """Store, bundle and threads of one server process."""

    def __init__(self, settings: Settings, loaded: LiveModel | None = None) -> None:
        """Open what a process needs; `loaded` is the current bundle if it was loaded already."""
        self.settings = settings
        self.access = StoreAccess(settings)
        self.holder = BundleHolder(settings.served, threads=1, loaded=loaded)
        self.kinds = KindHolder(load_kinds(settings.kinds), settings.bundles)
        self.disclosure = DisclosureRegistry(self.kinds.kinds)
        self.withheld, self.chains = WithheldRecords(), ChainHolder()
        journals = settings.home / "evidence" / "journals"
        self.evidence = EvidenceLog(settings.evidence, journals, settings.evidence_roots, self.access.store)
        self.evidence_writer = PeriodicTask("evidence", self.evidence.flush, EVIDENCE_INTERVAL)
        self._evidence_used = self.evidence.on or self.evidence.waiting
        self.engine_threads = EngineThreads(settings.serve_threads, settings.serve_max_wait)
        self._store_threads = StoreThreads(self.access, 2 * settings.serve_lock_timeout)
        self.follower = PeriodicTask("follower", self._follow, settings.serve_poll)
        self.watcher = PeriodicTask("watcher", self._watch, settings.serve_poll)
        self.impressions = ImpressionLog(self.access.store, settings.serve_impression_queue)
        self.impression_writer = PeriodicTask("impressions", self.impressions.flush, IMPRESSION_INTERVAL)
        self.answers = AnswerCache(settings.serve_cache)
        self.keys = KeyRing()
        self.key_reader = PeriodicTask("keys", self._read_keys, max(settings.serve_poll, KEY_INTERVAL))
        self.experiments = ExperimentHolder(settings.home, settings.bundles, threads=1)
        self.experimenter = PeriodicTask("experiments", self._experiment, max(settings.serve_poll, EXPERIMENT_INTERVAL))
        self._shadows: set[asyncio.Task[None]] = set()
        self.review_writer = PeriodicTask("reviews", self._submit_reviews, REVIEW_INTERVAL)
        self.dispatcher = PeriodicTask("dispatch", self._escalate, DISPATCH_INTERVAL)
        self.standing = StandingMatcher(settings.home, self.kinds)
        self.webhook_hosts = frozenset(
            part.strip().lower() for part in settings.webhook_hosts.split(",") if part.strip()
        )
        self.deliverer = Deliverer(self.kinds.kinds, self.webhook_hosts, settings.webhook_timeout)
        self.standing_matcher = PeriodicTask("standing", self._match, max(settings.serve_poll, STANDING_INTERVAL))
        self.webhook_sender = PeriodicTask("webhooks", self._deliver, max(settings.serve_poll, STANDING_INTERVAL))
        self.imports = ImportRunner(settings.home, self.access.store, self.follower.wake)
        self.undoing = UndoRunner(self.imports.uploads, self.access.store, self.written)
        self.chat = chat_model(settings)
        self.second_opinions = SecondOpinions(self.chat, self.access.store)
        self.model_threads = ModelThreads(settings.model_concurrency)
        self.reranking = Reranking(settings, self.model_threads)
        self.rewriting = Rewriting(settings, self.chat, self.model_threads)
        self._shards, self._version = 0, ""  # as the gauges know them
        self.upload_cleaner = PeriodicTask("uploads", self._expire_uploads, UPLOAD_INTERVAL)

    def start(self) -> None:
        """Load the current bundle, if there is one, and begin to follow store and pointer."""
        start_tracing(self.settings.serve_traces)
        self._watch()
        try:
            self._read_keys()
        except StoreError as error:
            log.warning("store unreachable at start", reason=str(error))
        if self.keys.empty:
            log.warning("no API key exists: only requests from this machine are served; see `gongxu keys add`")
        for task in self._tasks:
            task.start()

    def stop(self) -> None:
        """Finish what is in flight and let go of everything; an import or its undo is broken off between two batches."""
        self.imports.stop()
        self.undoing.stop()
        for task in self._tasks:
            task.stop()
        self.engine_threads.close()
        try:
            self.impressions.flush()
        except StoreError as error:
            IMPRESSIONS_LOST.inc(len(self.impressions))
            log.warning("impressions lost", number=len(self.impressions), reason=str(error))
        try:
            if self._evidence_used:
                self.evidence.flush()
        except StoreError as error:
            log.warning("evidence waits in its journal", reason=str(error))
        self.deliverer.close()
        self.standing.close()
        self._store_threads.close()
        self.access.close()
        if self.chat is not None:
            self.chat.endpoint.close()
        self.reranking.close()
        self.model_threads.close()
        stop_tracing()

    @property
    def _tasks(self) -> tuple[PeriodicTask, ...]:
        return (
            self.watcher,
            self.follower,
            self.key_reader,
            self.impression_writer,
            self.review_writer,
            self.dispatcher,
            self.experimenter,
            self.upload_cleaner,
            *((self.evidence_writer,) if self._evidence_used else ()),
            self.standing_matcher,
            self.webhook_sender,
        )

    def in_shadow(self, running: Running, shown: Recommendation, request_id: str, ask: Ask) -> None:
        """Have a challenger in shadow mode answer too, after the answer; when the engine is busy it does not."""
        if running.experiment.mode is Mode.SHADOW and not self.engine_threads.waiting:
            task = asyncio.create_task(self._shadow(partial(self.experiments.shadow, running, shown, request_id, ask)))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)

    async def _shadow(self, work: Callable[[], None]) -> None:
        try:
            await self.engine_threads.run(work)
        except (ApiError, OSError) as error:
            log.warning("shadow left out", reason=str(error))

    def _experiment(self) -> None:
        self.experiments.refresh(self.access.store())

    def _submit_reviews(self) -> None:
        before = datetime.now(UTC) - UNDO
        submit(self.access.store(), before)
        submit_moves(self.access.store(), before)
        submit_orders(self.access.store(), self.kinds.kinds, before)

    def _escalate(self) -> None:
        escalate(self.access.store(), datetime.now(UTC))

    def _match(self) -> None:
        live = self.holder.live
        if live is not None:
            self.standing.refresh(live, self.access.store(), datetime.now(UTC))

    def _deliver(self) -> None:
        self.deliverer.refresh(self.access.store())

    def _expire_uploads(self) -> None:
        self.imports.uploads.expire(datetime.now(UTC))

    def _read_keys(self) -> None:
        self.keys.refresh(self.access.store())

    def live(self) -> LiveModel:
        """Return the live model.

        Raises:
            ApiError: no bundle is loaded (503).

        """
        live = self.holder.live
        if live is None:
            raise ApiError(NO_BUNDLE, "尚未加载模型包；请先运行 gongxu import、gongxu build 和 gongxu train")
        return live

    async def reranked(
        self, record: Achievement | Demand, given: Recommendation
    ) -> tuple[Recommendation, list[Lacking]]:
        """Return a list in the reranker's order where one is used, and what it lacks where that failed."""
        if not self.reranking.active:
            return given, []
        reranked, done = await self.reranking.apply(record, given, self._store_threads)
        return reranked, [] if done else ["rerank"]

    async def in_store(self, work: Callable[[Store], _T], *, patient: bool = False) -> _T:
        """Run `work` with the store in a thread; StoreError when the store cannot be used or (unless `patient`) is slow."""
        return await self._store_threads.run(work, patient=patient)

    @property
    def store_ok(self) -> bool:
        """Whether the store answered when it was last asked, and not too long ago."""
        return not self.follower.failure and self.store_silence < 2 * self.settings.serve_lock_timeout

    @property
    def store_silence(self) -> float:
        """Seconds since the store last answered, beyond those between two looks at it; 0 while all is well."""
        return max(0.0, min(self.follower.silence, self.key_reader.silence) - self.settings.serve_poll)

    def written(self) -> None:
        """Have a record that was written here found at once, and no answer given that was made without it."""
        self.answers.forget()
        self.follower.wake()

    def _follow(self) -> None:
        self.withheld.refresh(self.access.store())
        live = self.holder.live
        if live is not None:
            live.catch_up(self.access.store())
            self.kinds.refresh(live.engine, self.access.store())

    def _watch(self) -> None:
        if self.reload(force=False):
            # What was written while the bundle was loading is searchable at once.
            self.follower.wake()
        self._note_silent_shards()

    def _note_silent_shards(self) -> None:
        live = self.holder.live
        if live is not None and isinstance(live.engine, AskingEngine):
            self._shards = max(self._shards, live.engine.part.shards)  # of all that were ever asked: none stays silent
            silent = live.engine.lacks
            for shard in range(self._shards):
                SHARD_SILENT.labels(shard).set(f"shard {shard}" in silent)

    def reload(self, *, force: bool) -> bool:
        """Load the current bundle if it is a new one, or anyway; return whether a newly loaded one serves now."""
        loaded = self.holder.refresh(self._store_if_there(), force=force)
        if loaded:
            self._note_bundle()
        return loaded

    def switch(self, version: str, point: Callable[[], None]) -> str:
        """Serve another bundle, see `BundleHolder.switch`; return why it was refused, empty if it serves."""
        if self.settings.serve_shards:
            point()  # `gongxu shards` follows the pointer, and this process once all shards have the version
            return ""
        reason = self.holder.switch(version, self._store_if_there(), point)
        if not reason:
            self._note_bundle()
            self.follower.wake()
        return reason

    def _store_if_there(self) -> Store | None:
        try:
            return self.access.store()
        except StoreError:
            return None  # the bundle alone can answer; records written since follow when the store is back

    def _note_bundle(self) -> None:
        for endpoint in encoder_endpoints(self.holder.live):
            counted(endpoint)
        if self.holder.live is not None:
            manifest = self.holder.live.manifest
            BUNDLE_CREATED.set(manifest.created_at.timestamp())
            if self._version != manifest.version:
                if self._version:
                    BUNDLE_SERVES.labels(self._version).set(0)
                self._version = manifest.version
                BUNDLE_SERVES.labels(self._version).set(1)


def services_of(request: Request) -> Services:
    """Return the services of the app that the request came to."""
    services: Services = request.app.state.services
    return services


async def _provided(request: Request) -> Services:
    return services_of(request)  # async: FastAPI calls a plain function in a thread


ServicesOf = Annotated[Services, Depends(_provided)]
