"""Scripted models: a chat model that levels pairs with the client that asks it, an embedding of texts by characters."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.remote.address import Address
from models.remote.chat import ChatModel
from models.remote.endpoint import Endpoint, Limits
from models.remote.usage import Usage
from tests.models.remote.scripted import Step


def completion(answer: Any) -> dict[str, Any]:
    """Return an answer in the form of a chat completion."""
    return {"choices": [{"message": {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}}]}


def levelling(level_of: Callable[[str, str], int], quotes: bool = True) -> Step:
    """Return a step that gives each pair of texts the level of a function, with true quotes or invented ones."""

    def step(_path: str, body: dict[str, Any]) -> dict[str, Any]:
        given = json.loads(body["messages"][1]["content"])
        need, offer = given["需求"], given["成果"]
        said = (need[:4], offer[:4]) if quotes else ("绝无此文", "绝无此文")
        return completion({"level": level_of(need, offer), "need_quote": said[0], "offer_quote": said[1]})

    return step


def embedding(dimension: int = 8, turn: int = 0) -> Step:
    """Return a step that embeds texts by their characters; `turn` makes another model of the same dimension."""

    def step(_path: str, body: dict[str, Any]) -> dict[str, Any]:
        vectors = [[0.01] * dimension for _ in body["input"]]
        for vector, text in zip(vectors, body["input"], strict=True):
            for character in text:
                vector[(ord(character) + turn) % dimension] += 1
        rows = [{"index": place, "embedding": vector} for place, vector in enumerate(vectors)]
        return {"data": rows[::-1], "model": "any"}

    return step


@contextmanager
def chat_at(url: str, home: Path, **limits: Any) -> Iterator[ChatModel]:
    """Open a chat model; what it answers is cached in `home`."""
    endpoint = Endpoint("chat", Address(url, "scripted"), Limits(**({"seconds": 5.0} | limits)), Usage(home))
    try:
        yield ChatModel(endpoint)
    finally:
        endpoint.close()
