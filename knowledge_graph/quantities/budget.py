"""The budget that a demand states in its text, where no field holds it."""

import re
from functools import lru_cache

from knowledge_graph.quantities.extraction import extract
from knowledge_graph.quantities.types import Quantity

_YUAN_IN_10K = 10_000.0
_NAMED = re.compile(r"预算|(?:总|项目|设备|改造|研发|采购)?(?:经费|费用|投资|投入|资金)|打算花|愿意?出|能出|总价")
_FIRMS_OWN = re.compile(r"已|累计|注册|固定资产|历年|前期|每年|年均|去年|产值|销售|收入|利润|月薪|年薪|工资")
_WRITTEN = re.compile(r"元|人民币|RMB|块钱|[万亿]\s{0,2}(?:以内|以下|左右|之内|以上)?$")
_MONEY = re.compile(r"元|人民币|RMB|块钱|[万亿]")  # without it nothing is written as money


@lru_cache(maxsize=64)  # questions score one demand's text dozens of times
def stated_budget(text: str) -> tuple[float | None, float | None]:
    """Return the (least, most) money in 万元 that a demand's text offers for the solution; None where it says nothing.

    The first figure that is named as a budget counts: 预算80万以内 is (None, 80), 预算50-80万 is (50, 80).
    """
    if not (_NAMED.search(text) and _MONEY.search(text)):
        return None, None  # figures need not be read, which takes seconds where there are thousands
    for quantity in extract(text, "demand"):
        if quantity.role == "business" and _is_budget(text, quantity):
            low, high = quantity.values[0] / _YUAN_IN_10K, quantity.values[-1] / _YUAN_IN_10K
            if quantity.op in ("ge", "gt"):
                return low, None
            return (low if quantity.op == "range" else None), high
    return None, None


def _is_budget(text: str, quantity: Quantity) -> bool:
    before = text[max(0, quantity.value_span[0] - 12) : quantity.value_span[0]]
    clause = re.split(r"[，。；;,！？\n]", before)[-1]
    written = text[quantity.value_span[0] : quantity.end]
    return bool(_NAMED.search(clause) and not _FIRMS_OWN.search(clause) and _WRITTEN.search(written))
