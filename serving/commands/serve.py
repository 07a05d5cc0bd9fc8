"""`gongxu serve`: parses arguments and starts the server."""

import os
import resource
import shutil
from socket import gethostname
from typing import Annotated, Any

import typer


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes; about one per core.", min=1, max=64)] = 1,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
    shards: Annotated[bool, typer.Option("--shards", help="Ask the shards that `gongxu shards` holds.")] = False,
) -> None:
    """Serve the HTTP API; its documentation is at /docs.

    A new bundle (`gongxu build`, `gongxu train`) is picked up while the server runs.

    Examples:
      gongxu serve

      gongxu serve --host 0.0.0.0 --port 8080 --workers 2

    """
    import uvicorn

    from data.errors import InputError
    from data.settings import settings

    if log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise InputError(f"--log-level {log_level!r} is none of DEBUG, INFO, WARNING, ERROR")
    settings()  # a wrong setting is reported here, once, and not by every worker
    os.environ["GONGXU_LOG_LEVEL"] = log_level.upper()
    if shards:
        os.environ["GONGXU_SERVE_SHARDS"] = "true"
        os.environ.setdefault("GONGXU_SERVE_THREADS", "8")  # they wait for shards more than they work
    if workers > 1:
        # Workers leave their metrics in files, so that whichever is asked can tell those of all.
        # The folder of this server alone: others may share the home, on this machine and elsewhere.
        folder = settings().home / "metrics" / f"{gethostname()}-{port}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        os.environ.setdefault("GONGXU_SERVE_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    settings.cache_clear()  # they are read again, with what was just set
    # Connections and mapped files each hold a descriptor; many systems let a process have 1,024 until it asks for more.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 30,
        "limit_concurrency": 1000,
    }
    if workers > 1:
        from serving.launch.process import serve_together

        serve_together(lambda app: uvicorn.Config(app, **options), workers)
    else:
        uvicorn.run("serving.launch.process:app_of_process", factory=True, **options)
