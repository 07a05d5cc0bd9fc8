"""Demands in other words, within a time budget: late or failed, the list is made without them and the answer says so."""

import asyncio
from functools import partial

from data.errors import ModelUnavailableError
from data.records import Achievement, Demand
from data.settings import Settings
from matcher.rewriting.gate import FILE, load_gate
from matcher.rewriting.queries import ask_queries
from models.remote.chat import ChatModel
from serving.runtime.outside.threads import ModelThreads
from serving.runtime.outside.watched import WatchedFile


class Rewriting:
    """The rewritings of one process: off unless the settings ask for them, used only while a sure gain is on record."""

    def __init__(self, settings: Settings, chat: ChatModel | None, threads: ModelThreads) -> None:
        self._chat = chat if settings.rewrite else None
        self._wanted = settings.rewrite
        self._budget = settings.rewrite_budget
        self._threads = threads
        identity = "" if chat is None else chat.identity
        self._gate = WatchedFile(settings.home / FILE, partial(load_gate, settings.home, identity))

    @property
    def active(self) -> bool:
        """Whether demands are rewritten."""
        return self._chat is not None and self._gate.get() is not None

    @property
    def lacking(self) -> bool:
        """Whether rewriting is asked for and cannot be used: no chat model, or none whose gain is on record."""
        return self._wanted and not self.active

    async def of(self, record: Demand | Achievement) -> tuple[tuple[str, ...], bool]:
        """Return other wordings of a demand, and whether they came in time; of an achievement there are none."""
        if self._chat is None or not isinstance(record, Demand) or not self.active:
            return (), True
        try:
            async with asyncio.timeout(self._budget):
                work = partial(ask_queries, self._chat, record, self._budget)
                return await self._threads.run(work), True
        except (ModelUnavailableError, TimeoutError):
            return (), False
