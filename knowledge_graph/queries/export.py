"""The whole graph in networkx, and its export: GraphML, node-link JSON, CSV for graph databases."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx

from data.errors import InputError
from knowledge_graph.queries.experts import experts_of_graph
from knowledge_graph.schema import EdgeKind, NodeKind, Relation, TermType
from knowledge_graph.taxonomy.chains import STAGES, load_chains

if TYPE_CHECKING:
    from knowledge_graph.graph import KnowledgeGraph
    from knowledge_graph.records.table import RecordTable

FORMATS = ("graphml", "json", "csv")


def to_networkx(graph: "KnowledgeGraph") -> nx.MultiDiGraph:
    """Return everything the graph knows as one typed multigraph.

    Nodes are named `kind:key` and carry `kind`, `label` and, where known, `type`, `status` or `money`. Edges are keyed
    by kind and carry `weight` or `confidence`, `basis` (stated or inferred), and for outcomes `grade` and `day`
    (ISO).
    """
    result = nx.MultiDiGraph()
    _add_taxonomies(result, graph)
    vocabulary = graph.vocabulary
    for number, term in enumerate(vocabulary.terms):
        kind = TermType(int(vocabulary.kinds[number])).name.lower()
        result.add_node(
            f"term:{term}", kind=NodeKind.TERM.value, label=term, type=kind, records=int(vocabulary.df[number])
        )
        for stage in graph.describer.stages_of_term.get(number, ()):
            result.add_edge(f"term:{term}", f"stage:{stage}", key=EdgeKind.IN_STAGE.value, confidence=1.0)
    for source, target, relation, edge in graph.terms.edges(keys=True, data=True):
        key = Relation(relation).name.lower()
        result.add_edge(f"term:{vocabulary.terms[source]}", f"term:{vocabulary.terms[target]}", key=key, **edge)
    organisations = list(graph.describer.organisations)
    for name in organisations:
        result.add_node(f"organisation:{name}", kind=NodeKind.ORGANISATION.value, label=name)
    sides = (
        (NodeKind.ACHIEVEMENT, graph.achievements, graph.achievement_ids, graph.achievement_titles, EdgeKind.HELD_BY),
        (NodeKind.DEMAND, graph.demands, graph.demand_ids, graph.demand_titles, EdgeKind.ASKED_BY),
    )
    for kind, table, ids, titles, owned in sides:
        for row, (record_id, title) in enumerate(zip(ids, titles, strict=True)):
            name = f"{kind.value}:{record_id}"
            result.add_node(name, kind=kind.value, label=title, open=bool(table.is_open[row]))
            _add_record(result, graph, name, table, row, owned, organisations)
    _add_classes(result, graph)
    _add_experts(result, graph)
    _add_outcomes(result, graph)
    return result


def _add_taxonomies(result: nx.MultiDiGraph, graph: "KnowledgeGraph") -> None:
    describer = graph.describer
    for code, name in describer.industries.names.items():
        result.add_node(f"industry:{code}", kind=NodeKind.INDUSTRY.value, label=name)
        parent = describer.industries.parents.get(code)
        if parent:
            result.add_edge(f"industry:{code}", f"industry:{parent}", key=EdgeKind.PART_OF.value)
    fields = describer.fields
    for number, code in enumerate(fields.codes):
        result.add_node(f"field:{code}", kind=NodeKind.FIELD.value, label=fields.names[number])
        for other, near in enumerate(fields.codes):
            if fields.distance[number, other] == 1.0:
                result.add_edge(f"field:{code}", f"field:{near}", key=EdgeKind.NEAR.value)
    for region, name in describer.regions.names.items():
        result.add_node(f"region:{region}", kind=NodeKind.REGION.value, label=name)
        if region % 10_000:
            result.add_edge(f"region:{region}", f"region:{region // 10_000 * 10_000}", key=EdgeKind.PART_OF.value)
    chains = load_chains()
    for number in range(len(STAGES) * len(chains.chains)):
        result.add_node(f"stage:{number}", kind=NodeKind.STAGE.value, label=chains.stage_name(number))
        if number % len(STAGES) < 2:
            result.add_edge(f"stage:{number}", f"stage:{number + 1}", key=EdgeKind.FEEDS.value)


def _add_record(
    result: nx.MultiDiGraph,
    graph: "KnowledgeGraph",
    name: str,
    table: "RecordTable",
    row: int,
    owned: EdgeKind,
    organisations: list[str],
) -> None:
    described = table.row(row)
    for term, weight in zip(described.terms.tolist(), described.weights.tolist(), strict=True):
        result.add_edge(
            name, f"term:{graph.vocabulary.terms[term]}", key=EdgeKind.MENTIONS.value, weight=round(weight, 4)
        )
    for codes in described.industries:
        known = [int(code) for code in codes[1:] if code >= 0]
        if codes[0] < 0:
            continue
        code = str(known[-1]).zfill(len(known) + 1) if known else chr(int(codes[0]))
        if not result.has_node(f"industry:{code}"):
            label = graph.describer.industries.name(code)
            result.add_node(f"industry:{code}", kind=NodeKind.INDUSTRY.value, label=label)
            result.add_edge(f"industry:{code}", f"industry:{code[:2]}", key=EdgeKind.PART_OF.value)
        basis = "stated" if described.industries_stated else "inferred"
        result.add_edge(name, f"industry:{code}", key=EdgeKind.IN_INDUSTRY.value, basis=basis)
    if described.field >= 0:
        basis = "stated" if described.field_stated else "inferred"
        target = f"field:{graph.describer.fields.codes[described.field]}"
        result.add_edge(name, target, key=EdgeKind.IN_FIELD.value, basis=basis)
    if described.region > 0:
        target = f"region:{described.region}"
        if not result.has_node(target):
            label = graph.describer.regions.name(described.region)
            result.add_node(target, kind=NodeKind.REGION.value, label=label)
        result.add_edge(name, target, key=EdgeKind.LOCATED.value)
    for stage, share in zip(described.stages.tolist(), described.shares.tolist(), strict=True):
        if stage >= 0:
            result.add_edge(name, f"stage:{stage}", key=EdgeKind.IN_STAGE.value, confidence=round(share, 4))
    if described.organisation >= 0:
        result.add_edge(name, f"organisation:{organisations[described.organisation]}", key=owned.value)


def _add_classes(result: nx.MultiDiGraph, graph: "KnowledgeGraph") -> None:
    """Add the IPC classes that achievements state: subclass C02F, part of class C02, part of section C."""
    for record_id, classes in zip(graph.achievement_ids, graph.achievement_ipc, strict=True):
        for subclass in classes.split():
            for code, parent in ((subclass, subclass[:3]), (subclass[:3], subclass[0]), (subclass[0], "")):
                result.add_node(f"ipc:{code}", kind=NodeKind.IPC.value, label=code)
                if parent:
                    result.add_edge(f"ipc:{code}", f"ipc:{parent}", key=EdgeKind.PART_OF.value)
            result.add_edge(f"achievement:{record_id}", f"ipc:{subclass}", key=EdgeKind.CLASSIFIED.value)


def _add_experts(result: nx.MultiDiGraph, graph: "KnowledgeGraph") -> None:
    """Add who made which achievement, and at which organisation."""
    for expert in experts_of_graph(graph):
        node = f"expert:{expert.key}"
        result.add_node(node, kind=NodeKind.EXPERT.value, label=expert.name)
        if expert.organisation:
            result.add_edge(node, f"organisation:{expert.organisation}", key=EdgeKind.WORKS_AT.value)
        for row in expert.rows:
            result.add_edge(f"achievement:{graph.achievement_ids[row]}", node, key=EdgeKind.ACHIEVED_BY.value)


def _add_outcomes(result: nx.MultiDiGraph, graph: "KnowledgeGraph") -> None:
    outcomes = graph.outcomes
    for row in range(len(outcomes.starts) - 1):
        for place in range(int(outcomes.starts[row]), int(outcomes.starts[row + 1])):
            result.add_edge(
                f"demand:{graph.demand_ids[row]}",
                f"achievement:{graph.achievement_ids[int(outcomes.achievement[place])]}",
                key=EdgeKind.OUTCOME.value,
                grade=round(4 * float(outcomes.value[place])),
                day=outcomes.date(place),
            )


def export(graph: nx.MultiDiGraph, target: Path, kind: str) -> list[Path]:
    """Write a graph as `graphml`, node-link `json`, or `csv` (nodes.csv and edges.csv in a folder); return the files.

    The CSV headers are those of bulk importers of graph databases (`:ID`, `:LABEL`, `:START_ID`, `:END_ID`, `:TYPE`).

    Raises:
        InputError: the format is unknown, or the target cannot be written.

    """
    if kind not in FORMATS:
        raise InputError(f"unknown format {kind!r}; known formats: {', '.join(FORMATS)}")
    try:
        if kind == "csv":
            return _export_csv(graph, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if kind == "graphml":
            nx.write_graphml(graph, target, encoding="utf-8")
        else:
            target.write_text(json.dumps(nx.node_link_data(graph, edges="links"), ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}; give a path that can be written") from error
    return [target]


def _export_csv(graph: nx.MultiDiGraph, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    nodes, edges = folder / "nodes.csv", folder / "edges.csv"
    _write(nodes, ("id:ID", ":LABEL", "label", "type"), _node_rows(graph))
    rows = (
        (
            source,
            target,
            key,
            edge.get("weight", edge.get("confidence", "")),
            edge.get("grade", ""),
            edge.get("day", ""),
        )
        for source, target, key, edge in graph.edges(keys=True, data=True)
    )
    _write(edges, (":START_ID", ":END_ID", ":TYPE", "weight:float", "grade:int", "day"), rows)
    return [nodes, edges]


def _node_rows(graph: nx.MultiDiGraph) -> Iterator[tuple[Any, ...]]:
    for node, attributes in graph.nodes(data=True):
        yield node, attributes["kind"], attributes["label"], attributes.get("type", "")


def _write(path: Path, header: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
