"""What a demand's text names: the five elements of a technical need, by typed terms of the graph and by cues."""

import re
from dataclasses import dataclass

import numpy as np

from data.records import Demand
from data.text.normalise import meaningful
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.records.table import GraphRow
from knowledge_graph.relations.likeness import is_fragment
from knowledge_graph.schema import TermType
from knowledge_graph.terms.word_frequency import is_everyday

ELEMENTS = {
    "material": TermType.MATERIAL,
    "method": TermType.METHOD,
    "effect": TermType.EFFECT,
    "product": TermType.PRODUCT,
    "application": TermType.APPLICATION,
}
ELEMENT_NAMES = {"material": "材料", "method": "方法", "effect": "效果", "product": "产品", "application": "应用"}
TELLING_IDF = 2.0  # a term in more than an eighth of all records names nothing in particular
READ = 20_000  # characters of a demand that are searched for cues

# Each alternative is a literal or a bounded run, so that no text makes the search slow.
_CUES = {
    "material": re.compile(r"以[^，。；,;]{1,12}为(?:主要)?(?:原料|材料|基材|基体|对象)|原料为|原材料|材质"),
    "method": re.compile(
        r"采用[^，。；,;]{2,20}(?:法|工艺|技术|路线)|技术路线|工艺路线|基于[^，。；,;]{2,20}(?:的|，)"
    ),
    "effect": re.compile(
        r"(?:提高|提升|降低|减少|降到|缩短|延长|改善|避免|防止|消除|抑制|增强|节约|减轻|解决)[^，。；,;、]{2,}"
    ),
    "product": re.compile(r"(?:研发|开发|研制|购买|求购|采购|引进|设计|生产)(?:一[种套台款])?[^，。；,;、]{2,}"),
    "application": re.compile(r"(?:用于|应用于|适用于|面向|服务于|针对)[^，。；,;、]{2,}"),
}


@dataclass(frozen=True)
class Elements:
    """What a demand names of each element: `terms` of the graph, heaviest first, and the words that a cue found."""

    terms: dict[str, tuple[str, ...]]
    cues: dict[str, str]

    def stated(self, element: str) -> bool:
        """Tell whether the demand names the element."""
        return bool(self.terms[element]) or element in self.cues

    def evidence(self, element: str) -> tuple[str, ...]:
        """Return the demand's own words for the element, at most three."""
        cue = self.cues.get(element)
        return (*self.terms[element][:3], *([cue] if cue else []))[:3]


def demand_text(demand: Demand) -> str:
    """Return the demand's meaningful texts, normalised, one after the other: title, content, KPIs, keywords."""
    parts = (demand.title, demand.content, demand.kpis, "；".join(demand.keywords))
    return "。".join(filter(None, map(meaningful, parts)))


def find_elements(demand: Demand, graph: KnowledgeGraph | None) -> Elements:
    """Return the elements that a demand names; without a graph by cues alone."""
    terms: dict[str, tuple[str, ...]] = dict.fromkeys(ELEMENTS, ())
    if graph is not None:
        terms = typed_terms(graph, graph.describe(demand))
    text = demand_text(demand)[:READ]
    cues = {name: match.group()[:30] for name, cue in _CUES.items() if (match := cue.search(text))}
    return Elements(terms, cues)


def typed_terms(graph: KnowledgeGraph, row: GraphRow) -> dict[str, tuple[str, ...]]:
    """Return the telling terms of a record by element, heaviest first; everyday and very frequent words are left out."""
    words = graph.vocabulary
    found: dict[str, list[str]] = {name: [] for name in ELEMENTS}
    for place in np.argsort(-row.weights, kind="stable").tolist():
        number = int(row.terms[place])
        element = element_of(graph, number)
        if element:
            found[element].append(words.terms[number])
    return {name: tuple(terms) for name, terms in found.items()}


def element_of(graph: KnowledgeGraph, term: int) -> str:
    """Return the element that a term names, "" for none and for words that name nothing in particular."""
    words = graph.vocabulary
    kind, text = int(words.kinds[term]), words.terms[term]
    if kind == TermType.OTHER or len(text) < 2 or is_everyday(text) or is_fragment(text):
        return ""
    if words.idf[term] < TELLING_IDF:
        return ""
    return next(name for name, element in ELEMENTS.items() if element == kind)
