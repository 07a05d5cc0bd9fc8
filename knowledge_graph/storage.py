"""The graph on disk: arrays, strings and tries, a file each, mapped into memory when read. No pickle."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import link_or_copy, load_mmap
from data.columns.strings import StringColumn, StringIndex
from data.errors import BundleError
from knowledge_graph.build import BuiltParts, stages_of_terms
from knowledge_graph.reading.retrieval import Postings
from knowledge_graph.records.classifier import LinearClassifier, RecordClassifier
from knowledge_graph.records.describe import Describer
from knowledge_graph.records.holders import Outcomes, Portfolios
from knowledge_graph.records.table import RecordTable
from knowledge_graph.relations.matrix import RelationMatrix
from knowledge_graph.taxonomy.chains import load_chains
from knowledge_graph.taxonomy.fields import load_fields
from knowledge_graph.taxonomy.industries import load_industries
from knowledge_graph.taxonomy.regions import load_regions
from knowledge_graph.terms.vocabulary import Vocabulary

if TYPE_CHECKING:
    import networkx as nx

FORMAT = 2
HEADER = "graph.json"
NAMES = (
    "achievement_ids",
    "demand_ids",
    "achievement_titles",
    "demand_titles",
    "achievement_ipc",
    "achievement_experts",
)
_OF_HOLDERS = ("outcomes.", "portfolios.", "organisations")  # what changes with who holds which records
_OF_RECORDS = (*NAMES, "achievements.", "demands.", "postings.", "demand-postings.")  # beginnings of files' names
EDGE_COLUMNS = {"confidence": np.float32, "support": np.int32, "measure": np.float32}


@dataclass(frozen=True)
class Stored:
    """All that a graph is put together from, as it is kept on disk; postings are those of achievements and demands."""

    parts: BuiltParts
    outcomes: Outcomes
    portfolios: Portfolios
    postings: Postings
    demand_postings: Postings


def write_graph(directory: Path, stored: Stored) -> None:
    """Write a graph into `directory`, which is made if needed; existing files of the same names are overwritten."""
    parts = stored.parts
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary, classifier = parts.describer.vocabulary, parts.describer.classifier
    _write_columns(directory, "vocabulary", {"df": vocabulary.df, "idf": vocabulary.idf, "kinds": vocabulary.kinds})
    _write_columns(directory, "relations", _columns_of(parts.relations))
    _write_holders(directory, stored)
    _write_records(directory, stored)
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
    _write_strings(directory, "terms", vocabulary.terms)
    StringIndex.of(vocabulary.numbers).save(directory / "terms")
    StringIndex.of(vocabulary.lookup).save(directory / "lookup")
    _write_header(directory, stored, classifiers)


def write_shard(directory: Path, stored: Stored, source: Path) -> None:
    """Write a graph of some of the records whose graph lies in `source`; all that is not of records is linked from there."""
    _write_beside(directory, stored, source, _OF_RECORDS)


def write_renewed(directory: Path, stored: Stored, source: Path) -> None:
    """Write a graph of other records than that in `source`; terms and what is known of them are linked from there."""
    _write_beside(directory, stored, source, (*_OF_RECORDS, *_OF_HOLDERS))
    _write_holders(directory, stored)


def _write_beside(directory: Path, stored: Stored, source: Path, own: tuple[str, ...]) -> None:
    directory.mkdir(parents=True)
    for path in source.iterdir():
        if path.name != HEADER and not path.name.startswith(own):
            link_or_copy(path, directory / path.name)
    _write_records(directory, stored)
    _write_header(directory, stored, _read_json(source / HEADER)["classifiers"])


def _write_holders(directory: Path, stored: Stored) -> None:
    _write_columns(directory, "outcomes", _columns_of(stored.outcomes))
    _write_columns(directory, "portfolios", _columns_of(stored.portfolios))
    _write_strings(directory, "organisations", list(stored.parts.describer.organisations))


def _write_records(directory: Path, stored: Stored) -> None:
    """Write all that grows with the records."""
    parts = stored.parts
    for name, part in (
        ("achievements", parts.achievements),
        ("demands", parts.demands),
        ("postings", stored.postings),
        ("demand-postings", stored.demand_postings),
    ):
        _write_columns(directory, name, _columns_of(part))
    for name in NAMES:
        _write_strings(directory, name, getattr(parts, name))


def _write_header(directory: Path, stored: Stored, classifiers: object) -> None:
    parts = stored.parts
    _write_json(
        directory / HEADER,
        {
            "format": FORMAT,
            "terms": len(parts.describer.vocabulary),
            "achievements": len(parts.achievements),
            "demands": len(parts.demands),
            "classifiers": classifiers,
        },
    )


def read_graph(directory: Path) -> Stored:
    """Map what `write_graph` wrote; the term graph is read when first asked for.

    Raises:
        BundleError: the folder holds no graph, one of another format, or a damaged one; the file is named.

    """
    header = _read_json(directory / HEADER)
    if header.get("format") != FORMAT:
        raise BundleError(
            f"{directory / HEADER} has format {header.get('format')}, this gongxu reads format {FORMAT}; "
            "run `gongxu graph build`"
        )
    names = {name: _read_strings(directory, name) for name in NAMES}
    terms = _read_strings(directory, "terms")
    columns = _read_columns(directory, "vocabulary", ("df", "idf", "kinds"))
    if not len(terms) == len(columns["df"]) == header["terms"]:
        raise BundleError(
            f"{directory} names {len(terms)} terms, {HEADER} says {header['terms']}; run `gongxu graph build`"
        )
    numbers, lookup = _read_numbers(directory, "terms"), _read_numbers(directory, "lookup")
    vocabulary = Vocabulary(terms, **columns, numbers=numbers, lookup=lookup)
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
        {name: number for number, name in enumerate(_read_strings(directory, "organisations"))},
        RecordClassifier(models.get("industry"), models.get("field")),
    )
    parts = BuiltParts(
        describer,
        _read_part(directory, "achievements", RecordTable),
        _read_part(directory, "demands", RecordTable),
        _read_part(directory, "relations", RelationMatrix),
        _term_graph_reader(directory, terms),
        **names,
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
    return Stored(
        parts,
        _read_part(directory, "outcomes", Outcomes),
        _read_part(directory, "portfolios", Portfolios),
        _read_part(directory, "postings", Postings),
        _read_part(directory, "demand-postings", Postings),
    )


def _write_term_graph(directory: Path, graph: "nx.MultiDiGraph") -> None:
    """Write the edges as columns."""
    ends = np.array([(source, target, relation) for source, target, relation in graph.edges(keys=True)], dtype=np.int32)
    columns: dict[str, NDArray[np.generic]] = {"ends": ends.reshape(-1, 3)}
    for name, kind in EDGE_COLUMNS.items():
        columns[name] = np.array([value for _, _, value in graph.edges(data=name)], dtype=kind)
    _write_columns(directory, "term-edges", columns)


def _term_graph_reader(directory: Path, terms: Sequence[str]) -> "Callable[[], nx.MultiDiGraph]":
    """Return a function that reads the graph of terms."""

    def read() -> "nx.MultiDiGraph":
        import networkx as nx  # here: an answer needs the compiled relations alone

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


def _columns_of(part: Any) -> dict[str, NDArray[np.generic]]:
    return {column.name: getattr(part, column.name) for column in fields(part)}


def _write_columns(directory: Path, part: str, columns: Mapping[str, NDArray[np.generic]]) -> None:
    for name, values in columns.items():
        np.save(directory / f"{part}.{name}.npy", np.ascontiguousarray(values), allow_pickle=False)


def _read_columns(directory: Path, part: str, names: Sequence[str]) -> dict[str, Any]:
    """Return arrays, read-only."""
    result = {}
    for name in names:
        path = directory / f"{part}.{name}.npy"
        try:
            result[name] = load_mmap(path)
        except FileNotFoundError as error:
            raise BundleError(f"graph file {path} is missing; run `gongxu graph build`") from error
        except ValueError as error:
            raise BundleError(f"graph file {path} is damaged ({error}); run `gongxu graph build`") from error
    return result


def _read_part(directory: Path, part: str, kind: type[Any]) -> Any:
    return kind(**_read_columns(directory, part, [column.name for column in fields(kind)]))


def _write_strings(directory: Path, name: str, values: Sequence[str]) -> None:
    StringColumn.of(values).save(directory / f"{name}.arrow")


def _read_strings(directory: Path, name: str) -> StringColumn:
    path = directory / f"{name}.arrow"
    try:
        return StringColumn.load(path)
    except FileNotFoundError as error:
        raise BundleError(f"graph file {path} is missing; run `gongxu graph build`") from error
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"graph file {path} is damaged ({error}); run `gongxu graph build`") from error


def _read_numbers(directory: Path, name: str) -> StringIndex:
    try:
        return StringIndex.load(directory / name)
    except FileNotFoundError as error:
        raise BundleError(f"graph file {error.filename} is missing; run `gongxu graph build`") from error
    except (OSError, ValueError) as error:
        raise BundleError(
            f"graph file {directory / name}.trie is damaged ({error}); run `gongxu graph build`"
        ) from error


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"graph file {path} is missing; run `gongxu graph build`") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"graph file {path} is damaged ({error}); run `gongxu graph build`") from error
