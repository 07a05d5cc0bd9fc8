"""When nothing fits: whether a list is good enough to be shown, and what would have to be developed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from knowledge_graph import kernels
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.quantities import Quantity
from knowledge_graph.quantities.names import Encode
from knowledge_graph.queries.elements import ELEMENT_NAMES, element_of
from matcher.engine import Engine
from matcher.recommendation import Verdict
from matcher.requirements.ledger import Entry, RequirementReport, compare
from matcher.requirements.table import QuantityTable, quantities_of
from matcher.rescoring import ScoredCandidates, candidate_pool, require_scorer

LOOKED_AT = 20  # best candidates whose figures are read
NEAREST = 3  # nearest answers shown of a requirement that nobody meets
COMPOSITE = 3  # achievements in a composite
LEAST_GAIN = 0.1  # of the demand's weight, for an achievement to join a composite
PLAUSIBLE = 0.25  # of the best candidate's probability: what is less likely a match has no part in a solution
FEW = 2  # terms of a demand that say too little for a share of them to mean much
RELATED = 0.6  # a related term covers a demand's term by its strength, if that is at least so much
HOLDERS = 5
OTHERS = 5
SAME_GAP = 1 / 3  # of what remains, by weight, that another demand has to lack too
TERMS = 12  # heaviest terms of a demand that a solution has to cover


@dataclass(frozen=True)
class Nearest:
    """How near an achievement comes to a requirement that it misses; `margin` is a share of the bound, below 0."""

    achievement_id: str
    title: str
    quote: str
    margin: float | None


@dataclass(frozen=True)
class UnmetRequirement:
    """A requirement that no candidate is known to meet, with the candidates that come nearest, nearest first."""

    requirement: str
    missed: int
    unknown: int
    nearest: tuple[Nearest, ...]


@dataclass(frozen=True)
class PartOfSolution:
    """An achievement in a composite: what it covers of the demand, terms it holds and terms it has something near to.

    `share` is that of the demand's weight, which near terms have by their strength.
    """

    achievement_id: str
    title: str
    owner: str
    covers: tuple[str, ...]
    near: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Composite:
    """Few achievements that together cover a demand: `covered` in [0, 1], and the terms that remain, by element."""

    parts: tuple[PartOfSolution, ...]
    covered: float
    remaining: tuple[str, ...]
    remaining_elements: tuple[str, ...]


@dataclass(frozen=True)
class Developer:
    """A holder likely to be able to develop the rest: cosine of the rest and all it has, and the terms behind it."""

    name: str
    affinity: float
    terms: tuple[str, ...]


@dataclass(frozen=True)
class SharedGap:
    """A demand of somebody else with the same gap."""

    demand_id: str
    title: str
    enterprise: str
    shared: tuple[str, ...]


@dataclass(frozen=True)
class GapReport:
    """What is missing for a demand, and who could bring it about."""

    verdict: Verdict
    requirements: tuple[UnmetRequirement, ...]
    composite: Composite
    developers: tuple[Developer, ...]
    shared: tuple[SharedGap, ...]
    text: str


def verdict(engine: Engine, pool: ScoredCandidates) -> Verdict:
    """Return whether the best candidate is good enough to be shown, by the bundle's threshold; as the engine finds it.

    Raises:
        InputError: the bundle has no ranker.

    """
    require_scorer(engine)
    return engine.verdict(float(pool.scores.probability.max()) if len(pool) else None)


def gap_report(
    engine: Engine,
    demand: Demand,
    records: Sequence[Achievement],
    *,
    pool: ScoredCandidates | None = None,
) -> GapReport:
    """Return what no achievement offers a demand yet, and what could.

    `records` are the demand's best candidates as the store has them, for their figures.

    Raises:
        InputError: the demand has no text to match by, or the bundle has no ranker.

    """
    pool = pool or candidate_pool(engine, demand)
    found = verdict(engine, pool)
    encoder = engine.model.space.encoder
    requirements = unmet_requirements(demand, records, lambda texts: encoder.encode(texts, "passage"))
    graph = engine.model.graph
    if graph is None:
        nothing = Composite((), 0.0, (), ())
        return GapReport(found, requirements, nothing, (), (), _render(found, requirements, nothing, (), ()))
    composite = cover(graph, demand, pool)
    developers = developers_of(graph, demand, composite.remaining)
    shared = shared_gaps(engine, graph, demand, composite.remaining)
    return GapReport(
        found,
        requirements,
        composite,
        developers,
        shared,
        _render(found, requirements, composite, developers, shared),
    )


def told(report: GapReport) -> str:
    """Return a report's text as people read it on a terminal: a sentence a line."""
    return report.text.replace("。", "。\n").rstrip()


