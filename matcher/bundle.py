"""The bundle on disk: an immutable folder whose manifest names every file with its size and digest."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, ValidationError

from data.columns.arrays import link_or_copy
from data.dates import CHINA_STANDARD_TIME
from data.errors import BundleError, BundleFormatError

FORMAT_VERSION = 10
MANIFEST = "manifest.json"
SEAL = "manifest.sha256"  # SHA-256 of the manifest, which itself holds those of all other files
CURRENT = "current"  # what is served: the champion
PREVIOUS = "previous"  # what was served before it
CHALLENGER = "challenger"  # the latest candidate that was not promoted
BUILT = "built"  # the latest build: the records that the next training starts from
LINKED = 2**20  # bytes from which on equal files of a bundle become one
POINTERS = (CURRENT, PREVIOUS, CHALLENGER, BUILT)


class FileEntry(BaseModel):
    """Size in bytes and BLAKE3 digest (hex) of one file of a bundle: as safe as SHA-256, in a third of its time."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    blake3: str


class Manifest(BaseModel):
    """What a bundle holds and what it was made from."""

    model_config = ConfigDict(frozen=True)

    format_version: int = FORMAT_VERSION
    version: str
    created_at: datetime
    # Highest store revision that went in: later records are replayed from there.
    watermark: int
    achievements: int
    demands: int
    encoder_digest: str
    # Ordered features of the ranker; empty as long as there is none.
    feature_names: tuple[str, ...] = ()
    # Judged or observed pairs the ranker learned from.
    training_pairs: int = 0
    mlflow_run_id: str = ""
    # The bundle whose vocabularies, topics and terms these are; how many records were written or deleted since it was
    # built; and a digest of how texts were read.
    fitted: str = ""
    changed: int = 0
    reading: str = ""
    files: dict[str, FileEntry] = {}


@contextmanager
def new_bundle(bundles: Path) -> Iterator[Path]:
    """Yield an empty folder inside `bundles` to fill; unless it is published in the block, it is removed."""
    bundles.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=".new-", dir=bundles))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def publish(directory: Path, manifest: Manifest, *, serve: bool = True, name: str = "") -> Path:
    """Seal the filled folder: digest and fsync all files, rename it to its version; to `serve` makes it current.

    A `name` is used in place of the version.

    Returns the bundle's folder. A reader sees either the old bundle or the new one, whole.
    """
    bundles = directory.parent
    files = {path.relative_to(directory).as_posix(): path for path in sorted(directory.rglob("*")) if path.is_file()}
    entries = {name: FileEntry(bytes=path.stat().st_size, blake3=_digest(path)) for name, path in files.items()}
    _link_equal({files[name]: entry for name, entry in entries.items()})
    write_manifest(directory, manifest.model_copy(update={"files": entries}))
    for path in [*files.values(), directory / MANIFEST, directory / SEAL]:
        _fsync(path)
    for folder in [directory, *(path for path in directory.rglob("*") if path.is_dir())]:
        _fsync(folder)
    target = bundles / (name or manifest.version)
    directory.chmod(0o755)
    directory.rename(target)
    _fsync(bundles)
    if serve:
        set_current(bundles, target.name)
    return target


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write a bundle's manifest and the seal over it."""
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    (directory / SEAL).write_text(_sha256(directory / MANIFEST), encoding="utf-8")


def set_current(bundles: Path, version: str) -> None:
    """Make `version` the bundle that is served, in one atomic step."""
    set_pointer(bundles, CURRENT, version)


def set_pointer(bundles: Path, name: str, version: str) -> None:
    """Let one of `POINTERS` name `version`, in one atomic step; an empty version removes the pointer."""
    target = bundles / name
    if version:
        pointer = bundles / f".{name}-{os.getpid()}"
        pointer.write_text(version + "\n", encoding="utf-8")
        _fsync(pointer)
        pointer.replace(target)
    else:
        target.unlink(missing_ok=True)
    _fsync(bundles)


