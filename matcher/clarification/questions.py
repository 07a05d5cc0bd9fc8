"""Candidate questions about a demand: each with plausible answers from the corpus and how likely they are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.quantities import Quantity
from knowledge_graph.quantities.names import better_of
from knowledge_graph.queries.elements import ELEMENTS, element_of, find_elements
from knowledge_graph.schema import Relation
from knowledge_graph.taxonomy.regions import load_regions
from matcher.clarification.answers import COOPERATION, MATURITY, question_text, threshold_id
from matcher.requirements.table import quantities_of
from matcher.rescoring import ScoredCandidates

MAX_OPTIONS = 4
KNOWN = 0.9  # a demander knows the answer to a question about the own need this often
TOO_COMMON = 0.7  # a word in more than this share of the candidates tells them apart too little
LEAST_SHARE = 0.03
ANSWER_IDF = 3.5  # a word in more than three of a hundred records (控制系统, 产线) is no answer
SENSE_TERMS = 4  # terms of a demand that are looked at for several senses
SENSE_SHARE = 0.15
THRESHOLDS = 2  # parameters that are asked for
_MORE, _LESS = ("ge", "gt", "increase"), ("le", "lt", "decrease")
_UNFINISHED = "为的和与及或等在了其以将可"
_UNBEGUN = "率的为和与及或等了"
_TOLD_APART = {Relation.SIMILAR, Relation.CO_OCCURS, Relation.NARROWER, Relation.SYNONYM}


@dataclass(frozen=True)
class Option:
    """A plausible answer and its probability."""

    answer: str
    probability: float


@dataclass(frozen=True)
class Question:
    """A question: `options` to click, or with `entry` something to enter (its unit or kind); what is left is unclear.

    `value` is the expected gain of the top ten by knowing the answer, see `clarify.ask`; `changed` how many of the ten
    are expected to change.
    """

    id: str
    text: str
    options: tuple[Option, ...]
    entry: str = ""
    value: float = 0.0
    changed: float = 0.0

    @property
    def kind(self) -> str:
        """element, sense, threshold or limit."""
        return self.id.partition(":")[0]


def candidate_questions(
    demand: Demand,
    pool: ScoredCandidates,
    graph: KnowledgeGraph | None,
    records: Sequence[Achievement],
    asked: Iterable[str],
) -> list[Question]:
    """Return questions about what a demand leaves open, not ranked; those whose id is in `asked` are left out.

    `pool` holds the demand's candidates, `records` the best of them as the store has them (for their figures).
    """
    questions = limit_questions(demand, pool) + threshold_questions(demand, pool, records)
    if graph is not None:
        questions += element_questions(demand, pool, graph) + sense_questions(demand, pool, graph)
    done = set(asked)
    return [question for question in questions if question.id not in done and question.options]


def element_questions(demand: Demand, pool: ScoredCandidates, graph: KnowledgeGraph) -> list[Question]:
    """Return a question for each of the five elements that the demand does not name, answers from its candidates."""
    stated = find_elements(demand, graph)
    mass, holders = _term_holders(pool, graph)
    known = set(graph.describe(demand).terms.tolist())
    questions = []
    for element in ELEMENTS:
        if stated.stated(element):
            continue
        own = {
            term: rows
            for term, rows in holders.items()
            if term not in known and element_of(graph, term) == element and _answers(graph, term)
        }
        options = _cover({graph.vocabulary.terms[term]: rows for term, rows in own.items()}, mass)
        if len(options) > 1:
            questions.append(_question(f"element:{element}", options, entry="text"))
    return questions


def sense_questions(demand: Demand, pool: ScoredCandidates, graph: KnowledgeGraph) -> list[Question]:
    """Return a question for each weighty term of the demand that the graph knows in several neighbourhoods.

    The senses of a term are the communities among its neighbours (ego-network word sense induction, Biemann 2006).
    """
    row = graph.describe(demand)
    mass, holders = _term_holders(pool, graph)
    best = row.terms[np.argsort(-row.weights, kind="stable")[:SENSE_TERMS]]
    questions = []
    for term in best.tolist():
        senses: dict[str, NDArray[np.int64]] = {}
        for members in _senses(graph, term):
            held = [member for member in members if member in holders]
            held.sort(key=lambda member: -float(mass[holders[member]].sum()))
            rows = np.unique(np.concatenate([holders[member] for member in held])) if held else np.zeros(0, np.int64)
            if len(rows):
                senses["、".join(graph.vocabulary.terms[member] for member in held[:2])] = rows
        options = _cover(senses, mass)
        if len(options) > 1 and options[1][1] >= SENSE_SHARE:
            questions.append(_question(f"sense:{graph.vocabulary.terms[term][:40]}", options))
    return questions


def threshold_questions(demand: Demand, pool: ScoredCandidates, records: Sequence[Achievement]) -> list[Question]:
    """Return questions for limits of parameters that the best candidates state and the demand does not."""
    stated = {item.parameter for item in quantities_of(demand) if item.parameter}
    stated_limits: dict[tuple[str, str], list[tuple[float, float, str]]] = defaultdict(list)
    for record in records:
        place = pool.place(record.achievement_id)
        if place is None:
            continue
        weight = float(pool.scores.probability[place])
        best: dict[tuple[str, str], Quantity] = {}
        for item in quantities_of(record):
            told_as_result = item.role == "achieved" or (item.role == "setting" and item.field == "indicators")
            if item.parameter and told_as_result and 2 <= len(item.parameter) <= 20:
                best.setdefault((item.parameter, item.unit), item)
        for key, item in best.items():
            stated_limits[key].append((weight, item.values[0], item.op))
    ranked = sorted(stated_limits.items(), key=lambda entry: (-sum(part[0] for part in entry[1]), entry[0]))
    questions: list[Question] = []
    for (parameter, unit), values in ranked:
        sign = _direction(parameter, [op for _, _, op in values])
        if not sign or parameter in stated or len(questions) == THRESHOLDS:
            continue
        share = sum(part[0] for part in values) / max(1e-9, float(pool.scores.probability.sum()))
        levels = np.unique(np.quantile([value for _, value, _ in values], (0.25, 0.75)))
        options = [(f"{level:.4g}", min(1.0, share) / len(levels)) for level in levels.tolist()]
        questions.append(_question(threshold_id(parameter, sign, unit), options, entry=unit or "数值"))
    return questions


def limit_questions(demand: Demand, pool: ScoredCandidates) -> list[Question]:
    """Return questions for the limits that a demand does not state: budget, region, maturity, way of cooperation."""
    cards, weight = pool.found.cards, pool.scores.probability
    questions = []
    if demand.budget_max is None and demand.budget_min is None:
        price = np.where(np.isnan(cards.money_min), cards.money_max, cards.money_min)
        known = price[np.isfinite(price)]
        if len(known) >= 4:
            levels = np.unique([float(f"{level:.2g}") for level in np.quantile(known, (0.25, 0.5, 0.75)).tolist()])
            even = [(f"{level:g}", 1.0 / len(levels)) for level in levels.tolist()]
            questions.append(_question("limit:budget", even, entry="万元"))
    if demand.region is None:
        regions = load_regions()
        share: dict[int, float] = defaultdict(float)
        for code, part in zip((cards.region // 100 * 100).tolist(), weight.tolist(), strict=True):
            if code in regions.names:  # a city
                share[code] += part
        best = sorted(share.items(), key=lambda item: (-item[1], item[0]))[:MAX_OPTIONS]
        total = sum(share.values()) or 1.0
        options = [(regions.names[code], part / total) for code, part in best]
        questions.append(_question("limit:region", options, entry="地区名称"))
    if demand.trl_min is None:
        questions.append(_question("limit:maturity", [(label, 1.0 / len(MATURITY)) for label in MATURITY.values()]))
    if not demand.cooperation_modes:
        questions.append(_question("limit:cooperation", [(mode, 1.0 / len(COOPERATION)) for mode in COOPERATION[:4]]))
    return questions


def _question(question_id: str, options: Iterable[tuple[str, float]], entry: str = "") -> Question:
    """Return a question whose answers are known with probability `KNOWN`."""
    kept = tuple(Option(answer, KNOWN * share) for answer, share in options)
    return Question(question_id, question_text(question_id), kept, entry)


def _term_holders(
    pool: ScoredCandidates, graph: KnowledgeGraph
) -> tuple[NDArray[np.float64], dict[int, NDArray[np.int64]]]:
    """Return the candidates' shares of belief (n,), and of each term the candidates that hold it."""
    belief = pool.scores.probability / max(1e-9, float(pool.scores.probability.sum()))
    places: dict[int, list[int]] = defaultdict(list)
    for place in range(len(pool)):
        for term in pool.found.terms(place):
            places[term].append(place)
    return belief, {term: np.array(rows, dtype=np.int64) for term, rows in places.items()}


