"""Whether a build may go on from the latest one: the same way to read texts, the same store, few changes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import structlog

from data.errors import BundleError
from data.records import Achievement, Demand
from data.settings import Settings
from data.store.store import Store
from knowledge_graph.renewal import Kept
from matcher.bundle import FORMAT_VERSION, Manifest, latest_build, verify
from matcher.collection.collection import Side
from matcher.model import MatchingModel
from matcher.renewal import Unlike, kept_rows
from models.encoder.base import Encoder

MOST_CHANGED = 0.05
"""Share of the records that may have changed since vocabularies, topics and terms were fitted to all of them."""

log = structlog.get_logger("gongxu.build")


@dataclass(frozen=True)
class Latest:
    """The build to go on from; `changed` records were written or deleted since its vocabularies were fitted."""

    directory: Path
    manifest: Manifest
    model: MatchingModel
    kept: Mapping[Side, Kept]
    changed: int


def reading_digest(settings: Settings, contextual: Encoder | None) -> str:
    """Return a digest of all that decides how a text is read: code, encoders, their settings."""
    encoder = Path(settings.encoder)
    facts = {
        "gongxu": version("gongxu"),
        "format": FORMAT_VERSION,
        "encoder": [settings.encoder, [settings.encoder_query_prefix, settings.encoder_passage_prefix]],
        "files": [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(encoder.glob("**/*"))],
        "length": settings.encoder_max_length,
        "adapt": settings.encoder_adapt,
        "contextual": contextual.digest if contextual else "none",
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def renewable(
    settings: Settings, store: Store, achievements: Sequence[Achievement], demands: Sequence[Demand], reading: str
) -> Latest | None:
    """Return the latest build if the store's records can be built on it, else None; why not goes to the log."""
    try:
        directory = latest_build(settings.bundles)
        manifest = verify(directory)
    except BundleError:
        return None  # nothing was built yet, or nothing that this version reads
    if manifest.reading != reading or not achievements or not demands:
        return None
    written: dict[Side, set[str]] = {"achievements": set(), "demands": set()}
    for change in store.changes_since(manifest.watermark):
        written[change.kind].add(change.record_id)
    changed = manifest.changed + sum(map(len, written.values()))
    if changed > MOST_CHANGED * (manifest.achievements + manifest.demands):
        return None
    model = MatchingModel.load(directory, threads=settings.threads, verified=manifest)
    offers = kept_rows(model.achievements.base, achievements, written["achievements"])
    asks = kept_rows(model.demands.base, demands, written["demands"])
    if isinstance(offers, Unlike) or isinstance(asks, Unlike):
        reasons = [one.reason for one in (offers, asks) if isinstance(one, Unlike)]
        log.warning("all records are read again", bundle=manifest.version, reason="; ".join(reasons))
        return None
    kept: dict[Side, Kept] = {"achievements": offers, "demands": asks}
    return Latest(directory, manifest, model, kept, changed)
