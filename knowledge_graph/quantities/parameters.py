"""What a number measures: the noun phrase before it, in front of its bracket, behind it, or carried on from its neighbour."""

import re
from functools import lru_cache

from data.segment import words
from knowledge_graph.quantities.names import known_names
from knowledge_graph.quantities.types import Span

MAX_LEFT = 40
MAX_RIGHT = 16
_BOUNDARY = '，。；;、!！?？\n\r\t|:()[]【】“”"《》①②③④⑤⑥⑦⑧⑨⑩,'
# Words at which the phrase before a number begins anew, and at which the phrase behind it ends.
_STOP = frozenset(
    [
        "使",
        "将",
        "把",
        "对",
        "在",
        "于",
        "与",
        "和",
        "及",
        "并",
        "且",
        "以",
        "由",
        "从",
        "按",
        "经",
        "而",
        "或",
        "则",
        "也",
        "又",
        "并且",
        "以及",
        "同时",
        "其",
        "其中",
        "满足",
        "实现",
        "要求",
        "需要",
        "需",
        "达到",
        "达",
        "确保",
        "保证",
        "具有",
        "具备",
        "拥有",
        "建有",
        "建成",
        "已建成",
        "形成",
        "目前",
        "现有",
        "公司",
        "我公司",
        "我司",
        "本公司",
        "主要",
        "预期",
        "预计",
        "计划",
        "采用",
        "使用",
        "利用",
        "含",
        "含有",
        "包含",
        "包括",
        "为",
        "是",
        "能",
        "能够",
        "可",
        "可以",
        "希望",
        "所",
        "被",
        "让",
        "使得",
        "用于",
        "适用",
        "应用",
        "有",
        "约",
        "共",
        "已",
        "均",
        "了",
        "着",
        "过",
        "后",
        "前",
        "时",
        "当",
        "若",
        "如果",
        "每",
        "该",
        "此",
        "这",
        "那",
        "各",
        "不",
        "不少于",
        "不低于",
        "不超过",
        "大于",
        "小于",
        "超过",
        "以上",
        "以下",
        "以内",
        "左右",
        "通过",
        "根据",
        "针对",
        "进行",
        "完成",
        "开展",
        "研究",
        "开发",
        "生产",
        "制备",
        "提供",
        "占",
        "比",
        "较",
        "相比",
        "与其",
        "后者",
        "前者",
        "另外",
        "此外",
        "因此",
        "所以",
        "但",
        "但是",
        "即",
        "如",
        "例如",
        "等",
        "到",
        "至",
        "分别",
        "其余",
        "余量",
        "得到",
        "获得",
        "制得",
        "加入",
        "添加",
        "置于",
        "放入",
        "升温",
        "降至",
        "升至",
        "直至",
        "先",
        "再",
        "然后",
        "最后",
        "最终",
        "结果",
        "结果表明",
        "表明",
        "显示",
        "发现",
        "存在",
        "局部",
        "有的",
        "的",
        "已经",
        "只",
        "仅",
        "一般",
        "通常",
        "往往",
        "大多",
        "普遍",
        "多",
        "少",
        "拟",
        "现",
        "内",
        "用",
        "要",
        "至少",
        "最多",
        "还",
        "都",
        "就",
        "便",
        "才",
        "能否",
        "是否",
        "上述",
        "所述",
        "一种",
        "一个",
        "本发明",
        "本项目",
        "项目",
    ]
)
_TRAILING = frozenset(
    [
        "分别",
        "均",
        "都",
        "可",
        "可达",
        "已",
        "能",
        "能够",
        "应",
        "须",
        "要",
        "需",
        "一般",
        "通常",
        "平均",
        "最高",
        "最低",
        "最大",
        "最小",
        "累计",
        "共",
        "约",
        "也",
        "仅",
        "只",
        "达",
        "达到",
        "为",
        "是",
        "在",
        "高达",
        "超过",
        "到",
        "至",
        "了",
        "约为",
        "的",
        "值",
        "具体",
        "分别为",
        "提高",
        "提升",
        "增加",
        "增长",
        "增大",
        "增强",
        "降低",
        "下降",
        "减少",
        "缩短",
        "减小",
        "节约",
        "节省",
        "提高了",
        "降低了",
        "增大了",
        "控制",
        "保持",
        "维持",
        "不",
        "小于",
        "大于",
        "低于",
        "高于",
        "以上",
    ]
)
_OF_USE = frozenset(["使用", "生产", "应用", "利用", "制备", "研究", "开发", "要求"])  # 使用温度 is one name
_REAL = re.compile(r"[\u4e00-\u9fffA-Za-zα-ωμ]")
_UNIT_BRACKET = re.compile(r"[(（]\s?([^()（）\d]{1,10})\s?[)）]\s{0,3}$")
_RIGHT_LEAD = re.compile(r"\s{0,2}(?:级|型|以上|以下|以内|左右|多|余|及以上)?(?:的)?\s{0,2}")
_RIGHT = re.compile(r"[\u4e00-\u9fffA-Za-z\d]{1,16}")


