"""Criteria that are one rule in several sentences: tiers by size, and alternatives for other fields of business."""

import re
from dataclasses import replace

from knowledge_graph.criteria.conditions import build_test
from knowledge_graph.criteria.types import Criterion, Group, Leaf, Op, Test, Tier, Tiers, all_of, any_of, is_number

_SIZED = re.compile(r"^(?:[^，,]|(?<=\d),(?=\d)){2,40}的(?:企业|单位|机构)?[，,]")
_LESS = re.compile(r"不满|不足|未满|不到")
_TIMES = frozenset({"年", "个月", "个会计年度", "会计年度"})
_INVERSE: dict[Op, Op] = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "=", "in": "in", "contains": "contains"}
_KIND_OF_BUSINESS = re.compile(r"^以(?P<names>[^，,]{2,120})为主(?:营业务|业)?的[，,]")
_AMONG = re.compile(r"^其中[，,]?(?P<name>[^，,]{2,16}?)(?:领域|行业|类)(?:的)?企业")


def merge_alternatives(criteria: list[Criterion], masked: str, text: str) -> list[Criterion]:
    """Return criteria in which neighbours that state one rule for several sizes or fields of business are one."""
    merged: list[Criterion] = []
    for criterion in criteria:
        if merged:
            joined = _joined(merged[-1], criterion, masked, text)
            if joined is not None:
                merged[-1] = joined
                continue
        merged.append(criterion)
    return [_conditional(_as_tiers(criterion), masked) for criterion in merged]


def _conditional(criterion: Criterion, masked: str) -> Criterion:
    """Return a criterion of 成立不满两年的企业，… as one that whoever its condition leaves out need not meet."""
    test, match = criterion.test, _SIZED.match(masked[criterion.start : criterion.end])
    if match is None or not _LESS.search(match.group()):
        return criterion
    parts = test.parts if isinstance(test, Group) and test.mode == "all" else (test,)
    first = parts[0]
    if not isinstance(first, Leaf) or not _is_size(first):
        return criterion
    then: Test
    if len(parts) > 1:
        then = all_of(list(parts[1:]))
    else:
        words = masked[criterion.start + match.end() : criterion.end]
        then = build_test(words, words, 0, len(words), [], 0, excluded=False)
    return replace(criterion, test=any_of([Leaf(first.field, _INVERSE[first.op], first.value, first.unit), then]))


def _joined(one: Criterion, other: Criterion, masked: str, text: str) -> Criterion | None:
    if (one.branch, one.role) != (other.branch, other.role) or other.start - one.end > 12:
        return None
    words, before = masked[other.start : other.end], masked[one.start : one.end]
    test: Test | None = None
    if re.match(r"或者?(?!有)", words):
        test = any_of([one.test, other.test])
        return replace(one, test=test, end=other.end, quote=text[one.start : other.end])
    if _sized(one, _last_line(before)) and _sized(other, words):
        test = _appended(one.test, other.test)
    elif _KIND_OF_BUSINESS.match(before) and _KIND_OF_BUSINESS.match(words):
        test = _appended(_by_business(one.test, before), _by_business(other.test, words))
    else:
        among = _AMONG.match(words)
        if among and _same_figure(one.test, other.test):
            narrowed = all_of([Leaf("industry", "=", among["name"]), other.test])
            test = any_of([one.test, narrowed])
    if test is None:
        return None
    return replace(one, test=test, end=other.end, quote=text[one.start : other.end])


def _sized(criterion: Criterion, words: str) -> bool:
    test = criterion.test
    if isinstance(test, Group) and test.mode == "any":
        test = test.parts[-1]
    parts = test.parts if isinstance(test, Group) else ()
    return bool(_SIZED.match(words)) and len(parts) >= 2 and _is_size(parts[0])


def _last_line(words: str) -> str:
    return re.sub(r"^(?:\d{1,2}[).、]|\(\d{1,2}\))\s?", "", words.rsplit("\n", 1)[-1])


def _is_size(test: Test) -> bool:
    return isinstance(test, Leaf) and (test.unit.endswith("元") or test.unit in _TIMES) and is_number(test.value)


def _appended(one: Test, other: Test) -> Test:
    earlier = one.parts if isinstance(one, Group) and one.mode == "any" else (one,)
    return Group("any", (*earlier, other))


def _by_business(test: Test, words: str) -> Test:
    match = _KIND_OF_BUSINESS.match(words)
    if match is None or (isinstance(test, Group) and test.mode == "any"):
        return test
    names = tuple(name.strip() for name in re.split(r"[、和或]", match["names"]) if name.strip())
    return all_of([Leaf("business", "in", names), test])


def _same_figure(one: Test, other: Test) -> bool:
    return (
        isinstance(one, Leaf) and isinstance(other, Leaf) and one.unit == other.unit and one.op == other.op
        and is_number(one.value) and is_number(other.value) and one.value != other.value
    )  # fmt: skip


def _as_tiers(criterion: Criterion) -> Criterion:
    """Return a criterion whose alternatives each bound the same size as tiers by that size."""
    test = criterion.test
    if not isinstance(test, Group) or test.mode != "any" or len(test.parts) < 2:
        return criterion
    tiers = []
    field = unit = ""
    for part in test.parts:
        if not isinstance(part, Group) or part.mode != "all" or not _is_size(part.parts[0]):
            return criterion
        first = part.parts[0]
        if not isinstance(first, Leaf):
            return criterion
        field, unit = field or first.field, unit or first.unit
        if first.field != field or not unit.endswith("元"):
            return criterion
        bounds = [p for p in part.parts if isinstance(p, Leaf) and p.field == first.field and _is_size(p)]
        rest = [p for p in part.parts if p not in bounds]
        if not rest:
            return criterion
        low = next((b for b in bounds if b.op in (">", ">=")), None)
        high = next((b for b in bounds if b.op in ("<", "<=")), None)
        tiers.append(
            Tier(_in_unit(low, unit), _in_unit(high, unit), high is not None and high.op == "<=", all_of(rest))
        )
    return replace(criterion, test=Tiers(field, unit, tuple(tiers)))


def _in_unit(leaf: Leaf | None, unit: str) -> float | None:
    """Return the bound of a leaf in `unit`: 2亿元 are 20000万元."""
    if leaf is None or not isinstance(leaf.value, float):
        return None
    scales = {"万": 1e4, "亿": 1e8}
    return leaf.value * scales.get(leaf.unit[0], 1.0) / scales.get(unit[0], 1.0)
