"""How large the graph is, and how much it knows of its records."""

from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge_graph.schema import Relation, TermType

if TYPE_CHECKING:
    from knowledge_graph.graph import KnowledgeGraph


def statistics(graph: "KnowledgeGraph") -> dict[str, Any]:
    """Return counts of nodes and edges, terms by type, relations by kind, and known shares, all ready for JSON."""
    tables = (graph.achievements, graph.demands)
    records = sum(map(len, tables)) or 1
    kinds = np.bincount(graph.vocabulary.kinds, minlength=len(TermType))
    relations = np.bincount(graph.relations.relations, minlength=len(Relation))
    classifier = graph.describer.classifier

    def share(known: str) -> float:
        masks = {
            "terms": [table.lengths > 0 for table in tables],
            "industry": [table.industries[:, 0, 0] >= 0 for table in tables],
            "field": [table.field >= 0 for table in tables],
            "region": [table.region > 0 for table in tables],
            "stage": [table.stages[:, 0] >= 0 for table in tables],
        }[known]
        return round(float(sum(mask.sum() for mask in masks)) / records, 4)

    return {
        "counts": {
            "achievements": len(graph.achievements),
            "demands": len(graph.demands),
            "organisations": len(graph.describer.organisations),
            "terms": len(graph.vocabulary),
            "mentions": int(sum(table.lengths.sum() for table in tables)),
            "term_relations": len(graph.relations.targets),
            "outcomes": len(graph.outcomes.achievement),
        },
        "term_types": {kind.name.lower(): int(kinds[kind]) for kind in TermType},
        "relations": {kind.name.lower(): int(relations[kind]) for kind in Relation if kind is not Relation.SAME},
        "known": {name: share(name) for name in ("terms", "industry", "field", "region", "stage")},
        "classifiers": {
            name: {"precision": round(model.precision, 4), "coverage": round(model.coverage, 4)}
            for name, model in (("industry", classifier.industry), ("field", classifier.field))
            if model is not None
        },
    }
