"""A chat endpoint (`POST /chat/completions`, as OpenAI, vLLM, Ollama, DeepSeek and DashScope speak it) that answers in JSON."""

import re
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, TypeVar

import orjson

from data.errors import ModelUnavailableError
from data.settings import Settings
from models.remote.configured import make_endpoint
from models.remote.endpoint import Endpoint

_T = TypeVar("_T")
_FENCE = re.compile(r"\A\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)
_NO_SCHEMA = (400, 404, 422)  # what servers answer that do not know JSON schemas


class ChatModel:
    """Asks one question at a time. What comes back is a proposal: whoever asked has to check every word of it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._schemas = True

    @property
    def name(self) -> str:
        """The model's name."""
        return self.endpoint.address.model

    @property
    def identity(self) -> str:
        """Address and model."""
        return f"{self.endpoint.address.url}#{self.endpoint.address.model}"

    def ask(
        self,
        system: str,
        given: Mapping[str, Any],
        schema: Mapping[str, Any],
        read: Callable[[Any], _T],
        *,
        seconds: float | None = None,
    ) -> _T:
        """Return `read` of the JSON object that the model answers `given` with, a JSON object as well.

        A server that refuses JSON schemas is asked without one from then on. `read` raises ValueError, KeyError or
        TypeError where the answer is not of the schema. `seconds` is the time for it all if it is not the endpoint's own limit.

        Raises:
            ModelUnavailableError: there is no such answer in time.

        """
        started = monotonic()
        body: dict[str, Any] = {
            "model": self.name,
            "temperature": 0,
            "messages": [
                {"role": "system", "content": f"{system}\n只输出一个 JSON 对象，符合：{orjson.dumps(schema).decode()}"},
                {"role": "user", "content": orjson.dumps(given).decode()},
            ],
        }
        if self._schemas:
            wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
            try:
                return self._post(body | {"response_format": wanted}, read, seconds)
            except ModelUnavailableError as error:
                if error.status not in _NO_SCHEMA:
                    raise
                self._schemas = False
        return self._post(body, read, None if seconds is None else max(0.01, started + seconds - monotonic()))

    def _post(self, body: Mapping[str, Any], read: Callable[[Any], _T], seconds: float | None) -> _T:
        return self.endpoint.post("/chat/completions", body, lambda found: read(_content(found)), seconds=seconds)


def open_chat(settings: Settings) -> ChatModel | None:
    """Return the chat model of the settings, None if they name none.

    Raises:
        SettingsError: its address, its host or its key cannot be used.

    """
    if not settings.chat:
        return None
    return ChatModel(make_endpoint("chat", settings.chat, settings, settings.chat_key_file))


def _content(found: Any) -> Any:
    """Return the JSON object in an answer; ValueError, KeyError, TypeError or IndexError if it holds none."""
    text = found["choices"][0]["message"]["content"]
    fenced = _FENCE.match(text)
    value = orjson.loads(fenced[1] if fenced else text)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value
