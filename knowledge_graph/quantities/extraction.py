"""From a text to its quantities."""

import re
from dataclasses import replace

from knowledge_graph.quantities.folding import fold
from knowledge_graph.quantities.operators import Before, changes_to, combine, read_after, read_before, verb_before
from knowledge_graph.quantities.parameters import left_parameter, respective_names, right_parameter, unit_apart
from knowledge_graph.quantities.roles import Sections, Weights, features, role_of
from knowledge_graph.quantities.scan import Measure, per_prefix, scan
from knowledge_graph.quantities.types import Op, Quantity, Side, Span
from knowledge_graph.quantities.units import Unit, read_unit

MAX_CHARACTERS = 200_000  # a longer text is read up to here
MAX_QUANTITIES = 256  # of one text; more is a table dump, of which the first tell enough
_DIMENSIONLESS = re.compile(
    r"(?:比|系数|因子|指数|值|[^温速高长宽厚深幅湿程角]度|率|pH|PH|模数|倍率|转速|得分|评分|等级|F1|AUC|R2|Ra|数)$"
)
_AFTER_PLAIN = re.compile(r"\s{0,2}(?:$|[，。；;、,)\]】\n以左之]|的)")
_NO_COUNT_BEFORE = re.compile(r"(?:[这那该某每各任另前后哪同其下上首末几数]|上述|另外|年)$")
_VAGUE = re.compile(
    r"\s?(?:主要|关键|重要|核心|重大|突出)?(?:的)?(?:方面|问题|部分|方向|阶段|环节|步骤|特点|难题|层次|要素|以上|因素|不同|领域|类型|技术|难点|原因|优点|创新|内容|目标|月|人次|主|平方|关|大)"
)
_CHANGED = ("%", "倍", "个百分点", "百分点", "成")  # units in which a change is stated
# 三层, 两种, 三元: words rather than counts
_LOOSE_COUNTS = frozenset("级种类次度倍代点面层套组道段路支片张头块根只元行列岁周")
_NAMED_BY_NUMBER = re.compile(r"百公里|[百千]粒(?:重|$)|万人|千人|百人|百千米")  # 百公里油耗, 千粒重: names of measures
_BARE = frozenset("一万千百十亿")
_TEMPERATURE_STEP = re.compile(r"温差|温升|温降|升温幅度|温度差|均匀性|均温|波动|偏差|误差|精度|变化量|过冷度|过热度")
_MONEY_NAME = re.compile(r"资金|经费|费用|投资|投入|预算|产值|营收|收入|利润|税收|销售额|造价|成本|价格|售价|报价")
_BOTH_SIDES = re.compile(r"(?<![\d.])(-?\d{1,9}(?:\.\d{1,6})?)\s?[%℃°A-Za-zμ]{0,6}\s?[≤<]\s?$")
_AND_BELOW = re.compile(r"\s{0,2}[,，、]?\s{0,2}(?:且|并且|并|而|但)?\s{0,2}")
_RATIO = re.compile(r"\s?:\s?\d")


def _counted_by_accident(text: str, measure: Measure) -> bool:
    """Tell whether a Chinese numeral with a measure word is no count: 一种, 这两个, 三个方面, 一步."""
    if not measure.chinese:
        return bool(_VAGUE.match(text, measure.end)) and measure.unit is not None and measure.unit.counted
    written = text[measure.value_span[0] : measure.value_span[1]]
    if _NAMED_BY_NUMBER.match(text, measure.value_span[0]):
        return True
    unit = measure.unit_text
    ordinal = text[max(0, measure.start - 1) : measure.start] in ("第", "十")
    pointed = _NO_COUNT_BEFORE.search(text, max(0, measure.start - 2), measure.start) is not None
    several = measure.values[0] >= 2 and unit in ("倍", "组", "根")  # 两组设备, 三根钢轨
    loose = len(written) == 1 and unit in _LOOSE_COUNTS and not several
    if ordinal or pointed or loose or _VAGUE.match(text, measure.end):
        return True
    if written not in _BARE or measure.more or read_after(text, measure.end)[0] == "gt":
        return False
    return _indefinite(text, measure) if written == "一" else unit in ("元", "家", "人", "种", "次", "个", "倍")


def _indefinite(text: str, measure: Measure) -> bool:
    """Tell whether 一 is an article: 建立一条生产线, but not 课题一项 and 拥有一个中心."""
    if measure.unit_text not in ("项", "个", "件", "家", "条", "名", "台", "套", "座", "篇"):
        return True
    before = text[max(0, measure.start - 8) : measure.start]
    ends = re.match(r"\s?(?:$|[，。；;、,)])", text[measure.end : measure.end + 2]) is not None
    after_noun = ends and re.search(r"[\u4e00-\u9fff]$", before) is not None
    return not (after_noun or re.search(r"拥有(?:了)?$", before))