def report_dict(report: GapReport) -> dict[str, Any]:
    """Return a report as plain values for JSON."""
    return asdict(report) | {"verdict": report.verdict.model_dump()}


def unmet_requirements(
    demand: Demand, achievements: Sequence[Achievement], encode: Encode | None = None
) -> tuple[UnmetRequirement, ...]:
    """Return the quantified requirements that none of the achievements is known to meet, in the order of the text.

    `encode` turns texts into unit vectors and links names of parameters that the domain's list does not know.
    """
    wanted = [item for item in quantities_of(demand) if item.role == "requirement"]
    if not wanted:
        return ()
    if not achievements:
        return tuple(UnmetRequirement(item.quote, 0, 0, ()) for item in wanted)
    offered = [found.entries for found in ledgers_of(wanted, achievements, encode)]
    unmet = []
    for place, entry in enumerate(offered[0]):
        answers = [(achievement, own[place]) for achievement, own in zip(achievements, offered, strict=True)]
        if any(answer.status == "met" for _, answer in answers):
            continue
        missed = [(achievement, answer) for achievement, answer in answers if answer.status == "missed"]
        missed.sort(key=lambda pair: (-_margin(pair[1]), pair[0].record_id))
        nearest = tuple(
            Nearest(
                achievement.achievement_id,
                achievement.title,
                answer.answer.quote if answer.answer else "",
                None if answer.margin is None else float(answer.margin),
            )
            for achievement, answer in missed[:NEAREST]
        )
        unmet.append(UnmetRequirement(entry.requirement.quote, len(missed), len(answers) - len(missed), nearest))
    return tuple(unmet)


def ledgers_of(
    wanted: Sequence[Quantity], achievements: Sequence[Achievement], encode: Encode | None = None
) -> list[RequirementReport]:
    """Return the ledgers of one demand's quantities with each of the achievements, in that order."""
    asked = QuantityTable.build([wanted], encode)
    offered = QuantityTable.build(map(quantities_of, achievements), encode)
    rows = np.arange(len(achievements), dtype=np.int64)
    compared = compare(asked, np.zeros_like(rows), offered, rows)
    return [compared.ledger(pair) for pair in rows.tolist()]


def cover(graph: KnowledgeGraph, demand: Demand, pool: ScoredCandidates) -> Composite:
    """Return at most `COMPOSITE` candidates that together cover most of a demand's terms, by greedy weighted cover.

    Candidates far less likely than the best one have no part in it. A candidate covers a term that it holds, or by a
    related term as far as the relation carries. Greedy cover is within 1 - 1/e of the best set of that size (Nemhauser,
    Wolsey & Fisher 1978).
    """
    terms, weights = _needed(graph, demand)
    likely = pool.scores.probability >= PLAUSIBLE * max(pool.scores.probability, default=0.0)
    known = np.flatnonzero((pool.rows < len(graph.achievement_ids)) & (likely | np.isnan(pool.scores.probability)))
    strength = _coverage(graph, terms, pool.rows[known])
    covered = np.zeros(len(terms))
    parts: list[PartOfSolution] = []
    cards = pool.found.cards
    for _ in range(COMPOSITE):
        if not len(known) or not len(terms):
            break
        gains = np.maximum(strength - covered, 0.0) @ weights
        # of equal gains the candidate that the ranker prefers
        best = int(np.argmax(gains))
        if gains[best] < LEAST_GAIN:
            break
        new = np.flatnonzero(strength[best] > covered)
        order = new[np.argsort(-((strength[best] - covered) * weights)[new], kind="stable")]
        card = cards.card(int(known[best]))
        names = {graph.vocabulary.terms[int(terms[place])]: float(strength[best, place]) for place in order[:6]}
        held = tuple(name for name, share in names.items() if share >= 1.0)
        near = tuple(name for name in names if name not in held)
        parts.append(PartOfSolution(card["id"], card["title"], card["owner"], held, near, float(gains[best])))
        covered = np.maximum(covered, strength[best])
    rest = [
        int(terms[place]) for place in np.argsort(-weights * (1 - covered), kind="stable") if covered[place] < RELATED
    ]
    elements = dict.fromkeys(ELEMENT_NAMES[name] for term in rest if (name := element_of(graph, term)))
    remaining = tuple(graph.vocabulary.terms[term] for term in rest)
    return Composite(tuple(parts), float(covered @ weights) if len(terms) else 0.0, remaining, tuple(elements))


