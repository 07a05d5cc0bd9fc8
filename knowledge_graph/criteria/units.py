"""Units of criteria: 亿元 and 万元 are money, %, 个会计年度 and 年 are comparable with their like."""

import re

_SCALES = (("万亿", 1e12), ("亿", 1e8), ("万", 1e4), ("千", 1e3))
_SAME = {
    "%": ("", 0.01), "个百分点": ("", 0.01), "个会计年度": ("年", 1.0), "会计年度": ("年", 1.0), "年度": ("年", 1.0),
    "周年": ("年", 1.0), "个月": ("年", 1 / 12), "月": ("年", 1 / 12), "平米": ("平方米", 1.0), "㎡": ("平方米", 1.0),
    "公顷": ("平方米", 1e4), "名": ("人", 1.0), "位": ("人", 1.0),
}  # fmt: skip
COUNTS = frozenset({"", "个", "件", "项", "种", "家", "户", "条", "次", "所", "台", "套", "份", "部", "批", "处", "场"})


def in_base_unit(value: float, unit: str) -> tuple[float, str]:
    """Return a value in the unit that its like are compared in, and that unit: (3, 亿元) is (300000000, 元)."""
    plain = re.sub(r"[(（][^()（）]*[)）]", "", unit)  # 场（次）
    for sign, scale in _SCALES:
        if plain.startswith(sign):
            value, plain = value * scale, plain.removeprefix(sign)
            break
    base, factor = _SAME.get(plain, (plain, 1.0))
    return float(f"{value * factor:.12g}"), base


def comparable(one: str, other: str) -> bool:
    """Tell whether amounts in two base units may be compared: equal ones, and units that only count things."""
    return one == other or (one in COUNTS and other in COUNTS)