def _cover(holders: dict[str, NDArray[np.int64]], mass: NDArray[np.float64]) -> list[tuple[str, float]]:
    """Return at most `MAX_OPTIONS` answers with their shares of the candidates' belief, each candidate counted once.

    Greedy: the answer that explains most of what is not yet explained comes next. An answer that nearly all
    candidates share tells nothing and is left out.
    """
    left = mass.copy()
    chosen: list[tuple[str, float]] = []
    pool = {answer: rows for answer, rows in holders.items() if LEAST_SHARE <= float(mass[rows].sum()) <= TOO_COMMON}
    while pool and len(chosen) < MAX_OPTIONS:
        answer = max(pool, key=lambda name: (float(left[pool[name]].sum()), len(name), name))
        share = float(left[pool[answer]].sum())
        if share < LEAST_SHARE:
            break
        chosen.append((answer, share))
        left[pool.pop(answer)] = 0.0
    return chosen


def _answers(graph: KnowledgeGraph, term: int) -> bool:
    """Tell whether a term is particular enough, and whole enough, to be an answer to click."""
    words = graph.vocabulary
    text = words.terms[term]
    return bool(words.idf[term] >= ANSWER_IDF) and text[-1] not in _UNFINISHED and text[0] not in _UNBEGUN


def _senses(graph: KnowledgeGraph, term: int) -> list[list[int]]:
    """Return the communities among a term's neighbours, largest first."""
    relations = graph.relations

    def neighbours(number: int) -> dict[int, float]:
        place = relations.neighbours(number)
        kinds = relations.relations[place].tolist()
        pairs = zip(relations.targets[place].tolist(), relations.strengths[place].tolist(), kinds, strict=True)
        return {target: strength for target, strength, kind in pairs if Relation(kind) in _TOLD_APART}

    around = neighbours(term)
    import networkx as nx  # here: only a question about several senses needs it

    ego = nx.Graph()
    ego.add_nodes_from(sorted(around))
    for one in sorted(around):
        ego.add_weighted_edges_from(
            (one, other, weight) for other, weight in neighbours(one).items() if other in around
        )
    if not ego:
        return []
    found = nx.community.louvain_communities(ego, seed=0)
    return sorted((sorted(part) for part in found), key=lambda part: (-len(part), part))


def _direction(parameter: str, ops: Sequence[str]) -> str:
    """Return ge or le: as the domain knows the parameter, else as most achievements word it; "" if neither tells."""
    better = better_of(parameter)
    better = better or sum(op in _MORE for op in ops) - sum(op in _LESS for op in ops)
    return "ge" if better > 0 else "le" if better < 0 else ""


def question_dict(question: Question) -> dict[str, Any]:
    """Return a question as plain values for JSON."""
    return {
        "question_id": question.id,
        "kind": question.kind,
        "text": question.text,
        "options": [
            {"answer": option.answer, "probability": round(option.probability, 4)} for option in question.options
        ],
        "entry": question.entry,
        "value": round(question.value, 6),
        "expected_changes": round(question.changed, 2),
    }


def valued(question: Question, value: float, changed: float) -> Question:
    """Return the question with what its answer is worth."""
    return replace(question, value=value, changed=changed)