def developers_of(graph: KnowledgeGraph, demand: Demand, remaining: Sequence[str]) -> tuple[Developer, ...]:
    """Return the holders whose achievements as a whole are nearest to what remains and to the demand around it.

    What remains counts twice as much as what is covered already: who shall develop a missing part must know the field.
    """
    terms, weights = _needed(graph, demand)
    rest = {graph.vocabulary.numbers[term] for term in remaining if term in graph.vocabulary.numbers}
    portfolios = graph.portfolios
    if not len(terms) or not len(portfolios.lengths):
        return ()
    dense = np.zeros(len(graph.vocabulary), dtype=np.float32)
    dense[terms] = weights * np.array([2.0 if int(term) in rest else 1.0 for term in terms])
    dense /= max(float(np.linalg.norm(dense)), 1e-9)
    rows = np.arange(len(portfolios.lengths), dtype=np.int64)
    scores = kernels.dots(dense, portfolios.starts, portfolios.lengths, portfolios.terms, portfolios.weights, rows)
    names = list(graph.describer.organisations)
    found = []
    for row in np.lexsort((rows, -scores))[:HOLDERS].tolist():
        if scores[row] <= 0 or row >= len(names):
            break
        own, strengths = portfolios.row(row)
        common = dense[own] * strengths
        best = tuple(graph.vocabulary.terms[int(own[place])] for place in np.argsort(-common)[:4] if common[place] > 0)
        found.append(Developer(names[row], float(scores[row]), best))
    return tuple(found)


def shared_gaps(
    engine: Engine, graph: KnowledgeGraph, demand: Demand, remaining: Sequence[str]
) -> tuple[SharedGap, ...]:
    """Return open demands of other firms whose texts are near and that name much of what remains, most of it first.

    Much is `SAME_GAP` of its weight in the demand; a firm's demands of one title are shown once.
    """
    described = graph.describe(demand)
    left = dict(zip(described.terms.tolist(), described.weights.tolist(), strict=True))
    names = {number: name for name in remaining if (number := graph.vocabulary.numbers.get(name)) in left}
    least = SAME_GAP * sum(left[number] for number in names)
    if not names:
        return ()
    rows = {demand_id: row for row, demand_id in enumerate(graph.demand_ids)}
    found: dict[tuple[str, str], tuple[float, SharedGap]] = {}
    for near in engine.similar(demand, 50):
        row = rows.get(near.id)
        if row is None or not graph.demands.is_open[row] or (near.owner and near.owner == demand.enterprise):
            continue
        shared = sorted(set(graph.demand(row).terms.tolist()) & names.keys(), key=lambda number: -left[number])
        share = sum(left[number] for number in shared)
        repeated = not near.owner and near.title == demand.title  # most likely the same demand under another id
        if shared and share >= least and not repeated:
            gap = SharedGap(near.id, near.title, near.owner, tuple(names[number] for number in shared[:5]))
            found.setdefault((near.title, near.owner), (share, gap))
    return tuple(gap for _, gap in sorted(found.values(), key=lambda pair: -pair[0])[:OTHERS])


def _margin(entry: Entry) -> float:
    return entry.margin if entry.margin is not None else -np.inf


