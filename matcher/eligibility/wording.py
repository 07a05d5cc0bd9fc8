"""A test as people read it: 职工人数 ≥ 20 人，或 资质含“高新技术企业”."""

from knowledge_graph.criteria.types import Group, Leaf, Test
from matcher.eligibility.labels import label_of

_OPS = {">=": "≥", ">": "＞", "<=": "≤", "<": "＜", "=": "为", "in": "为以下之一：", "contains": "含"}


def rule_text(test: Test) -> str:
    """Return a test in Chinese; parts of which any one suffices are joined by 或, parts that all must hold by 且."""
    if isinstance(test, Leaf):
        return _leaf_text(test)
    if isinstance(test, Group):
        parts = [rule_text(part) for part in test.parts]
        inner = [
            f"（{text}）" if isinstance(part, Group) else text for part, text in zip(test.parts, parts, strict=True)
        ]
        return (" 或 " if test.mode == "any" else " 且 ").join(inner)
    size = label_of(test.field)
    return "；".join(
        f"{size}在 {_end(tier.low)}–{_end(tier.high)} {test.unit}：{rule_text(tier.then)}" for tier in test.tiers
    )


def _leaf_text(leaf: Leaf) -> str:
    name = label_of(leaf.field)
    if isinstance(leaf.value, bool):
        return f"{name}：{'是' if leaf.value else '否'}"
    if isinstance(leaf.value, int | float):
        return f"{name} {_OPS[leaf.op]} {leaf.value:g} {leaf.unit}".rstrip()
    value = "、".join(leaf.value) if isinstance(leaf.value, tuple) else str(leaf.value)
    return f"{name} {_OPS[leaf.op]}“{value}”"


def _end(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"
