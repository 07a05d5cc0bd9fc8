"""An actor that answers as a shard does, of a few words instead of a part of a bundle: it starts in a second."""

import os
import time
from typing import Any

from serving.runtime.shards.absent import Absent
from serving.runtime.shards.lines import Exchange

HELD = "20261130-120000"


class LightShard:
    """Answers "ids" by its number, "near" never in time, fails over "size"; other versions than `HELD` are absent."""

    def __init__(self, shard: int, token: str) -> None:
        self.shard = shard
        self._exchange = Exchange("127.0.0.1", token, self.ask)

    def ask(self, version: str, question: str, *arguments: Any) -> Any:
        """See `serving.shards.actor.ShardActor`."""
        if version != HELD:
            return Absent()
        if question == "near":
            time.sleep(3600)
        if question == "size":
            raise ValueError("no size")
        return [self.shard, *arguments]

    def status(self) -> dict[str, Any]:
        """See `serving.shards.actor.ShardActor`."""
        return {"versions": [HELD], "rejected": "", "pid": os.getpid(), "address": self._exchange.address}
