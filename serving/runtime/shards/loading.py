"""The engine that a folder of a bundle or of a part makes: what the folder holds decides."""

from pathlib import Path

from matcher.bundle import Manifest
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.shards.asking import AskingEngine
from matcher.shards.part import load_part, part_of
from matcher.shards.shard import ShardEngine

PATIENCE = 2.0  # seconds that the shards may take for one request together


def open_engine(directory: Path, threads: int, manifest: Manifest) -> Engine:
    """Return the engine over a folder whose files were checked: a bundle, one shard's part, or the part that asks.

    Raises:
        GongxuError: it cannot be used.

    """
    part = part_of(directory)
    if part is None:
        return Engine(MatchingModel.load(directory, threads=threads, verified=manifest))
    model = load_part(directory, threads, manifest)
    if part.shard is not None:
        return ShardEngine(model, part)
    from serving.runtime.shards.client import RayShards  # only here: nothing else of a server knows of Ray

    home = directory.parents[2]
    return AskingEngine(model, part, RayShards(home, part.shards, manifest.version, PATIENCE))
