"""Where a run comes from: code, machine, library versions, and digests of the data."""

import getpass
import hashlib
import platform
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("faiss-cpu", "jieba", "lightgbm", "mlflow", "numpy", "rjieba", "scikit-learn", "scipy", "torch")


@dataclass(frozen=True)
class Provenance:
    """`tags` for a run and the `environment` it ran in."""

    tags: dict[str, str]
    environment: dict[str, object]


@lru_cache(maxsize=1)
def provenance() -> Provenance:
    """Return what every run of this process has in common."""
    commit, changed = git_state(Path(__file__).resolve().parents[1])
    tags = {"mlflow.source.name": "gongxu", "mlflow.user": user(), "gongxu.version": package_version("gongxu")}
    if commit:
        tags |= {"mlflow.source.git.commit": commit, "gongxu.git_changed": str(changed).lower()}
    libraries = {name: package_version(name) for name in LIBRARIES}
    machine = {"python": platform.python_version(), "platform": platform.platform(), "node": platform.node()}
    environment = {**machine, "git_commit": commit, "git_changed": changed, "packages": libraries}
    return Provenance(tags, environment)


def git_state(directory: Path) -> tuple[str, bool]:
    """Return the commit of a folder's code, empty outside a checkout, and whether files differ from it."""
    if not (directory.parent / ".git").exists():
        return "", False
    command = ["git", "-C", str(directory)]
    try:
        commit = subprocess.run([*command, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
        status = subprocess.run(  # noqa: S603
            [*command, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "", False
    return commit.stdout.strip(), bool(status.stdout.strip())


def user() -> str:
    """Return the name of the account that runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "unknown"


def package_version(name: str) -> str:
    """Return the installed version of a package, empty if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def folder_digest(*folders: Path) -> str:
    """Return the SHA-256 over names and contents of all files in the folders, `truth/` left out."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "truth" not in path.parts):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
