"""The regular-expression baseline: what one pattern finds, the yardstick that `evaluate` prints beside our figures."""

import re

from knowledge_graph.quantities.types import Op, Quantity, Side

_PATTERN = re.compile(
    r"(?P<parameter>[\u4e00-\u9fff]{0,8}?)(?P<op>≥|≤|>|<|＞|＜|不低于|不超过|不少于|至少|大于|小于|高于|低于|超过|约|达到|提高|降低|为)?"
    r"\s{0,2}(?P<value>\d{1,12}(?:\.\d{1,8})?)(?:\s{0,2}[-~～至]\s{0,2}(?P<high>\d{1,12}(?:\.\d{1,8})?))?\s{0,2}(?P<scale>[万亿])?"
    r"(?P<unit>[a-zA-Zμ°℃%％/²³]{1,8}|[个人项台套条年月天吨米元次倍级亩名种]{1,2})(?P<after>以上|以下|以内|左右)?"
)
_WORDS: dict[Op, str] = {
    "ge": "≥ 不低于 不少于 至少 以上",
    "le": "≤ 不超过 以下 以内",
    "gt": "> ＞ 大于 高于 超过",
    "lt": "< ＜ 小于 低于",
    "approx": "约 左右",
    "increase": "提高",
    "decrease": "降低",
}
_OPS: dict[str, Op] = {word: op for op, words in _WORDS.items() for word in words.split()}
_SCALE = {"万": 1e4, "亿": 1e8}


def extract_baseline(text: str, side: Side) -> tuple[Quantity, ...]:
    """Return what one regular expression reads in `text`: no context, no conversion, every role the side's commonest."""
    found = []
    for match in _PATTERN.finditer(text):
        scale = _SCALE.get(match["scale"] or "", 1.0)
        values = tuple(sorted(float(match[name]) * scale for name in ("value", "high") if match[name]))
        op: Op = "range" if len(values) > 1 else _OPS.get(match["after"] or match["op"] or "", "eq")
        found.append(
            Quantity(
                parameter=match["parameter"] or None,
                op=op,
                values=values,
                unit=match["unit"],
                canonical_unit=match["unit"],
                factor=1.0,
                offset=0.0,
                role="requirement" if side == "demand" else "setting",
                start=match.start(),
                end=match.end(),
                parameter_span=match.span("parameter") if match["parameter"] else None,
                value_span=match.span("value"),
                unit_span=match.span("unit"),
                quote=match.group(),
            )
        )
    return tuple(found)