def _is_quantity(text: str, measure: Measure, op: Op | None, parameter: str) -> bool:
    """Tell whether a measure is a quantity in its context."""
    if measure.unit is not None:
        return not _counted_by_accident(text, measure)
    following = text[measure.end : measure.end + 1]
    joined = re.match(r"\d" if measure.fraction else r"[A-Za-z]", following) is not None
    if measure.numbered or joined or _in_ratio(text, measure):
        return False
    if measure.fraction:
        return True
    if measure.chinese and not (measure.values[0] >= 10_000 and op is not None):
        return False
    money = text[measure.value_span[1] - 1] in "万亿" and _MONEY_NAME.search(parameter)  # 投入资金约1500万
    if op not in (None, "eq", "approx") or money:
        return True
    return _AFTER_PLAIN.match(text, measure.end) is not None and _DIMENSIONLESS.search(parameter) is not None


def _in_ratio(text: str, measure: Measure) -> bool:
    """Tell whether a number without a unit is a part of a proportion: 35:18:8."""
    before = text[max(0, measure.start - 2) : measure.start]
    return _RATIO.match(text, measure.end) is not None or (before[-1:] == ":" and before[:1].isdigit())


def extract(text: str, side: Side, *, title: bool = False, field: str = "") -> tuple[Quantity, ...]:
    """Return the quantities of `text` in the order of their numbers; spans are in `text` as given.

    Args:
        text: as written, normalised or not; read up to `MAX_CHARACTERS` and for `MAX_QUANTITIES`.
        side: whose text it is; it decides which roles there are.
        title: whether the text is a record's title, which states what is wanted.
        field: name of the record's field, kept with each quantity.

    """
    return tuple(quantity for quantity, _ in role_features(text, side, title=title, field=field))


def role_features(
    text: str, side: Side, *, title: bool = False, field: str = "", weights: Weights | None = None
) -> list[tuple[Quantity, dict[str, float]]]:
    """Return the quantities of `text`, see `extract`, each with the features that its role is judged by.

    Roles are judged by the shipped weights unless `weights` are given.
    """
    original = text[:MAX_CHARACTERS]
    text = fold(original)
    sections = Sections(text) if side == "demand" else Sections("")
    found: list[tuple[Quantity, dict[str, float]]] = []
    previous: tuple[Quantity, Measure] | None = None
    floor = 0
    names: list[Span] = []
    for measure in scan(text):
        if len(found) >= MAX_QUANTITIES:
            break
        quantity = _read(original, text, measure, side, floor, previous, field)
        if quantity is None:
            continue
        if previous is None or not _carries_on(text, previous[0], previous[1], measure, quantity.parameter_span):
            names = respective_names(text, quantity.parameter_span, measure.start, floor)
        if names:
            span, names = names[0], names[1:]
            quantity = replace(quantity, parameter=original[slice(*span)], parameter_span=span)
        judged = features(
            side, text, quantity.start, quantity.end, quantity.parameter or "", quantity.unit, quantity.op,
            sections.kind(quantity.start), title,
        )  # fmt: skip
        role = role_of(side, text, quantity, judged, weights)
        if previous is not None and _carries_on(text, previous[0], previous[1], measure, quantity.parameter_span):
            # a list is of one kind; 和 may join what is compared: 25 和 15
            apart = judged.get("and_other") if side == "supply" else judged.get("sure_limit")
            role = role if apart else previous[0].role
        quantity = replace(quantity, role=role)
        if found and previous is not None and _bounds_the_same(text, previous[0], quantity):
            low, judged = found.pop()
            quantity = _between(original, low, quantity)
        found.append((quantity, judged))
        previous = quantity, measure
        floor = measure.end
    return found


