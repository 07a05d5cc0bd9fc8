"""Why a demand and an achievement belong together: the strongest paths between them, in words and as a drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.records.table import GraphRow
from knowledge_graph.relations.matrix import RelationMatrix
from knowledge_graph.schema import RELATION_NAMES, TERM_TYPE_NAMES, NodeKind, Relation, TermType
from knowledge_graph.taxonomy.chains import Chains
from knowledge_graph.taxonomy.fields import Fields
from knowledge_graph.taxonomy.industries import Industries
from knowledge_graph.taxonomy.regions import Regions, city_of
from knowledge_graph.terms.vocabulary import Vocabulary

PLACE_STRENGTH = {NodeKind.INDUSTRY: 0.02, NodeKind.STAGE: 0.015, NodeKind.FIELD: 0.01, NodeKind.REGION: 0.005}
"""Strength of a path over a shared place: below that of a shared term of some weight, for it says less."""
TITLE_LENGTH = 30


@dataclass(frozen=True)
class Node:
    """A node of a path: its kind, its name as people know it, and for a term what it names (材料, 方法 …)."""

    id: str
    kind: NodeKind
    label: str
    role: str = ""


@dataclass(frozen=True)
class Link:
    """An edge of a path: from one node's id to another's, its name, its weight in (0, 1], and what speaks for it."""

    source: str
    target: str
    name: str
    weight: float
    evidence: str


@dataclass(frozen=True)
class Path:
    """A path from demand to achievement; `strength` is comparable between the paths of one pair."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    strength: float

    @property
    def text(self) -> str:
        """The path in words: 需求“污泥干化” → 方法“低温热泵” ← 成果“带式干化机”."""
        words = [f"需求“{_short(self.nodes[0].label)}”"]
        for place, node in enumerate(self.nodes[1:], start=1):
            last = place == len(self.nodes) - 1
            link = self.links[place - 1]
            arrow = " ← " if last else " → " if place == 1 else f" —{link.name}→ "
            words.append(arrow + (f"成果“{_short(node.label)}”" if last else f"{node.role}“{node.label}”"))
        return "".join(words)

    @property
    def evidence(self) -> str:
        """What speaks for the path's links, in one line."""
        return "；".join(link.evidence for link in self.links if link.evidence)

    def as_json(self) -> dict[str, Any]:
        """Return the path as plain values for JSON."""
        return {
            "text": self.text,
            "strength": round(self.strength, 4),
            "evidence": self.evidence,
            "nodes": [_node_json(node) for node in self.nodes],
            "links": [_link_json(link) for link in self.links],
        }


def drawing(paths: Iterable[Path]) -> dict[str, Any]:
    """Return the union of paths as {"nodes": […], "links": […]}, each node once, ready to be drawn."""
    nodes: dict[str, Node] = {}
    links: dict[tuple[str, str, str], Link] = {}
    for path in paths:
        nodes.update((node.id, node) for node in path.nodes)
        links.update(((link.source, link.target, link.name), link) for link in path.links)
    return {
        "nodes": [_node_json(node) for node in nodes.values()],
        "links": [_link_json(link) for link in links.values()],
    }


def _node_json(node: Node) -> dict[str, Any]:
    return {"id": node.id, "kind": node.kind.value, "label": node.label, "role": node.role}


def _link_json(link: Link) -> dict[str, Any]:
    return {
        "source": link.source,
        "target": link.target,
        "name": link.name,
        "weight": round(link.weight, 4),
        "evidence": link.evidence,
    }


def _short(title: str) -> str:
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1] + "…"


def relation_evidence(
    relation: Relation, source: str, target: str, support: int, measure: float, chains: Chains
) -> str:
    """Say in Chinese what speaks for a relation between two terms."""
    if relation is Relation.SYNONYM and support:
        return f"{support}处文本把“{source}”和“{target}”写作同一事物"
    if relation in (Relation.SUPPLIES, Relation.SUPPLIED_BY):
        upper, lower = (source, target) if relation is Relation.SUPPLIES else (target, source)
        return f"产业链“{chains.chains[support // 4].name}”中“{upper}”在“{lower}”的上一环节"
    close = f"“{source}”与“{target}”词义接近（向量余弦 {measure:.2f}）"
    return {
        Relation.SAME: f"双方都提到“{source}”",
        Relation.SYNONYM: close,
        Relation.SIMILAR: close,
        Relation.BROADER: f"“{source}”是一种“{target}”",
        Relation.NARROWER: f"“{target}”是一种“{source}”",
        Relation.DEFINED_ALIKE: f"{support}处文本给“{source}”和“{target}”的定义、外文名或缩写相同（重合 {measure:.0%}）",
        Relation.CO_OCCURS: f"{support}条记录同时提到“{source}”和“{target}”（NPMI {measure:.2f}）",
    }[relation]


@dataclass(frozen=True)
class _Reach:
    """What a demand's terms lead to, r ways.

    A way leads from one of its `terms` to the term in `others`, maybe the same, at `strengths` (r,), over the relation at
    `places`, -1 for none.
    """

    terms: NDArray[np.int32]
    others: NDArray[np.int32]
    strengths: NDArray[np.float64]
    places: NDArray[np.int64]


