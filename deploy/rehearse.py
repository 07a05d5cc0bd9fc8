"""Start what deploy/compose.yaml describes as processes on 127.0.0.1, ask, and kill some of it.

`python -m deploy.rehearse HOME`, where HOME is a home with a trained bundle and a SQLite store (`make demo` makes one); it is
only read. PostgreSQL, two API servers with homes of their own, nginx with deploy/nginx.conf, MLflow (`--without-mlflow`
leaves it out). Each line names what was tried and how long it took; the first that fails ends the rehearsal.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import httpx2

from data.errors import InputError
from data.store.store import Store
from deploy.postgresql import local_postgresql
from gongxu_client import new_event
from serving.access.credentials import add_key, revoke_key
from serving.access.roles import Role

TEXT = {"text": "污泥低温干化设备，含水率降到40%以下", "top_k": 5}
RECOMMEND = "/v1/recommendations/achievements"
NEW = {"achievement_id": "演练-1", "title": "石墨烯海水淡化膜组件", "content": "石墨烯膜，脱盐率99.8%，用于海水淡化"}
CONF = Path(__file__).with_name("nginx.conf")
START = 300.0  # seconds that a process may take to start on a busy machine


class RehearsalError(Exception):
    """Something was not as it should be."""


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], object], what: str, seconds: float = START) -> None:
    """Wait until a condition holds.

    Raises:
        RehearsalError: it did not in time.

    """
    end = monotonic() + seconds
    while not condition():
        if monotonic() > end:
            raise RehearsalError(f"not within {seconds:g} s: {what}")
        sleep(0.05)


def require(condition: object, what: object) -> None:
    """Raise RehearsalError unless the condition holds."""
    if not condition:
        raise RehearsalError(str(what))


class Process:
    """A program that runs until it is stopped; its output goes to a file."""

    def __init__(self, name: str, command: list[str], folder: Path, **variables: str) -> None:
        self.name, self._command, self._log = name, command, folder / f"{name}.log"
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("GONGXU_")} | variables
        self.start()

    def start(self) -> None:
        """Start it, for the first time or again."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)  # noqa: S603

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(60)

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()

    def is_ready(self, address: str) -> bool:
        """Tell whether it answers that it is ready; RehearsalError if it has ended."""
        if self._process.poll() is not None:
            raise RehearsalError(f"{self.name} ended: {self._log.read_text(errors='replace')[-1500:]}")
        return answers(f"{address}/readyz")


