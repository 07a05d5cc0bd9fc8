"""One server process: its logs, its threads, its app; or several that share what the first one has loaded."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from data.errors import StoreError
from data.settings import Settings, settings
from models.threads import limit_threads
from serving.app import create_app
from serving.launch.workers import Workers
from serving.runtime.live import LiveModel, preloaded
from serving.runtime.memory import few_arenas, give_back
from serving.runtime.storage import StoreAccess
from serving.telemetry.logs import configure_logs

SWITCH_INTERVAL = 0.0005  # s


def app_of_process() -> FastAPI:
    """Set up this process and return its app; uvicorn calls it where there is one process."""
    app, _ = _prepared(_set_up())
    return app


def serve_together(config: Callable[[FastAPI], uvicorn.Config], workers: int) -> None:
    """Load the current bundle, then serve it in `workers` processes forked from this one, until they end.

    `config` makes uvicorn's configuration for an app. What the workers share is kept once in memory: libraries,
    compiled code, and the bundle until another one takes its place.
    """
    app, loaded = _prepared(_set_up())
    chosen = config(app)
    listener = chosen.bind_socket()
    _forget_own_metrics()

    def forked() -> None:
        loaded.clear()  # a worker that takes the place of another loads what is current by then
        give_back()

    Workers(chosen, listener, workers).run(forked)


def _set_up() -> Settings:
    used = settings()
    # Beside engine threads the event loop waits for its turn: 5 ms, Python's own choice, several times a request.
    sys.setswitchinterval(SWITCH_INTERVAL)
    configure_logs(used.log_level)
    few_arenas()
    limit_threads(1)  # requests are many and small: more threads for one of them would wait for each other, busily
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the same; and threads do not outlive a fork
    return used


def _prepared(used: Settings) -> tuple[FastAPI, list[LiveModel]]:
    """Return an app and, for it to take, the current bundle, if there is one that can be used.

    What is there by now is left out of garbage collections: they would look through all of it again and again while
    requests wait, and copy what workers share. A bundle needs none to be freed: nothing in it refers back to itself.
    """
    access = StoreAccess(used)
    try:
        live = preloaded(used.served, threads=1, store=access.store())
    except StoreError:
        live = preloaded(used.served, threads=1, store=None)  # it may be back by the time the workers open it
    finally:
        access.close()  # a connection belongs to one process
    loaded = [] if live is None else [live]
    app = create_app(used, loaded)
    gc.collect()
    gc.freeze()
    return app, loaded


def _forget_own_metrics() -> None:
    """Remove the metrics of this process, which answers nothing: its zeros would be counted beside the workers' figures."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for path in Path(folder).glob(f"*_{os.getpid()}.db") if folder else ():
        path.unlink()
