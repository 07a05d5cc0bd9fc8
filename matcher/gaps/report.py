"""When nothing fits: whether a list is good enough to be shown, and what would have to be developed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from data.records import Achievement, Demand
from matcher.engine import Engine
from matcher.gaps.composite import Composite, PartOfSolution, cover
from matcher.gaps.developers import Developer, SharedGap, developers_of, shared_gaps
from matcher.gaps.requirements import UnmetRequirement, unmet_requirements
from matcher.recommendation import Verdict
from matcher.rescoring import ScoredCandidates, candidate_pool

LOOKED_AT = 20  # best candidates whose figures are read
FEW = 2  # terms of a demand that say too little for a share of them to mean much


@dataclass(frozen=True)
class GapReport:
    """What is missing for a demand, and who could bring it about."""

    verdict: Verdict
    requirements: tuple[UnmetRequirement, ...]
    composite: Composite
    developers: tuple[Developer, ...]
    shared: tuple[SharedGap, ...]
    text: str


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
    found = pool.verdict
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


def report_text(report: GapReport) -> str:
    """Return a report's text as people read it on a terminal: a sentence a line."""
    return report.text.replace("。", "。\n").rstrip()


def report_dict(report: GapReport) -> dict[str, Any]:
    """Return a report as plain values for JSON."""
    return asdict(report) | {"verdict": report.verdict.model_dump()}


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
        sharing = "；".join(
            f"{item.title}（{item.enterprise + '，' if item.enterprise else ''}同缺{'、'.join(_whole(item.shared)[:3])}）"
            for item in shared[:3]
        )
        lines.append(f"另有 {len(shared)} 条需求有同样的缺口，可考虑联合立项：{sharing}。")
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
