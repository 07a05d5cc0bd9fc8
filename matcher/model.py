"""The matching model: everything a request needs, built from records, saved as a bundle's folder, loaded whole."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from data.cluster.workers import THIS_PROCESS, Workers
from data.errors import BundleError, InputError
from data.records import Achievement, Demand, Record
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.quantities.names import Encode
from matcher.bundle import Manifest, link_files, verify
from matcher.collection.collection import Collection
from matcher.collection.encoded import RecordEncoder
from matcher.collection.pairs import PairBatch
from matcher.features.graph import graph_signals
from matcher.features.table import FEATURES, FeatureTable, label_free_table
from matcher.ranking.familiarity import least_familiarity
from matcher.ranking.scorer import Scorer
from matcher.requirements.checker import graph_synonyms
from matcher.requirements.collection import Quantities
from matcher.texts.space import TextSpace, record_text
from models.encoder.base import Encoder, load_encoder

# Folders of a bundle that depend on the records alone; a new ranker leaves them as they are.
CONTEXTUAL_FOLDER = "contextual"
GRAPH_FOLDER = "graph"
KINDS_FOLDER = "kinds"  # collections of the declared kinds, see `matcher.kinds.index`
RECORD_FOLDERS = (
    "encoder",
    CONTEXTUAL_FOLDER,
    "viewer",
    "achievements",
    "demands",
    GRAPH_FOLDER,
    "quantities",
    KINDS_FOLDER,
)
SCORER_FOLDER = "scorer"
_FITTED = ("encoder", CONTEXTUAL_FOLDER, "viewer")
FAMILIARITY_FILE = "viewer/familiarity.json"


@dataclass(frozen=True)
class MatchingModel:
    """Text space and reference, both sides' collections, the scorer once trained, graph and quantities over the same rows."""

    version: str
    record_encoder: RecordEncoder
    achievements: Collection
    demands: Collection
    scorer: Scorer | None
    graph: KnowledgeGraph | None = None
    quantities: Quantities | None = None
    # Familiarity below which a demand's text is foreign to the achievements; None where that is not known.
    least_familiarity: float | None = None

    @property
    def space(self) -> TextSpace:
        """The text space of the viewer."""
        return self.record_encoder.space

    def label_free_table(self, pairs: PairBatch) -> FeatureTable:
        """Return the features of pairs that need no outcome."""
        return label_free_table(self.space, pairs, graph_signals(self.graph, pairs))

    @classmethod
    def build(
        cls,
        achievements: Sequence[Achievement],
        demands: Sequence[Demand],
        encoder: Encoder,
        progress: Callable[[str], None] = lambda _: None,
        contextual: Encoder | None = None,
        workers: Workers = THIS_PROCESS,
    ) -> Self:
        """Fit the text space on all records and index both sides; the result has no scorer yet.

        `contextual` reads texts a second time, word by word in their order; None leaves that out. `workers` do what concerns
        single records; the result is the same wherever they run.

        Raises:
            InputError: there are no achievements or no demands.
            ClusterError: the workers could not do their part.

        """
        if not achievements or not demands:
            lacking = "demands" if achievements else "achievements"
            raise InputError(f"the store holds no {lacking}; import some with `gongxu import` and build again")
        progress("text space")
        records: list[Record] = [*demands, *achievements]
        texts = [record_text(record).full for record in records]
        space = TextSpace.fit(encoder, texts, contextual=contextual, workers=workers)
        progress("views")
        record_encoder, demand_view, achievement_view = RecordEncoder.fit(space, demands, achievements, workers=workers)
        graph = build_graph(achievements, demands, encoder, progress, workers)
        progress("indexes")
        offered, wanted = achievement_view.with_graph(graph.achievements), demand_view.with_graph(graph.demands)
        supply = Collection.build(offered, list(achievements), graph.vocabulary.terms)
        return cls(
            "",
            record_encoder.with_graph(graph),
            supply,
            Collection.build(wanted, list(demands), graph.vocabulary.terms),
            None,
            graph,
            read_quantities(achievements, demands, encoder, graph, progress, workers),
            least_familiarity(space, texts[: len(demands)], np.asarray(demand_view.texts.full.vectors), supply),
        )

    def save_records(self, directory: Path, source: Path | None = None) -> None:
        """Write everything but the scorer into the folder of a new bundle.

        What was fitted is linked from the bundle `source`, where one is given that has the same.
        """
        if source is None:
            self._save_fitted(directory)
        else:
            link_files(source, directory, _FITTED)
        self.achievements.save(directory / "achievements")
        self.demands.save(directory / "demands")
        if self.graph is not None:
            self.graph.save(directory / GRAPH_FOLDER, None if source is None else source / GRAPH_FOLDER)
        if self.quantities is not None:
            self.quantities.save(directory / "quantities")

    def _save_fitted(self, directory: Path) -> None:
        self.space.encoder.save(directory / "encoder")
        if self.space.contextual is not None:
            self.space.contextual.save(directory / CONTEXTUAL_FOLDER)
        self.record_encoder.save(directory / "viewer")
        if self.least_familiarity is not None:
            (directory / FAMILIARITY_FILE).write_text(json.dumps({"least": self.least_familiarity}), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, *, threads: int = 1, verified: Manifest | None = None) -> Self:
        """Load a bundle after checking every file's digest (unless `verified` says that was done).

        Raises:
            BundleError: a file is missing or damaged, or the ranker needs features that this version does not define.

        """
        manifest = verified or verify(directory)
        encoder = load_encoder(str(directory / "encoder"))
        if encoder.digest != manifest.encoder_digest:
            raise BundleError(f"the encoder in {directory} is not the one the bundle was built with; build again")
        missing = [name for name in manifest.feature_names if name not in FEATURES]
        if missing:
            raise BundleError(
                f"ranker expects {len(manifest.feature_names)} features, feature table defines {len(FEATURES)}: "
                f"missing {', '.join(missing[:5])}; train again with `gongxu train`"
            )
        scorer = Scorer.load(directory / SCORER_FOLDER, threads) if manifest.feature_names else None
        graph = KnowledgeGraph.load(directory / GRAPH_FOLDER) if (directory / GRAPH_FOLDER).is_dir() else None
        linking = (_encode_names(encoder), graph_synonyms(graph) if graph else None)
        kept = directory / "quantities"
        contextual = directory / CONTEXTUAL_FOLDER
        record_encoder = RecordEncoder.load(
            directory / "viewer", encoder, load_encoder(str(contextual)) if contextual.is_dir() else None
        )
        return cls(
            manifest.version,
            record_encoder.with_graph(graph) if graph else record_encoder,
            Collection.load(directory / "achievements", graph.achievements if graph else None),
            Collection.load(directory / "demands", graph.demands if graph else None),
            scorer,
            graph,
            Quantities.load(kept, *linking) if kept.is_dir() else None,
            json.loads(familiar.read_bytes())["least"]
            if (familiar := directory / FAMILIARITY_FILE).is_file()
            else None,
        )


def build_graph(
    achievements: Sequence[Achievement],
    demands: Sequence[Demand],
    encoder: Encoder,
    progress: Callable[[str], None] = lambda _: None,
    workers: Workers = THIS_PROCESS,
) -> KnowledgeGraph:
    """Build the knowledge graph of the records; its rows are their places. It knows no outcome: history tells those."""
    progress("graph")
    return KnowledgeGraph.build(achievements, demands, encode=_encode_names(encoder), workers=workers)


def read_quantities(
    achievements: Sequence[Achievement],
    demands: Sequence[Demand],
    encoder: Encoder,
    graph: KnowledgeGraph | None,
    progress: Callable[[str], None] = lambda _: None,
    workers: Workers = THIS_PROCESS,
) -> Quantities:
    """Read the figures of all records; their rows are the records' places."""
    progress("quantities")
    synonyms = graph_synonyms(graph) if graph else None
    return Quantities.build(demands, achievements, _encode_names(encoder), synonyms, workers)


def _encode_names(encoder: Encoder) -> Encode:
    """Return how terms and the names of parameters become vectors: as passages, of both sides alike."""
    return lambda names: encoder.encode(names, "passage")