def _read(
    original: str,
    text: str,
    measure: Measure,
    side: Side,
    floor: int,
    previous: tuple[Quantity, Measure] | None,
    field: str,
) -> Quantity | None:
    """Return the quantity that a measure states, or None if it states none."""
    before = read_before(text, measure.start, floor)
    after_op, after_end = read_after(text, measure.end)
    unit, unit_span, unit_text = _unit_of(text, measure, before.start)
    apart = unit is not None and measure.unit is None and unit_span is not None
    left = left_parameter(text, unit_span[0] - 1 if apart and unit_span else before.start, floor)
    carried = previous is not None and _carries_on(text, previous[0], previous[1], measure, left)
    named = text[left[0] : left[1]] if left else ""
    if measure.numbered if apart else not _is_quantity(text, measure, before.op or after_op, named):
        return None
    start, end = measure.start, measure.end
    per = per_prefix(text, before.start)
    if per is not None and unit is not None:
        joined = f"{unit_text}/{text[per[1] + 1 : per[0].end]}"
        whole = read_unit(joined, 0)
        if whole is not None and whole.end == len(joined):
            unit, unit_text, start = whole, joined, per[1]
            ahead = read_before(text, per[1], floor)
            before = ahead if before.op is None else replace(before, start=ahead.start)
            left = left_parameter(text, before.start, floor)
    right = None if left or carried else right_parameter(text, measure.end)
    parameter_span = left or right
    parameter = original[parameter_span[0] : parameter_span[1]] if parameter_span else None
    if parameter is None and previous is not None and (carried or _same_sentence(text, previous[0], start)):
        same = unit is not None and previous[0].canonical_unit == unit.canonical
        parameter = previous[0].parameter if carried or same else None
    op = _op_of(text, measure, before, after_op, unit_text, floor)
    if carried and previous is not None and previous[0].op in ("increase", "decrease"):
        op = previous[0].op
    values, value_span = measure.values, measure.value_span
    below = _BOTH_SIDES.search(text, floor, left[0]) if left and op in ("le", "lt") and len(values) == 1 else None
    if below is not None and float(below[1]) <= values[0]:  # 0≤x≤2
        op, values, value_span = "range", (float(below[1]), values[0]), (below.start(1), value_span[1])
        start = min(start, below.start(1))
    start = min(start, before.start)
    if left:
        start = min(start, left[0])
    end = max(end, after_end, right[1] if right else 0)
    canonical, factor, offset = (unit.canonical, unit.factor, unit.offset) if unit else ("", 1.0, 0.0)
    if offset and (op in ("increase", "decrease") or _TEMPERATURE_STEP.search(parameter or "")):
        offset, canonical = 0.0, "kelvin step"
    return Quantity(
        parameter=parameter,
        op=op,
        values=values,
        unit=unit_text if unit_span is None else _as_written(original, unit_span, unit_text),
        canonical_unit=canonical,
        factor=factor,
        offset=offset,
        role="requirement" if side == "demand" else "achieved",  # judged once everything is known
        start=start,
        end=end,
        parameter_span=parameter_span,
        value_span=value_span,
        unit_span=unit_span,
        quote=original[start:end],
        tolerance=measure.tolerance,
        field=field,
    )


def _unit_of(text: str, measure: Measure, op_start: int) -> tuple[Unit | None, Span | None, str]:
    """Return the unit of a measure, where it is and how it is written: beside the number, or separate in a table."""
    apart = unit_apart(text, op_start) if measure.unit is None else None
    inside = read_unit(apart[0], 0) if apart else None
    if apart is not None and inside is not None and inside.end == len(apart[0]):
        return inside, apart[1], apart[0]
    return measure.unit, measure.unit_span, measure.unit_text


def _op_of(text: str, measure: Measure, before: Before, after: Op | None, unit: str, floor: int) -> Op:
    """Return the comparator of a measure, changes included."""
    change = before.change
    if change is None and unit in _CHANGED and before.op in (None, "approx"):
        change = verb_before(text, before.start, max(floor, before.start - 16))
    if change is not None:
        return change
    if unit == "倍" and changes_to(text, before.start if before.op is None else measure.start, floor):
        return "times"
    return combine(
        before.op, after, more=measure.more, is_range=len(measure.values) == 2, tolerance=measure.tolerance > 0,
        plus_minus="±" in text[before.start : measure.start],
    )  # fmt: skip


def _bounds_the_same(text: str, low: Quantity, high: Quantity) -> bool:
    """Tell whether two neighbours are the two bounds of one range: 15%以上、小于20%."""
    return (
        low.op in ("ge", "gt")
        and high.op in ("le", "lt")
        and low.canonical_unit == high.canonical_unit
        and low.values[0] < high.values[0]
        and high.parameter_span in (None, low.parameter_span)
        and _AND_BELOW.fullmatch(text, low.end, high.start) is not None
    )


def _between(original: str, low: Quantity, high: Quantity) -> Quantity:
    """Return the range from one bound to the other, in the unit of the upper one."""
    factor = low.factor / high.factor
    return replace(
        low,
        op="range",
        values=(low.values[0] * factor, high.values[0]),
        unit=high.unit,
        factor=high.factor,
        offset=high.offset,
        end=high.end,
        value_span=(low.value_span[0], high.value_span[1]),
        unit_span=high.unit_span,
        quote=original[low.start : high.end],
    )


def _as_written(original: str, span: Span, unit_text: str) -> str:
    """Return the unit in the text's own characters unless it was put together from several places."""
    written = original[span[0] : span[1]]
    return written if len(written) == len(unit_text) else unit_text


def _carries_on(text: str, previous: Quantity, measured: Measure, measure: Measure, left: Span | None) -> bool:
    """Tell whether a measure is the next of a list: 400MPa、500MPa, 分别为 61.1%、90.0%."""
    joint = text[measured.end : measure.start]
    return (
        left is None
        and len(joint) <= 6
        and re.fullmatch(r"\s{0,2}(?:[、,，/.]|和|及|与|或|以及)?\s{0,2}[~φ±≥≤><]?\s?", joint) is not None
    )


def _same_sentence(text: str, previous: Quantity, start: int) -> bool:
    return 0 <= start - previous.end <= 40 and not re.search(r"[。；;\n]", text[previous.end : start])
