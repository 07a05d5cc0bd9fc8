"""One server process: its logs, its threads, its app."""

import sys

from fastapi import FastAPI

from data.settings import settings
from models.threads import limit_threads
from serving.app import create_app
from serving.logs import configure_logs
from serving.memory import few_arenas

SWITCH_INTERVAL = 0.0005  # s


def app_of_process() -> FastAPI:
    """Set up this process and return its app; uvicorn calls it in every worker."""
    used = settings()
    # Beside engine threads the event loop waits for its turn: 5 ms, Python's own choice, several times a request.
    sys.setswitchinterval(SWITCH_INTERVAL)
    configure_logs(used.log_level)
    few_arenas()
    limit_threads(1)  # requests are many and small: more threads for one of them would wait for each other, busily
    return create_app(used)
