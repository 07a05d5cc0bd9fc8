"""A PostgreSQL of one's own in a folder, reached over a socket or a port of 127.0.0.1, for rehearsals and tests."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from data.errors import InputError


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs: PyPI's pgserver carries them, Debian's package is as good.

    Raises:
        InputError: there are none.

    """
    spec = find_spec("pgserver")
    carried = [Path(folder) / "pginstall/bin" for folder in (spec.submodule_search_locations or [])] if spec else []
    for folder in [*carried, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]:
        if (folder / "initdb").exists():
            return folder
    raise InputError("no PostgreSQL found; install the project's dev dependencies (pgserver) or Debian's postgresql")


class LocalServer:
    """A PostgreSQL server whose data lie in `folder`; it may be stopped and started."""

    def __init__(self, folder: Path, port: int = 0, settings: str = "") -> None:
        """Create the data; `port` 0: only a socket in the folder. `settings`: more `-c name=value` for the server."""
        self._folder = folder
        self._programs = binaries()
        self._options: dict[str, object] = {"cwd": folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and root's folders may be closed to others.
            if any(not parent.stat().st_mode & 0o001 for parent in self._programs.parents):
                self._programs = Path(shutil.copytree(self._programs.parent, folder / "pg")) / "bin"
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        where = f"-h 127.0.0.1 -p {port}" if port else "-h ''"
        self._started_with = f"{where} -k {folder} {settings}"
        host = f"127.0.0.1:{port}" if port else ""
        self.url = f"postgresql://postgres@{host}/{{}}" + ("" if port else f"?host={folder}")
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._run("pg_ctl", "-w", "-t", "120", "-l", str(self._folder / "log"), "-o", self._started_with, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server; `immediate` is a crash, after which it recovers, `fast` breaks off clients in order."""
        self._run("pg_ctl", "-w", "-t", "120", "-m", mode, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        output = self._folder / "output"
        with output.open("a+b") as written:
            command = [str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
            done = subprocess.run(  # noqa: S603 - our own arguments
                command,
                stdout=written,
                stderr=written,
                check=False,
                timeout=180,
                **self._options,  # type: ignore[call-overload]
            )
        if done.returncode:
            raise InputError(f"{program} failed: {output.read_text(errors='replace')[-2000:]}")


@contextmanager
def local_postgresql(folder: Path, port: int = 0, settings: str = "") -> Iterator[LocalServer]:
    """Yield a server that runs, and stop it in the end.

    Raises:
        InputError: there is no PostgreSQL, or it cannot be started.

    """
    server = LocalServer(folder, port, settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
