"""Promotion and rollback asked for on the dashboard: `gongxu promote` in a process of its own, its outcome in a file.

The server knows neither training nor MLflow, and a gate may take minutes: the request returns at once, any worker can tell
how far it is.
"""

import asyncio
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from data.locks import held, taken
from data.settings import PREFIX, Settings

FOLDER = "promotion_requests"
TIMEOUT = 1800.0  # seconds after which a promotion is given up
KEPT = 20
DIED = "服务器在它完成之前中断；结果见“决定”一栏，没有记录就是没有发生，可以再试。"
RUNNING, DONE, REFUSED, FAILED = "running", "done", "refused", "failed"
_PASSED_ON = ("home", "database_url", "mlflow_tracking_uri", "threads")
_running: set[asyncio.Task[None]] = set()


class Request(BaseModel):
    """One request and its outcome."""

    model_config = ConfigDict(frozen=True)

    number: str
    action: str  # promote or rollback
    version: str
    who: str
    why: str
    asked_at: datetime
    state: str = RUNNING
    message: str = ""


def requests(home: Path) -> list[Request]:
    """Return the latest requests, newest first."""
    found = []
    for path in sorted((home / FOLDER).glob("*.json"), reverse=True)[:KEPT]:
        try:
            request = Request.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            continue
        if request.state == RUNNING and not held(_lock(home, request.number)):
            # Whoever ran it may have written the outcome between the two looks.
            request = Request.model_validate_json(path.read_text(encoding="utf-8"))
            if request.state == RUNNING:
                request = request.model_copy(update={"state": FAILED, "message": DIED})
        found.append(request)
    return found


def begin(settings: Settings, *, action: str, version: str, who: str, why: str, force: bool, now: datetime) -> Request:
    """Note a request and start it; the caller goes on at once."""
    request = Request(
        number=f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:6]}", action=action, version=version, who=who, why=why, asked_at=now
    )
    lock = taken(_lock(settings.home, request.number))  # until it has ended, or this process has
    _write(settings.home, request)
    # A task that nobody refers to may be collected while it runs.
    task = asyncio.create_task(asyncio.to_thread(_run_holding, lock, settings, request, force))
    _running.add(task)
    task.add_done_callback(_running.discard)
    return request


def _run_holding(lock: int | None, settings: Settings, request: Request, force: bool) -> None:
    try:
        _run(settings, request, force)
    finally:
        if lock is not None:
            os.close(lock)
            _lock(settings.home, request.number).unlink(missing_ok=True)


def _lock(home: Path, number: str) -> Path:
    return home / FOLDER / f".{number}.lock"


def _run(settings: Settings, request: Request, force: bool) -> None:
    arguments = ["--rollback"] if request.action == "rollback" else [request.version, *(["--force"] if force else [])]
    command = [sys.executable, "-m", "gongxu", "promote", *arguments, "--why", request.why]
    passed = {PREFIX + name.upper(): str(getattr(settings, name)) for name in _PASSED_ON}
    # Training notes the account as who decided.
    environment = os.environ | {name: value for name, value in passed.items() if value} | {"LOGNAME": request.who}
    try:
        done = subprocess.run(  # noqa: S603  our own command; version and reason are single arguments, no shell
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _write(settings.home, request.model_copy(update={"state": FAILED, "message": str(error)[:500]}))
        return
    state = DONE if done.returncode == 0 else REFUSED if done.returncode == 1 and done.stdout.strip() else FAILED
    message = done.stdout.strip() if state != FAILED else (done.stderr.strip().splitlines() or ["?"])[-1]
    _write(settings.home, request.model_copy(update={"state": state, "message": message[-2000:]}))


def _write(home: Path, request: Request) -> None:
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    waiting = folder / f".{request.number}"
    waiting.write_text(request.model_dump_json(indent=1), encoding="utf-8")
    waiting.replace(folder / f"{request.number}.json")
