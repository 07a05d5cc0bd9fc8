"""One server process: its logs, its threads, its app."""

from fastapi import FastAPI

from data.settings import settings
from models.threads import limit_threads
from serving.app import create_app
from serving.logs import configure_logs


def app_of_process() -> FastAPI:
    """Set up this process and return its app; uvicorn calls it in every worker."""
    used = settings()
    configure_logs(used.log_level)
    limit_threads(used.threads)
    return create_app(used)