def _needed(graph: KnowledgeGraph, demand: Demand) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the heaviest terms of a demand that name something, with weights that sum to 1."""
    row = graph.describe(demand)
    order = [place for place in np.argsort(-row.weights, kind="stable") if element_of(graph, int(row.terms[place]))]
    chosen = np.array(order[:TERMS], dtype=np.int64)
    weights = row.weights[chosen].astype(np.float64) if len(chosen) else np.zeros(0)
    return row.terms[chosen].astype(np.int64), weights / max(float(weights.sum()), 1e-9)


def _coverage(graph: KnowledgeGraph, terms: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (achievements, terms) in [0, 1]: 1 where a row holds the term, else the strength of its best relation."""
    place = {int(term): column for column, term in enumerate(terms)}
    near: dict[int, list[tuple[int, float]]] = {}
    for term, column in place.items():
        around = graph.relations.neighbours(term)
        targets, strengths = graph.relations.targets[around].tolist(), graph.relations.strengths[around].tolist()
        for target, strength in zip(targets, strengths, strict=True):
            if strength >= RELATED:
                near.setdefault(target, []).append((column, strength))
    result = np.zeros((len(rows), len(terms)))
    for line, row in enumerate(rows.tolist()):
        for term in graph.achievement(row).terms.tolist():
            if term in place:
                result[line, place[term]] = 1.0
            for column, strength in near.get(term, ()):
                result[line, column] = max(result[line, column], strength)
    return result


def _render(
    found: Verdict,
    requirements: Sequence[UnmetRequirement],
    composite: Composite,
    developers: Sequence[Developer],
    shared: Sequence[SharedGap],
) -> str:
    lines = [f"{found.text}。"]
    if not found.answered and found.measure:
        lines.append(f"{found.measure}。")
    lines += [_unmet(item) for item in requirements]
    if composite.parts:
        names = "＋".join(f"《{part.title}》（{_covered(part)}，占 {part.share:.0%}）" for part in composite.parts)
        left = _whole(composite.remaining)
        rest = f"仍缺：{'、'.join(left[:6])}{'等' if len(left) > 6 else ''}" if left else "要点均已覆盖"
        lead = "组合方案" if len(composite.parts) > 1 else "覆盖最多的成果"
        together = "合计" if len(composite.parts) > 1 else ""
        named = {term for part in composite.parts for term in (*part.covers, *part.near)}
        points = len(named | set(composite.remaining))
        few = f"（需求只写明了 {points} 个可比的要点，仅供参考）" if points <= FEW else ""
        lines.append(f"{lead}：{names}，{together}覆盖需求要点的 {composite.covered:.0%}{few}，{rest}。")
    elif composite.remaining:
        lines.append(f"没有候选成果覆盖需求的要点：{'、'.join(_whole(composite.remaining)[:6])}。")
    if developers:
        names = "、".join(f"{one.name}（{'、'.join(_whole(one.terms)[:2])}）" for one in developers[:3])
        lines.append(f"最有条件补足的单位：{names}。")
    if shared:
        told = "；".join(
            f"{item.title}（{item.enterprise + '，' if item.enterprise else ''}同缺{'、'.join(_whole(item.shared)[:3])}）"
            for item in shared[:3]
        )
        lines.append(f"另有 {len(shared)} 条需求有同样的缺口，可考虑联合立项：{told}。")
    return "".join(lines)


def _covered(part: PartOfSolution) -> str:
    held, near = "、".join(_whole(part.covers)[:3]), "、".join(_whole(part.near)[:2])
    return "；".join(filter(None, (held, f"与{near}相近" if near else "")))


def _unmet(item: UnmetRequirement) -> str:
    near = next(iter(item.nearest), None)
    if near is None:
        return f"指标“{item.requirement}”：候选成果均未说明，需向持有单位核实。"
    margin = "" if near.margin is None else f"，相差 {abs(near.margin):.0%}"
    silent = f"、{item.unknown} 项未说明" if item.unknown else ""
    return (
        f"指标“{item.requirement}”尚无成果达到（{item.missed} 项未达到{silent}），"
        f"最接近的是《{near.title}》：“{near.quote}”{margin}。"
    )


def _whole(terms: Sequence[str]) -> list[str]:
    """Return the terms that are no part of another one, in their order: beside 粘膜蛋白 nobody needs 粘膜 and 蛋白."""
    return [term for term in terms if not any(term != other and term in other for other in terms)]
