"""Answers given before, as bytes: the same question to the same model over the same records costs no second computation."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

from pydantic import BaseModel

from matcher.recommendation import Recommendation
from serving.runtime.live import Lacking, LiveModel
from serving.telemetry.metrics import ANSWER_CACHE

_OVERHEAD = 2_000  # bytes that an entry costs beside its body, roughly
_HIT, _MISS = ANSWER_CACHE.labels("hit"), ANSWER_CACHE.labels("miss")

Key = tuple[object, ...]


@dataclass(frozen=True)
class Answered:
    """An answer: what the engine said, and its JSON without the request's id."""

    recommendation: Recommendation
    body: bytes

    def with_id(self, request_id: str) -> bytes:
        """Return the JSON of the answer to the request `request_id`."""
        return b'{"request_id":"' + request_id.encode() + b'",' + self.body[1:]


class AnswerCache:
    """The latest answers in at most `limit` bytes; used from the event loop only, so it needs no lock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[Key, Answered] = OrderedDict()
        self._size = 0
        self._era = 0

    def key(self, side: str, asked: BaseModel, live: LiveModel, lacks: list[Lacking]) -> Key:
        """Return what an answer depends on: the question, the model, the records it has taken in, what it lacks."""
        question = blake2b(asked.model_dump_json().encode(), digest_size=16).digest()
        return self._era, live.manifest.version, live.loaded_at, live.revision, side, tuple(lacks), question

    def get(self, key: Key) -> Answered | None:
        """Return the answer of that key, or None."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        (_MISS if found is None else _HIT).inc()
        return found

    def put(self, key: Key, answered: Answered) -> None:
        """Keep an answer; the ones not used for longest give way."""
        if _size(answered) > self._limit:
            return
        if (older := self._entries.pop(key, None)) is not None:
            self._size -= _size(older)
        self._entries[key] = answered
        self._size += _size(answered)
        while self._size > self._limit:
            self._size -= _size(self._entries.popitem(last=False)[1])

    def forget(self) -> None:
        """Drop everything, answers that are being computed included: a record was written here."""
        self._era += 1
        self._entries.clear()
        self._size = 0

    def __len__(self) -> int:
        return len(self._entries)


def _size(answered: Answered) -> int:
    return len(answered.body) + _OVERHEAD
