"""The graph on disk: one array a file, mapped into memory when read, and JSON for names. No pickle."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError
from knowledge_graph.build import BuiltParts, stages_of_terms
from knowledge_graph.classifier import LinearClassifier, RecordClassifier
from knowledge_graph.describe import Describer
from knowledge_graph.holders import Outcomes, Portfolios
from knowledge_graph.record_table import RecordTable
from knowledge_graph.relation_matrix import RelationMatrix
from knowledge_graph.taxonomy.chains import load_chains
from knowledge_graph.taxonomy.fields import load_fields
from knowledge_graph.taxonomy.industries import load_industries
from knowledge_graph.taxonomy.regions import load_regions
from knowledge_graph.vocabulary import Vocabulary, term_lookup

FORMAT = 1
HEADER = "graph.json"
NAMES = "names.json"
EDGE_COLUMNS = {"confidence": np.float32, "support": np.int32, "measure": np.float32}


def write_parts(directory: Path, parts: BuiltParts, outcomes: Outcomes, portfolios: Portfolios) -> None:
    """Write a graph into `directory`, which is made if needed; existing files of the same names are overwritten."""
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary, classifier = parts.describer.vocabulary, parts.describer.classifier
    _write_columns(directory, "vocabulary", {"df": vocabulary.df, "idf": vocabulary.idf, "kinds": vocabulary.kinds})
    for name, part in (
        ("achievements", parts.achievements),
        ("demands", parts.demands),
        ("relations", parts.relations),
        ("outcomes", outcomes),
        ("portfolios", portfolios),
    ):
        _write_columns(directory, name, {column.name: getattr(part, column.name) for column in fields(part)})
    classifiers = {}
    for name, model in (("industry", classifier.industry), ("field", classifier.field)):
        if model is not None:
            _write_columns(directory, f"classifier-{name}", {"weights": model.weights, "bias": model.bias})
            classifiers[name] = {
                "labels": model.labels,
                "temperature": model.temperature,
                "threshold": model.threshold,
                "precision": model.precision,
                "coverage": model.coverage,
            }
    _write_term_graph(directory, parts.terms())
    _write_json(
        directory / NAMES,
        {
            "terms": vocabulary.terms,
            "organisations": list(parts.describer.organisations),
            "achievement_ids": parts.achievement_ids,
            "demand_ids": parts.demand_ids,
            "achievement_titles": parts.achievement_titles,
            "demand_titles": parts.demand_titles,
            "achievement_ipc": parts.achievement_ipc,
            "achievement_experts": parts.achievement_experts,
        },
    )
    _write_json(
        directory / HEADER,
        {
            "format": FORMAT,
            "terms": len(vocabulary),
            "achievements": len(parts.achievements),
            "demands": len(parts.demands),
            "classifiers": classifiers,
        },
    )


def read_parts(directory: Path) -> tuple[BuiltParts, Outcomes, Portfolios]:
    """Read what `write_parts` wrote; arrays are mapped, the term graph is read when first asked for.

    Raises:
        BundleError: the folder holds no graph, one of another format, or a damaged one; the file is named.

    """
    header = _read_json(directory / HEADER)
    if header.get("format") != FORMAT:
        raise BundleError(
            f"{directory / HEADER} has format {header.get('format')}, this gongxu reads format {FORMAT}; "
            "run `gongxu graph build`"
        )
    names = _read_json(directory / NAMES)
    terms = tuple(names["terms"])
    columns = _read_columns(directory, "vocabulary", ("df", "idf", "kinds"))
    if not len(terms) == len(columns["df"]) == header["terms"]:
        raise BundleError(
            f"{directory / NAMES} names {len(terms)} terms, {HEADER} says {header['terms']}; run `gongxu graph build`"
        )
    numbers = {term: number for number, term in enumerate(terms)}
    vocabulary = Vocabulary(terms, **columns, numbers=numbers, lookup=term_lookup(terms))
    models = {}
    for name, state in header["classifiers"].items():
        arrays = _read_columns(directory, f"classifier-{name}", ("weights", "bias"))
        models[name] = LinearClassifier(**{**state, "labels": tuple(state["labels"])}, **arrays)
    describer = Describer(
        vocabulary,
        stages_of_terms(vocabulary, load_chains()),
        load_industries(),
        load_fields(),
        load_regions(),
        {name: number for number, name in enumerate(names["organisations"])},
        RecordClassifier(models.get("industry"), models.get("field")),
    )
    parts = BuiltParts(
        describer,
        _read_part(directory, "achievements", RecordTable),
        _read_part(directory, "demands", RecordTable),
        _read_part(directory, "relations", RelationMatrix),
        _term_graph_reader(directory, terms),
        names["achievement_ids"],
        names["demand_ids"],
        names["achievement_titles"],
        names["demand_titles"],
        names["achievement_ipc"],
        # graphs built before achievements could name experts have none
        names.get("achievement_experts") or [""] * header["achievements"],
    )
    for side, table, ids in (
        ("achievements", parts.achievements, parts.achievement_ids),
        ("demands", parts.demands, parts.demand_ids),
    ):
        if not len(table) == len(ids) == header[side]:
            raise BundleError(
                f"{directory} holds {len(table)} rows and {len(ids)} ids of {side}, {HEADER} says {header[side]}; "
                "run `gongxu graph build`"
            )
    return parts, _read_part(directory, "outcomes", Outcomes), _read_part(directory, "portfolios", Portfolios)


def _write_term_graph(directory: Path, graph: nx.MultiDiGraph) -> None:
    """Write the edges as columns."""
    ends = np.array([(source, target, relation) for source, target, relation in graph.edges(keys=True)], dtype=np.int32)
    columns: dict[str, NDArray[np.generic]] = {"ends": ends.reshape(-1, 3)}
    for name, kind in EDGE_COLUMNS.items():
        columns[name] = np.array([value for _, _, value in graph.edges(data=name)], dtype=kind)
    _write_columns(directory, "term-edges", columns)


def _term_graph_reader(directory: Path, terms: Sequence[str]) -> Callable[[], nx.MultiDiGraph]:
    """Return a function that reads the graph of terms."""

    def read() -> nx.MultiDiGraph:
        columns = _read_columns(directory, "term-edges", ("ends", *EDGE_COLUMNS))
        graph = nx.MultiDiGraph()
        graph.add_nodes_from((number, {"term": term}) for number, term in enumerate(terms))
        values = zip(*(columns[name].tolist() for name in EDGE_COLUMNS), strict=True)
        graph.add_edges_from(
            (source, target, relation, dict(zip(EDGE_COLUMNS, value, strict=True)))
            for (source, target, relation), value in zip(columns["ends"].tolist(), values, strict=True)
        )
        return graph

    return read


def _write_columns(directory: Path, part: str, columns: Mapping[str, NDArray[np.generic]]) -> None:
    for name, values in columns.items():
        np.save(directory / f"{part}.{name}.npy", np.ascontiguousarray(values), allow_pickle=False)


def _read_columns(directory: Path, part: str, names: Sequence[str]) -> dict[str, Any]:
    """Return arrays mapped read-only; an empty one cannot be mapped and is read."""
    result = {}
    for name in names:
        path = directory / f"{part}.{name}.npy"
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError as error:
            raise BundleError(f"graph file {path} is missing; run `gongxu graph build`") from error
        except ValueError as error:
            raise BundleError(f"graph file {path} is damaged ({error}); run `gongxu graph build`") from error
        result[name] = np.asarray(mapped)
    return result


def _read_part(directory: Path, part: str, kind: type[Any]) -> Any:
    return kind(**_read_columns(directory, part, [column.name for column in fields(kind)]))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"graph file {path} is missing; run `gongxu graph build`") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"graph file {path} is damaged ({error}); run `gongxu graph build`") from error
