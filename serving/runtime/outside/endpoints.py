"""The models behind endpoints that one server process uses: made from the settings, counted, reported."""

from dataclasses import dataclass
from datetime import datetime

from data.errors import ModelUnavailableError
from data.settings import Settings
from models.encoder.remote import RemoteEncoder
from models.remote.chat import ChatModel, open_chat
from models.remote.configured import make_endpoint
from models.remote.endpoint import Endpoint
from serving.runtime.live import LiveModel
from serving.telemetry.metrics import MODEL_CALLS, MODEL_SECONDS


@dataclass(frozen=True)
class ModelReport:
    """How an endpoint fares: calls of all processes today, outcomes in this process since its start."""

    name: str
    host: str
    model: str
    paused: bool
    calls_today: int | None
    calls_a_day: int
    outcomes: dict[str, int]
    last_failure: str
    failed_at: datetime | None


def require_usable(settings: Settings) -> None:
    """Refuse what no server could use, before it starts.

    Raises:
        SettingsError: an address, a host or a key of an endpoint cannot be used.
        ModuleNotFoundError: the extra that calls endpoints is not installed.

    """
    if settings.chat:
        make_endpoint("chat", settings.chat, settings, settings.chat_key_file).close()
    if settings.rerank.startswith(("http://", "https://")):
        make_endpoint("rerank", settings.rerank, settings, settings.rerank_key_file).close()


def chat_model(settings: Settings) -> ChatModel | None:
    """Return the chat model of the settings, None if they name none; SettingsError if it cannot be used."""
    chat = open_chat(settings)
    if chat is not None:
        counted(chat.endpoint)
    return chat


def counted(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint, whose calls the metrics count from now on."""
    endpoint.observe = _observe
    return endpoint


def encoder_endpoints(live: LiveModel | None) -> list[Endpoint]:
    """Return the endpoints that encode the texts of a bundle, in the first and in the second stage; mostly none."""
    space = None if live is None else live.engine.model.space
    encoders = () if space is None else (space.encoder, space.contextual)
    return [encoder.endpoint for encoder in encoders if isinstance(encoder, RemoteEncoder)]


def report(endpoint: Endpoint) -> ModelReport:
    """Return how an endpoint fares."""
    try:
        calls: int | None = endpoint.calls_today()
    except ModelUnavailableError:  # the file of calls cannot be read
        calls = None
    health = endpoint.health
    return ModelReport(
        name=endpoint.name,
        host=endpoint.address.host,
        model=endpoint.address.model,
        paused=endpoint.is_open,
        calls_today=calls,
        calls_a_day=endpoint.limits.calls_a_day,
        outcomes=dict(sorted(health.outcomes.items())),
        last_failure=health.last_failure,
        failed_at=health.failed_at,
    )


def _observe(name: str, outcome: str, seconds: float) -> None:
    MODEL_CALLS.labels(name, outcome).inc()
    MODEL_SECONDS.labels(name).observe(seconds)
