"""A part of a bundle: all that is shared, and of the records those of one shard; or of none, for the process that asks.

A part is a bundle's folder of its own, sealed and loaded as any other. What does not grow with the records is linked from
the bundle; text space, terms, frequencies, history and ranker are those of all records, so that a record is found, compared
and scored as in the bundle. The part that asks has the whole graph, mapped and read where terms are counted.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import load_mmap
from data.columns.strings import StringColumn, StringIndex
from data.errors import BundleError
from matcher.bundle import Manifest, link_files, new_bundle, publish, verify
from matcher.collection.collection import Collection, Side
from matcher.model import CONTEXTUAL_FOLDER, GRAPH_FOLDER, SCORER_FOLDER, MatchingModel
from models.vector_index import build_vector_index

Rows = NDArray[np.int64]

FOLDER = "part"  # of a part's folder, what tells it from a bundle
SIDES: tuple[Side, ...] = ("achievements", "demands")
_SHARED = ("encoder", CONTEXTUAL_FOLDER, "viewer", SCORER_FOLDER)
_HEADER = "part.json"


def shard_of(record_id: str, shards: int) -> int:
    """Return which of so many shards holds a record: by a hash of its id alone, the same everywhere."""
    return crc32(record_id.encode("utf-8", "surrogatepass")) % shards


class Titles(Mapping[str, str]):
    """Titles by id, kept as files that processes share: of the records that outcomes name, whoever holds them."""

    def __init__(self, places: Mapping[str, int], titles: StringColumn) -> None:
        self._places = places
        self._titles = titles

    def __getitem__(self, record_id: str) -> str:
        return self._titles[self._places[record_id]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def save(self, stem: Path) -> None:
        """Write the titles beside `stem`."""
        StringIndex.of(self._places).save(stem)
        self._titles.save(stem.with_name(f"{stem.name}.arrow"))

    @classmethod
    def load(cls, stem: Path) -> Self:
        """Map what `save` wrote."""
        return cls(StringIndex.load(stem), StringColumn.load(stem.with_name(f"{stem.name}.arrow")))


@dataclass(frozen=True)
class Part:
    """Which records of a bundle a part holds: of `shards` the one numbered `shard`, or none (None).

    `rows` are their rows in the bundle, ascending; `totals` how many records the bundle has.
    """

    shards: int
    shard: int | None
    rows: Mapping[Side, Rows]
    totals: Mapping[Side, int]

    def holds(self, record_id: str) -> bool:
        """Tell whether a record, of the bundle or written since, is this part's."""
        return self.shard is not None and shard_of(record_id, self.shards) == self.shard

    def numbers(self, side: Side, rows: Rows) -> Rows:
        """Return (n,) numbers of a collection's `rows` that no other part gives: those of the bundle are its rows there."""
        known, shard = self.rows[side], self.shard or 0
        late = rows >= len(known)
        found = np.empty(len(rows), dtype=np.int64)
        found[~late] = known[rows[~late]]
        found[late] = self.totals[side] + (rows[late] - len(known)) * self.shards + shard
        return found

    def save(self, directory: Path) -> None:
        """Write the part into `directory`, which is created."""
        directory.mkdir()
        totals: dict[str, int | None] = {side: self.totals[side] for side in SIDES}
        header = {"shards": self.shards, "shard": self.shard} | totals
        (directory / _HEADER).write_text(json.dumps(header), encoding="utf-8")
        for side in SIDES:
            np.save(directory / f"{side}.npy", self.rows[side])

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: it is missing or damaged.

        """
        try:
            header = json.loads((directory / _HEADER).read_bytes())
            rows = {side: load_mmap(directory / f"{side}.npy") for side in SIDES}
            return cls(header["shards"], header["shard"], rows, {side: header[side] for side in SIDES})
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"the part in {directory} cannot be read ({error}); run `gongxu shards` again") from error


def part_of(directory: Path) -> Part | None:
    """Return which part of a bundle a folder holds, None if it is a bundle of its own."""
    return Part.load(directory / FOLDER) if (directory / FOLDER).is_dir() else None


def load_part(directory: Path, threads: int, manifest: Manifest) -> MatchingModel:
    """Return the model of a part, whose files were checked."""
    model = MatchingModel.load(directory, threads=threads, verified=manifest)
    achievements, demands = (
        replace(_readable(collection), other_titles=Titles.load(directory / FOLDER / f"{side}-titles"))
        for side, collection in zip(SIDES, (model.achievements, model.demands), strict=True)
    )
    return replace(model, achievements=achievements, demands=demands)


def _readable(collection: Collection) -> Collection:
    """Return a collection whose graph rows are those of its records: where none are held, the graph still counts all."""
    graph = collection.base.graph
    if len(collection) or graph is None:
        return collection
    return replace(collection, base=collection.base.with_graph(graph.take(np.zeros(0, dtype=np.int64))))


class Cutter:
    """Cuts one bundle into parts; it is read once for all of them."""

    def __init__(self, bundle: Path, shards: int) -> None:
        """Read a bundle that is to be cut into `shards`.

        Raises:
            BundleError: it is damaged.

        """
        self._bundle = bundle
        self._shards = shards
        self.manifest = verify(bundle)
        self._model = MatchingModel.load(bundle, verified=self.manifest)
        self._of = {
            side: np.array([shard_of(one, shards) for one in collection.base.cards.ids], dtype=np.int64)
            for side, collection in self._collections.items()
        }
        self._titles = {side: self._quoted(side) for side in SIDES}

    @property
    def _collections(self) -> dict[Side, Collection]:
        return {"achievements": self._model.achievements, "demands": self._model.demands}

    def write(self, folder: Path, shard: int | None, name: str = "") -> Path:
        """Write the part `shard` (None: the one without records) into `folder`, if it is not there; return where it is.

        It has the bundle's version as its name unless another is given.
        """
        target = folder / (name or self.manifest.version)
        if target.is_dir():
            return target
        number = -1 if shard is None else shard
        rows = {side: np.flatnonzero(of == number).astype(np.int64) for side, of in self._of.items()}
        part = Part(self._shards, shard, rows, {side: len(of) for side, of in self._of.items()})
        with new_bundle(folder) as directory:
            link_files(self._bundle, directory, _SHARED if shard is not None else (*_SHARED, GRAPH_FOLDER))
            for side, collection in self._collections.items():
                _cut(collection, rows[side]).save(directory / side)
            if self._model.graph is not None and shard is not None:
                graph = directory / GRAPH_FOLDER
                self._model.graph.save_shard(graph, self._bundle / GRAPH_FOLDER, rows["achievements"], rows["demands"])
            if self._model.quantities is not None:
                self._model.quantities.shard(rows["demands"], rows["achievements"]).save(directory / "quantities")
            part.save(directory / FOLDER)
            for side, titles in self._titles.items():
                titles.save(directory / FOLDER / f"{side}-titles")
            sizes: dict[str, int] = {side: len(held) for side, held in rows.items()}
            return publish(directory, self.manifest.model_copy(update=sizes), serve=False, name=name)

    def _quoted(self, side: Side) -> Titles:
        """Return the titles of the records of a side that outcomes name."""
        scorer, collection = self._model.scorer, self._collections[side]
        place = SIDES[::-1].index(side)  # an outcome names its demand first
        ids = dict.fromkeys(pair[place] for pair in scorer.history.ids) if scorer is not None else {}
        known = [record_id for record_id in ids if record_id in collection.base.cards.rows]
        titles = StringColumn.of([collection.title(record_id) for record_id in known])
        return Titles({record_id: number for number, record_id in enumerate(known)}, titles)


def _cut(collection: Collection, rows: Rows) -> Collection:
    """Return the records at `rows`, ascending, as a collection that finds and scores them as the whole one does."""
    base = collection.base.take(rows)
    vectors = build_vector_index(np.ascontiguousarray(base.texts.full.vectors))
    return Collection(base, vectors, collection.lexical.shard(rows), np.ones(len(rows), dtype=np.bool_), {})
