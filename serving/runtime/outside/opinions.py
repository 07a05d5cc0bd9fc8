"""Second opinions of the chat model, asked in the background: nobody waits for a model."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import SystemRandom
from threading import Lock, Thread

import structlog

from data.errors import StoreError
from data.store.store import Store
from matcher.opinions.second import ask_opinions, judged_pairs
from models.remote.chat import ChatModel
from serving.telemetry.metrics import DEGRADED

BATCH = 40  # pairs that one request has levelled

log = structlog.get_logger("gongxu.server")


class SecondOpinions:
    """One batch at a time in one process."""

    def __init__(self, chat: ChatModel | None, store: Callable[[], Store]) -> None:
        self._chat, self._store = chat, store
        self._lock = Lock()

    @property
    def model(self) -> str:
        """The model's name, "" for none."""
        return "" if self._chat is None else self._chat.name

    def ask(self) -> bool:
        """Begin to level judged pairs without an opinion, unless a batch is under way; tell whether it began."""
        if self._chat is None or not self._lock.acquire(blocking=False):
            return False
        Thread(target=self._work, args=(self._chat,), name="opinions", daemon=True).start()
        return True

    def _work(self, chat: ChatModel) -> None:
        try:
            store = self._store()
            pairs = list(judged_pairs(store.reviews.all()))
            SystemRandom().shuffle(pairs)  # those whose answers are refused do not keep others from being asked for
            found = ask_opinions(store, chat, pairs, BATCH, datetime.now(UTC))
            if found.stopped:
                DEGRADED.labels("chat").inc()
            log.info("second opinions", new=len(found.new), refused=dict(found.refused), stopped=found.stopped)
        except StoreError as error:
            log.warning("second opinions not kept", reason=str(error))
        finally:
            self._lock.release()