@dataclass(frozen=True)
class PathFinder:
    """Finds paths with the graph's tables; reads nothing but the two rows and the compiled relations."""

    vocabulary: Vocabulary
    relations: RelationMatrix
    industries: Industries
    fields: Fields
    regions: Regions
    chains: Chains

    def find(
        self, demand: GraphRow, demand_node: Node, offers: Sequence[tuple[GraphRow, Node]], limit: int
    ) -> list[list[Path]]:
        """Return the `limit` strongest paths to each offer, strongest first; no term of either side is used twice.

        A path over a shared term is as strong as the product of its weights on both sides, one over two related terms
        is weakened by the relation's strength, and shared places come last.
        """
        reach = self._reach(demand)
        weights = np.zeros(len(self.vocabulary))  # of the offer's terms, 0 elsewhere
        found = []
        for offer, offer_node in offers:
            weights[offer.terms] = offer.weights
            found.append(self._paths(demand, demand_node, offer, offer_node, reach, weights, limit))
            weights[offer.terms] = 0.0
        return found

    def _reach(self, demand: GraphRow) -> "_Reach":
        """Return the demand's terms, each followed by its neighbours."""
        starts = self.relations.starts
        sizes = 1 + starts[demand.terms + 1] - starts[demand.terms]
        owner = np.repeat(np.arange(len(sizes)), sizes)
        step = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        terms = demand.terms[owner]
        others, strengths, places = terms.copy(), demand.weights[owner].astype(np.float64), np.full(len(owner), -1)
        near = np.flatnonzero(step)
        places[near] = starts[terms[near]] + step[near] - 1
        others[near] = self.relations.targets[places[near]]
        strengths[near] *= self.relations.strengths[places[near]]
        return _Reach(terms, others, strengths, places)

    def _paths(
        self,
        demand: GraphRow,
        demand_node: Node,
        offer: GraphRow,
        offer_node: Node,
        reach: "_Reach",
        weights: NDArray[np.float64],
        limit: int,
    ) -> list[Path]:
        """Return the paths to one offer, whose terms weigh `weights` (V,)."""
        strengths = reach.strengths * weights[reach.others]
        common = np.flatnonzero(strengths > 0)
        common = common[np.lexsort((reach.others[common], reach.terms[common], -strengths[common]))]
        paths: list[Path] = []
        used: set[int] = set()
        for at in common.tolist():
            if len(paths) == limit:
                return paths
            term, other = int(reach.terms[at]), int(reach.others[at])
            if term in used or other in used:
                continue
            used |= {term, other}
            strength, place = float(strengths[at]), int(reach.places[at])
            paths.append(self._term_path(demand_node, offer_node, strength, term, other, place))
        paths += self._place_paths(demand, demand_node, offer, offer_node)
        paths.sort(key=lambda path: -path.strength)
        return paths[:limit]

    def term_node(self, term: int) -> Node:
        """Return the node of a term."""
        role = TERM_TYPE_NAMES[TermType(int(self.vocabulary.kinds[term]))]
        return Node(f"term:{self.vocabulary.terms[term]}", NodeKind.TERM, self.vocabulary.terms[term], role)

    def _term_path(self, demand: Node, offer: Node, strength: float, term: int, other: int, place: int) -> Path:
        first = self.term_node(term)
        asks = Link(demand.id, first.id, "提到", 1.0, "" if place >= 0 else f"双方都提到“{first.label}”")
        if place < 0:
            return Path((demand, first, offer), (asks, Link(offer.id, first.id, "提到", 1.0, "")), strength)
        second = self.term_node(other)
        relation = Relation(int(self.relations.relations[place]))
        evidence = relation_evidence(
            relation,
            first.label,
            second.label,
            int(self.relations.support[place]),
            float(self.relations.measure[place]),
            self.chains,
        )
        carried = float(self.relations.strengths[place])
        middle = Link(first.id, second.id, RELATION_NAMES[relation], carried, evidence)
        return Path(
            (demand, first, second, offer), (asks, middle, Link(offer.id, second.id, "提到", 1.0, "")), strength
        )

    def _place_paths(self, demand: GraphRow, demand_node: Node, offer: GraphRow, offer_node: Node) -> list[Path]:
        """Return paths over an industry division, a chain stage, a field or a city that both are in."""
        shared: list[tuple[Node, str]] = []
        divisions = {int(code) for code in demand.industries[:, 1] if code >= 0}
        for division in sorted(divisions & {int(code) for code in offer.industries[:, 1] if code >= 0}):
            code = f"{division:02d}"
            name = self.industries.name(code)
            shared.append((Node(f"industry:{code}", NodeKind.INDUSTRY, name, "行业"), f"双方同属行业“{name}”"))
        stages = {int(stage) for stage in demand.stages if stage >= 0} & {
            int(stage) for stage in offer.stages if stage >= 0
        }
        for stage in sorted(stages):
            name = self.chains.stage_name(stage)
            shared.append((Node(f"stage:{stage}", NodeKind.STAGE, name, "产业链"), f"双方同在产业链环节“{name}”"))
        if demand.field >= 0 and demand.field == offer.field:
            name = self.fields.names[demand.field]
            code = self.fields.codes[demand.field]
            shared.append((Node(f"field:{code}", NodeKind.FIELD, name, "领域"), f"双方同属技术领域“{name}”"))
        if demand.region > 0 and offer.region > 0 and city_of(demand.region) == city_of(offer.region):
            name = self.regions.name(city_of(demand.region))
            shared.append((Node(f"region:{demand.region}", NodeKind.REGION, name, "地区"), f"双方同在“{name}”"))
        return [
            Path(
                (demand_node, node, offer_node),
                (Link(demand_node.id, node.id, "属于", 1.0, evidence), Link(offer_node.id, node.id, "属于", 1.0, "")),
                PLACE_STRENGTH[node.kind],
            )
            for node, evidence in shared
        ]
