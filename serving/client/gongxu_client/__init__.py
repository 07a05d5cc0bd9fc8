"""The client of gongxu's HTTP API: typed, sync and async."""

from gongxu_client.async_client import AsyncClient
from gongxu_client.events import new_event
from gongxu_client.sync_client import Client
from gongxu_client.transport import ApiError, Retries

__all__ = ["ApiError", "AsyncClient", "Client", "Retries", "new_event"]
