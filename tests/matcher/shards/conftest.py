"""The taught model of the known world as a bundle, whole and cut into three parts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from matcher.bundle import Manifest, new_bundle, publish, verify
from matcher.engine import Engine
from matcher.model import SCORER_FOLDER, MatchingModel
from matcher.shards.asking import AskingEngine
from matcher.shards.local import LocalShards
from matcher.shards.part import Cutter, load_part, part_of
from matcher.shards.shard import ShardEngine

SHARDS = 3


@dataclass(frozen=True)
class Cut:
    """A bundle's folder and those of its parts: by shard, None for the one that asks."""

    bundle: Path
    parts: dict[int | None, Path]

    def whole(self) -> Engine:
        """Return an engine over the whole bundle."""
        return Engine(MatchingModel.load(self.bundle))

    def asking(self) -> AskingEngine:
        """Return an engine that asks shards in this process."""
        engines = [ShardEngine(*_loaded(self.parts[shard])) for shard in range(SHARDS)]
        return AskingEngine(*_loaded(self.parts[None]), LocalShards(engines))


def _loaded(folder: Path):
    return load_part(folder, 1, verify(folder)), part_of(folder)


@pytest.fixture(scope="session")
def cut(taught, tmp_path_factory) -> Cut:
    bundles = tmp_path_factory.mktemp("bundles")
    with new_bundle(bundles) as directory:
        taught.save_records(directory)
        taught.scorer.save(directory / SCORER_FOLDER)
        manifest = Manifest(
            version="20261130-120000",
            created_at=datetime(2026, 11, 30, tzinfo=UTC),
            watermark=0,
            achievements=len(taught.achievements),
            demands=len(taught.demands),
            encoder_digest=taught.space.encoder.digest,
            feature_names=taught.scorer.ranker.feature_names_,
        )
        bundle = publish(directory, manifest)
    cutter = Cutter(bundle, SHARDS)
    return Cut(bundle, {shard: cutter.write(bundles / f"part {shard}", shard) for shard in (*range(SHARDS), None)})
