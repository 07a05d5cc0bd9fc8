"""Where parts of bundles lie under `GONGXU_HOME`, and how their actors are reached."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex

from data.errors import ClusterError

NAMESPACE = "gongxu"
_CLUSTER = "cluster.json"


def part_folder(home: Path, shards: int, shard: int) -> Path:
    """Return the folder of one shard's parts, of so many: a folder of bundles too, with a pointer of its own."""
    return home / "shards" / str(shards) / str(shard)


def asking_name(version: str, shards: int) -> str:
    """Return the name of a part without records: the same version may be cut into another number of shards."""
    return f"{version}.{shards}"


def actor_name(shards: int, shard: int, replica: int) -> str:
    """Return the name by which an actor is found in its cluster."""
    return f"shard-{shard}-of-{shards}-replica-{replica}"


def kept_token(home: Path) -> str:
    """Return the token of the cluster that `gongxu shards` starts itself: the same each time, so that others join again."""
    path = home / "shards" / "token"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        written = path.with_name(f".token-{os.getpid()}")
        written.touch(mode=0o600)
        written.write_text(token_hex(32), encoding="utf-8")
        written.replace(path)
    return path.read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class Cluster:
    """Where the actors of so many shards run: Ray's address, its token ("" without one), and how many replicas there are."""

    address: str
    token: str
    replicas: int

    def save(self, home: Path, shards: int) -> None:
        """Write this where processes that ask look for it; only the owner may read it."""
        path = home / "shards" / str(shards) / _CLUSTER
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f".{_CLUSTER}-{os.getpid()}")
        written.touch(mode=0o600)
        written.write_text(json.dumps(asdict(self)), encoding="utf-8")
        written.replace(path)

    @classmethod
    def load(cls, home: Path, shards: int) -> "Cluster":
        """Read what `save` wrote.

        Raises:
            ClusterError: nothing was, or it is damaged.

        """
        path = home / "shards" / str(shards) / _CLUSTER
        try:
            return cls(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ClusterError(
                f"{path} does not say where {shards} shards run ({type(error).__name__}); start `gongxu shards`",
                f"{path} 没有说明 {shards} 个分片在何处运行；请先启动 gongxu shards",
            ) from error
