"""Shards in this process, asked by plain calls: the same questions and answers, without another process to wait for."""

from collections.abc import Mapping, Sequence
from typing import Any

from matcher.shards.shard import ShardEngine


class LocalShards:
    """Engines of all shards, in the order of their numbers."""

    def __init__(self, engines: Sequence[ShardEngine]) -> None:
        self.engines = engines
        self.count = len(engines)

    lacks: tuple[str, ...] = ()
    patience = float("inf")

    def begin(self) -> "LocalConversation":
        """Return a new request's conversation."""
        return LocalConversation(self.engines)


class LocalConversation:
    """One request's questions, all of them answered."""

    lacks: tuple[str, ...] = ()

    def __init__(self, engines: Sequence[ShardEngine]) -> None:
        self._engines = engines

    def ask(self, question: str, of: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Return the answers of shards by number."""
        return {shard: getattr(self._engines[shard], question)(*arguments) for shard, arguments in of.items()}
