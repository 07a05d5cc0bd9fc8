"""Cache of text vectors on disk, so that a rebuild after a change of 1% of the records encodes 1% of the texts."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.cluster.workers import Workers
from data.errors import EncoderError
from models.encoder.base import Encoder, Kind

_FILE = "vectors.db"
# SQLite allows 32,766 variables in one statement; a few thousand keys a query are as fast and stay well below.
_KEYS_PER_QUERY = 4096
# Texts encoded between two commits: an interrupted build keeps what it has.
_TEXTS_PER_COMMIT = 8192


def _encoded(shared: tuple[Encoder, Kind], texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the vectors of one partition's texts."""
    encoder, kind = shared
    return encoder.encode(texts, kind)


class CachedEncoder:
    """An encoder that remembers: every vector is stored under (encoder digest, kind, text), as float32.

    The directory is bounded by `max_vectors`; those unused for the longest go first. Several processes may share it.
    """

    def __init__(
        self, encoder: Encoder, directory: Path, *, max_vectors: int = 1_000_000, workers: Workers | None = None
    ) -> None:
        """Open or create the cache in `directory`. 256 dimensions take about 1.1 KB a vector.

        `workers` encode what is not there yet, if the encoder can be sent to them; None encodes in this process.

        Raises:
            EncoderError: the directory cannot be written, or its file is no vector cache.

        """
        self.encoder = encoder
        self.max_vectors = max_vectors
        self._workers = workers or Workers(size=_TEXTS_PER_COMMIT)
        self._path = directory / _FILE
        self.encoded_ = 0  # texts that had to be encoded since this object was made
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EncoderError(f"the vector cache {directory} cannot be made: {error}") from error
        with self._database() as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)")
            # The time of last use is a separate column, so that marking a hit does not rewrite the vector.
            database.execute("CREATE TABLE IF NOT EXISTS uses (key BLOB PRIMARY KEY, turn INTEGER NOT NULL)")

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.encoder.dimension

    @property
    def digest(self) -> str:
        """Digest of the encoder within."""
        return self.encoder.digest

    def save(self, directory: Path) -> None:
        """Save the encoder within; the cache stays where it is."""
        self.encoder.save(directory)

    def encode(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """Return what the encoder within returns for `texts`, encoding only those not seen before.

        Raises:
            EncoderError: the cache is damaged or cannot be written.

        """
        head = f"{self.digest}\0{kind}\0".encode()
        keys = [sha256(head + text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        with self._database() as database:
            turn = int(database.execute("SELECT coalesce(max(turn), 0) + 1 FROM uses").fetchone()[0])
            known = self._read(database, keys)
            missing = list({key: i for i, key in enumerate(keys) if key not in known}.values())
            parts = self._workers.parts(missing)
            wanted = [[texts[i] for i in part] for part in parts]
            for part, fresh in zip(parts, self._workers.map(_encoded, wanted, (self.encoder, kind)), strict=True):
                rows = [(keys[i], vector.tobytes()) for i, vector in zip(part, fresh.astype("<f4"), strict=True)]
                database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
                database.commit()
                known.update(rows)
                self.encoded_ += len(part)
            database.executemany("INSERT OR REPLACE INTO uses VALUES (?, ?)", [(key, turn) for key in known])
            self._evict(database)
            database.commit()
        size = 4 * self.dimension
        for i, key in enumerate(keys):
            blob = known[key]
            if len(blob) != size:
                raise EncoderError(f"{self._path} holds a vector of {len(blob)} bytes instead of {size}; delete it")
            vectors[i] = np.frombuffer(blob, dtype="<f4")
        return vectors

    @staticmethod
    def _read(database: sqlite3.Connection, keys: list[bytes]) -> dict[bytes, bytes]:
        """Return the stored vectors of those `keys` that have one."""
        known: dict[bytes, bytes] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), _KEYS_PER_QUERY):
            part = wanted[start : start + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(part))
            # Only placeholders are formatted in; the keys are bound.
            known.update(database.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part))  # noqa: S608
        return known

    def _evict(self, database: sqlite3.Connection) -> None:
        """Delete the vectors unused for the longest, down to the bound."""
        surplus = int(database.execute("SELECT count(*) FROM vectors").fetchone()[0]) - self.max_vectors
        if surplus > 0:
            oldest = database.execute("SELECT key FROM uses ORDER BY turn, key LIMIT ?", (surplus,)).fetchall()
            database.executemany("DELETE FROM vectors WHERE key = ?", oldest)
            database.executemany("DELETE FROM uses WHERE key = ?", oldest)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Open the cache's file for one use, so that the object may be shared between threads and forked."""
        try:
            with closing(sqlite3.connect(self._path, timeout=60)) as database:
                yield database
        except sqlite3.DatabaseError as error:
            raise EncoderError(
                f"the vector cache {self._path} cannot be used ({error}); delete it, it is filled again by itself"
            ) from error