def pointed(bundles: Path, name: str) -> str:
    """Return the version that one of `POINTERS` names; empty if there is none or its bundle is gone."""
    try:
        version = (bundles / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    return version if version and (bundles / version / MANIFEST).is_file() else ""


def current_bundle(bundles: Path) -> Path:
    """Return the folder of the current bundle.

    Raises:
        BundleError: nothing was built yet, or the bundle that `current` names is gone.

    """
    pointer = bundles / CURRENT
    if not pointer.is_file():
        raise BundleError(f"no bundle in {bundles}; run `gongxu import` and `gongxu build` first")
    directory = bundles / pointer.read_text(encoding="utf-8").strip()
    if not (directory / MANIFEST).is_file():
        raise BundleError(f"bundle {directory} has no {MANIFEST}; run `gongxu build` to make a new one")
    return directory


def latest_build(bundles: Path) -> Path:
    """Return the folder of the bundle with the newest records: the latest build, or the current one if that is newer.

    Raises:
        BundleError: nothing was built yet, or the bundle that `current` names is gone.

    """
    built = pointed(bundles, BUILT)
    if built and (not pointed(bundles, CURRENT) or built > pointed(bundles, CURRENT)):
        return bundles / built
    return current_bundle(bundles)


def all_bundles(bundles: Path) -> list[Manifest]:
    """Return the manifests of all readable bundles, newest first; one of another format is left out."""
    found = []
    for path in sorted(bundles.glob(f"[0-9]*/{MANIFEST}"), reverse=True):
        with suppress(BundleError):
            found.append(read_manifest(path.parent))
    return found


def read_manifest(directory: Path) -> Manifest:
    """Read a bundle's manifest.

    Raises:
        BundleError: it is missing, damaged, or of another format version.

    """
    path = directory / MANIFEST
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"{path} is missing; {directory} is no bundle, run `gongxu build`") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{path} is damaged ({error}); run `gongxu build` to make a new bundle") from error
    found = state.get("format_version") if isinstance(state, dict) else None
    if found != FORMAT_VERSION:
        raise BundleFormatError(
            f"bundle {directory} has format version {found}, this gongxu reads version {FORMAT_VERSION}; "
            "run `gongxu build` to make a new one"
        )
    seal = directory / SEAL
    if not seal.is_file() or seal.read_bytes() != _sha256(path).encode():
        raise BundleError(f"bundle file {path} was changed: {SEAL} says otherwise; run `gongxu build`")
    try:
        return Manifest.model_validate(state)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(f"{path} is damaged: {first['loc']}: {first['msg']}; run `gongxu build`") from error


def has_ranker(directory: Path) -> bool:
    """Tell whether a bundle can be read and has a ranker."""
    try:
        return bool(read_manifest(directory).feature_names)
    except BundleError:
        return False


def verify(directory: Path) -> Manifest:
    """Check every file of a bundle against its manifest and return the manifest.

    Raises:
        BundleError: a file is missing, truncated, changed, or not named by the manifest.

    """
    manifest = read_manifest(directory)
    found = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    for name in sorted(found - {MANIFEST, SEAL} - set(manifest.files)):
        raise BundleError(f"bundle file {directory / name} is not named by the manifest; remove it or build again")
    for name, entry in manifest.files.items():
        path = directory / name
        if not path.is_file():
            raise BundleError(f"bundle file {path} is missing; run `gongxu build` to make a new bundle")
        if path.stat().st_size != entry.bytes:
            raise BundleError(
                f"bundle file {path} has {path.stat().st_size} bytes, the manifest says {entry.bytes}; "
                "run `gongxu build` to make a new bundle"
            )
        if _digest(path) != entry.blake3:
            raise BundleError(f"bundle file {path} was changed: its digest is not the manifest's; run `gongxu build`")
    return manifest


def link_files(source: Path, target: Path, folders: tuple[str, ...]) -> None:
    """Put the named folders of a bundle into a new one by hard links: bundles are immutable, nothing need be copied."""
    for folder in folders:
        for path in (source / folder).rglob("*"):
            if path.is_file():
                copy = target / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(path, copy)


def _link_equal(entries: dict[Path, FileEntry]) -> None:
    """Make equal files one, for instance vectors that two parts keep: once on disk, once in memory when mapped."""
    first: dict[tuple[int, str], Path] = {}
    for path, entry in entries.items():
        kept = first.setdefault((entry.bytes, entry.blake3), path)
        if entry.bytes >= LINKED and not kept.samefile(path):
            linked = path.with_name(f".{path.name}")
            with suppress(OSError):  # a file system without hard links
                os.link(kept, linked)
                linked.replace(path)


def new_version(bundles: Path, created_at: datetime) -> str:
    """Return a version that sorts by time, in China's as people read it, and is not taken yet: `20260101-120000`."""
    stem = created_at.astimezone(CHINA_STANDARD_TIME).strftime("%Y%m%d-%H%M%S")
    version, n = stem, 1
    while (bundles / version).exists():
        n += 1
        version = f"{stem}-{n}"
    return version


def _digest(path: Path) -> str:
    """Return the BLAKE3 digest of a file; other threads run meanwhile."""
    return blake3().update_mmap(path).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