@lru_cache(maxsize=4096)
def _tokens(phrase: str) -> tuple[str, ...]:
    return tuple(words(phrase))


def _left_edge(text: str, end: int, floor: int) -> int:
    """Return where the clause piece that ends at `end` begins."""
    edge = max(floor, end - MAX_LEFT)
    for position in range(end - 1, edge - 1, -1):
        if text[position] in _BOUNDARY:
            return position + 1
    return edge


def _known_end(text: str, start: int, end: int) -> int:
    """Return the length of the longest known name of a parameter that ends at `end`, 0 if none does."""
    known = known_names()
    for size in range(min(end - start, known.longest), 1, -1):
        if text[end - size : end].lower() in known.group:
            return size
    return 0


def _noun_phrase(text: str, start: int, end: int) -> Span | None:
    """Return the span of the last noun phrase in `text[start:end]`, words of change and comparison taken off."""
    tokens = list(_tokens(text[start:end]))
    right = end
    while tokens and (tokens[-1] in _TRAILING or not _REAL.search(tokens[-1])):
        if _known_end(text, start, right):
            break
        right -= len(tokens.pop())
    left = right
    named = right - _known_end(text, start, right)
    while tokens:
        token = tokens.pop()
        whole = token == "的" and tokens and left < right and right - left < 8
        if token in _STOP and left <= named and not whole and not (token in _OF_USE and right - left == 2):
            break
        left -= len(token)
    while left < right and not _REAL.match(text[left]):
        left += 1
    while left < right and text[right - 1].isspace():
        right -= 1
    if left >= right or not _REAL.search(text[left:right]):
        return None
    return left, right


def left_parameter(text: str, op_start: int, floor: int) -> Span | None:
    """Return the span of the parameter before a comparator that begins at `op_start` of folded `text`, or None.

    `floor` is where the quantity before ends. A parameter may stand before a colon, a bracket or a table's cell border.
    """
    end = op_start
    while end > floor and text[end - 1] in " \t":
        end -= 1
    unit = _UNIT_BRACKET.search(text, max(floor, end - 14), end)
    if unit:
        end = unit.start()
    for _ in range(3):
        edge = _left_edge(text, end, floor)
        span = _noun_phrase(text, edge, end)
        if span is not None:
            return span
        if edge <= floor or edge - 1 < floor or text[edge - 1] not in ":(|\t[" or edge - 1 < op_start - MAX_LEFT:
            return None
        end = edge - 1
        while end > floor and text[end - 1] in " \t|:":
            end -= 1
    return None


def bracketed_unit(text: str, start: int) -> tuple[str, Span] | None:
    """Return the unit named in a bracket before the number: 抗压强度(MPa) ≥ 50."""
    match = _UNIT_BRACKET.search(text, max(0, start - 22), start)
    return (match[1].strip(), match.span(1)) if match else None


def right_parameter(text: str, end: int) -> Span | None:
    """Return the span of what the number is of, behind it: 60ppm|臭氧水浓度, 95%的|乙醇."""
    lead = _RIGHT_LEAD.match(text, end)
    at = lead.end() if lead else end
    match = _RIGHT.match(text, at)
    if not match:
        return None
    stop = at
    for token in _tokens(match.group()):
        if token in _STOP or token[0].isdigit():
            break
        stop += len(token)
    return (at, stop) if stop > at and _REAL.match(text[at]) else None