def answers(url: str) -> bool:
    """Tell whether an address answers 200."""
    try:
        return httpx2.get(url, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


class Rehearsal:
    """The processes, and what is tried with them."""

    def __init__(self, source: Path, folder: Path, stack: ExitStack, *, mlflow: bool) -> None:
        database = folder / "database"
        database.mkdir()
        self.database = stack.enter_context(local_postgresql(database, free_port()))
        self.url = self.database.url.format("postgres")
        self.store = stack.enter_context(Store.open(self.url))
        for path in source.glob("store.db*"):
            shutil.copy(path, folder)
        self._fill(folder)
        self.key = add_key(self.store, "rehearsal", Role.BACKEND)
        self.ports = [free_port(), free_port()]
        self.servers = [self._server(source, folder, f"api-{place + 1}", port) for place, port in enumerate(self.ports)]
        self.front = f"http://127.0.0.1:{self._nginx(folder, stack)}"
        self.addresses = [f"http://127.0.0.1:{port}" for port in self.ports]
        for server in self.servers:
            stack.callback(server.stop)
        self.http = stack.enter_context(httpx2.Client(headers={"Authorization": f"Bearer {self.key}"}, timeout=30))
        self.mlflow = self._mlflow(folder, stack) if mlflow else ""

    def _fill(self, source: Path) -> None:
        with Store.open(f"sqlite:///{source / 'store.db'}", create=False) as known:
            self.store.upsert_achievements(known.achievements())
            self.store.upsert_demands(known.demands())
            self.store.append_events(known.events())

    def _server(self, source: Path, folder: Path, name: str, port: int) -> Process:
        home = folder / name
        home.mkdir()
        shutil.copytree(source / "bundles", home / "bundles", symlinks=True)
        command = [sys.executable, "-m", "gongxu", "serve", "--port", str(port)]
        settings = {"GONGXU_HOME": str(home), "GONGXU_DATABASE_URL": self.url, "GONGXU_SERVE_CACHE": "0"}
        return Process(name, command, folder, **settings, OMP_NUM_THREADS="1")

    def _nginx(self, folder: Path, stack: ExitStack) -> int:
        program, port = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"), free_port()
        if program is None:
            raise InputError("nginx is not installed (apt-get install nginx)")
        conf = CONF.read_text(encoding="utf-8").replace("listen 8080", f"listen 127.0.0.1:{port}")
        for place, own in enumerate(self.ports):
            conf = conf.replace(f"api-{place + 1}:8000", f"127.0.0.1:{own}")
        names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{name}_temp_path {folder / name};" for name in names)
        head = f"daemon off; pid {folder / 'pid'}; error_log {folder / 'error.log'};"
        if os.geteuid() == 0:
            head += " user root;"
        (folder / "nginx.conf").write_text(head + re.sub(r"http \{", f"http {{ {paths}", conf), encoding="utf-8")
        started = Process("nginx", [program, "-p", str(folder), "-c", str(folder / "nginx.conf")], folder)
        stack.callback(started.stop)
        return port

    def _mlflow(self, folder: Path, stack: ExitStack) -> str:
        port, own = free_port(), folder / "mlflow"
        own.mkdir()
        options = [f"--backend-store-uri=sqlite:///{own / 'mlflow.db'}", f"--artifacts-destination={own / 'artifacts'}"]
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host=127.0.0.1",
            f"--port={port}",
            "--workers=1",
            *options,
        ]
        stack.callback(Process("mlflow", command, folder).stop)
        return f"http://127.0.0.1:{port}"

    def ask(self, base: str = "") -> dict[str, object]:
        """Ask for a recommendation, through nginx unless an address is given."""
        answer = self.http.post(f"{base or self.front}{RECOMMEND}", json=TEXT)
        require(answer.status_code == 200, answer.text)
        found: dict[str, object] = answer.json()
        return found

    def report(self) -> str | None:
        """Send an outcome and return its id if it was acknowledged."""
        event = new_event("click", "D000001", "A000001")
        sent = event.model_dump(mode="json", exclude_unset=True)
        try:
            done = self.http.post(f"{self.front}/v1/events", json=sent).status_code == 200
        except httpx2.TransportError:
            return None
        return event.event_id if done else None

    def everything_starts(self) -> None:
        """Start everything: all processes answer."""
        for server, address in zip(self.servers, self.addresses, strict=True):
            until(partial(server.is_ready, address), f"{server.name} is ready")
        until(lambda: answers(f"{self.front}/readyz"), "nginx leads to a server")
        if self.mlflow:
            until(lambda: answers(f"{self.mlflow}/health"), "MLflow answers")

    def recommendations_and_pages(self) -> None:
        """Ask twenty times and for the page to sign in, through nginx; without a key nothing is answered."""
        for _ in range(20):
            require(self.ask()["items"], "an empty list")
        page = httpx2.get(f"{self.front}/dashboard/login", timeout=30)
        require(page.status_code == 200 and "登录" in page.text, page.text[:300])
        require(httpx2.post(f"{self.front}{RECOMMEND}", json=TEXT).status_code == 401, "served without a key")

    def imports_are_found_by_both(self) -> None:
        """Write a record through nginx: both servers find it."""
        lines = json.dumps(NEW, ensure_ascii=False).encode()
        kind = {"content-type": "application/x-ndjson"}
        answer = self.http.post(f"{self.front}/v1/achievements:bulk", content=lines, headers=kind)
        require(answer.status_code == 200, answer.text)
        wanted = {"text": NEW["content"], "top_k": 20}

        def found(base: str) -> bool:
            items = self.http.post(f"{base}{RECOMMEND}", json=wanted).json()["items"]
            return NEW["achievement_id"] in [one["id"] for one in items]

        for address in self.addresses:
            until(partial(found, address), f"{address} finds the new record", 60)

    def outcomes_are_stored(self) -> None:
        """Report an outcome: it is in the store, once."""
        name = self.report()
        require(name, "the outcome was refused")
        require([one.event_id for one in self.store.events()].count(str(name)) == 1, "not in the store")

    def keys_hold_on_both(self) -> None:
        """Make a key and revoke it: both servers know within seconds."""
        key = add_key(self.store, "second", Role.BACKEND)

        def answered(address: str, wanted: int) -> bool:
            head = {"Authorization": f"Bearer {key}"}
            return httpx2.post(f"{address}{RECOMMEND}", json=TEXT, headers=head, timeout=30).status_code == wanted

        for wanted in (200, 401):
            for address in self.addresses:
                until(partial(answered, address, wanted), f"{address} answers {wanted}", 30)
            if wanted == 200:
                revoke_key(self.store, "second")

    def a_killed_server_is_not_missed(self) -> None:
        """Kill one server: all requests through nginx are answered; it comes back."""
        self.servers[0].kill()
        for _ in range(20):
            require(self.ask()["items"], "an empty list")
        require(self.report(), "an outcome was refused")
        self.servers[0].start()
        until(lambda: answers(f"{self.addresses[0]}/readyz"), "the killed server is ready again")

    def a_database_that_fails_loses_nothing(self) -> None:
        """Stop the database under writes: free texts are answered, nothing acknowledged is lost, all recovers by itself."""
        acknowledged: list[str] = []
        over = threading.Event()

        def write() -> None:
            while not over.is_set():
                name = self.report()
                if name:
                    acknowledged.append(name)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            until(lambda: len(acknowledged) > 20, "outcomes are acknowledged", 60)
            self.database.stop()
            until(
                lambda: all(self.ask(a)["lacks"] == ["store"] for a in self.addresses), "answers say what they lack", 60
            )
            before = len(acknowledged)
            self.database.start()
            until(lambda: len(acknowledged) > before + 20, "outcomes are acknowledged again", 60)
        finally:
            over.set()
            writer.join(60)
        until(lambda: all(self.ask(a)["lacks"] == [] for a in self.addresses), "answers lack nothing", 60)
        stored = {one.event_id for one in self.store.events()}
        require(set(acknowledged) <= stored, f"{len(set(acknowledged) - stored)} acknowledged outcomes are lost")

    @property
    def steps(self) -> tuple[Callable[[], None], ...]:
        """What is tried, in this order."""
        return (
            self.everything_starts,
            self.recommendations_and_pages,
            self.imports_are_found_by_both,
            self.outcomes_are_stored,
            self.keys_hold_on_both,
            self.a_killed_server_is_not_missed,
            self.a_database_that_fails_loses_nothing,
        )


def main() -> None:
    """Rehearse and print what was tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--without-mlflow", action="store_true")
    chosen = parser.parse_args()
    if not (chosen.home / "bundles" / "current").exists() or not (chosen.home / "store.db").exists():
        sys.exit(f"{chosen.home} holds no bundle with a SQLite store; `make demo` makes such a home in .gongxu/demo")
    folder = Path(tempfile.mkdtemp(prefix="gongxu-rehearsal-"))
    folder.chmod(0o711)  # under root PostgreSQL runs as another user
    try:
        with ExitStack() as stack:
            rehearsal = Rehearsal(chosen.home, folder, stack, mlflow=not chosen.without_mlflow)
            for step in rehearsal.steps:
                begun = monotonic()
                step()
                print(f"{monotonic() - begun:7.1f} s  {step.__doc__}", flush=True)
    except (RehearsalError, InputError) as error:
        sys.exit(f"failed: {error}; logs are in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
