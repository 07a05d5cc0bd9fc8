"""One server process: its logs, its threads, its app; or several that share what the first one has loaded."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from data.settings import Settings, settings
from models.threads import limit_threads
from serving.app import create_app
from serving.live import LiveModel, preloaded
from serving.logs import configure_logs
from serving.memory import few_arenas, give_back
from serving.workers import Workers

SWITCH_INTERVAL = 0.0005  # s


def app_of_process() -> FastAPI:
    """Set up this process and return its app; uvicorn calls it where there is one process."""
    used = _set_up()
    app = create_app(used)
    _freeze()
    return app


def serve_together(config: Callable[[FastAPI], uvicorn.Config], workers: int) -> None:
    """Load the current bundle, then serve it in `workers` processes forked from this one, until they end.

    `config` makes uvicorn's configuration for an app. What the workers share is kept once in memory: libraries,
    compiled code, and the bundle until another one takes its place.
    """
    used = _set_up()
    loaded: list[LiveModel] = []
    chosen = config(create_app(used, loaded))
    listener = chosen.bind_socket()
    _freeze()
    live = preloaded(used.bundles, threads=1)
    if live is not None:
        loaded.append(live)
    del live
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


def _freeze() -> None:
    """Leave everything imported so far out of garbage collections, which would look through it and copy shared pages."""
    gc.collect()
    gc.freeze()


def _forget_own_metrics() -> None:
    """Remove the metrics of this process, which answers nothing: its zeros would stand beside the workers' figures."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for path in Path(folder).glob(f"*_{os.getpid()}.db") if folder else ():
        path.unlink()
