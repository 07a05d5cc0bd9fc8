"""What a number measures: the noun phrase before it, in front of its bracket, behind it, or carried on from its neighbour."""

import re
from functools import lru_cache
from importlib import resources

from data.text.segment import words
from knowledge_graph.quantities.names import known_names
from knowledge_graph.quantities.types import Span

MAX_LEFT = 40
MAX_NAMES = 8
_BOUNDARY = '，。；;、!！?？\n\r\t|:()[]【】“”"《》①②③④⑤⑥⑦⑧⑨⑩,'
_OF_USE = frozenset(["使用", "生产", "应用", "利用", "制备", "研究", "开发", "要求"])  # 使用温度 is one name
_REAL = re.compile(r"[\u4e00-\u9fffA-Za-zα-ωμ]")
_UNIT_BRACKET = re.compile(r"[(（]\s?([^()（）\d]{1,10})\s?[)）][\s:]{0,3}$")
_UNIT_CELL = re.compile(r"[|\t][ ]{0,4}([^\s|()\d]{1,10})[ ]{0,4}[|\t][ ]{0,4}$")
_AND = re.compile(r"\s{0,1}(?:[、和与及]|以及)\s{0,1}$")
_RIGHT_LEAD = re.compile(r"\s{0,2}(?:级|型|以上|以下|以内|左右|多|余|及以上)?(?:的)?\s{0,2}")
_RIGHT = re.compile(r"[\u4e00-\u9fffA-Za-z\d]{1,16}")


@lru_cache(maxsize=1)
def _phrase_words() -> tuple[frozenset[str], frozenset[str]]:
    """Return (words a phrase stops at, words that are between a phrase and its number)."""
    kinds: dict[str, list[str]] = {"stop": [], "trailing": []}
    path = resources.files("knowledge_graph.quantities") / "lexicon" / "phrase_words.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *listed = line.split()
        if kind in kinds:
            kinds[kind] += listed
    return frozenset(kinds["stop"]), frozenset(kinds["trailing"])


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
    stops, trailing = _phrase_words()
    tokens = list(_tokens(text[start:end]))
    right = end
    while tokens and (tokens[-1] in trailing or not _REAL.search(tokens[-1])):
        if _known_end(text, start, right):
            break
        right -= len(tokens.pop())
    left = right
    named = right - _known_end(text, start, right)
    while tokens:
        word = tokens.pop()
        whole = word == "的" and tokens and left < right and right - left < 8
        if word in stops and left <= named and not whole and not (word in _OF_USE and right - left == 2):
            break
        left -= len(word)
    while left < right and not _REAL.match(text[left]):
        left += 1
    while left < right and text[right - 1].isspace():
        right -= 1
    if left >= right or not _REAL.search(text[left:right]):
        return None
    return left, right


def left_parameter(text: str, op_start: int, floor: int) -> Span | None:
    """Return the span of the parameter before a comparator that begins at `op_start` of folded `text`, or None.

    `floor` is where the quantity before ends. A parameter may be before a colon, a bracket or a table's cell border.
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


def respective_names(text: str, parameter: Span | None, start: int, floor: int) -> list[Span]:
    """Return the names that 分别 gives to the numbers from `start` on, in order: 白度和保留率分别为|61%、90%; else none."""
    if parameter is None or parameter[1] > start or "分别" not in text[parameter[1] : start]:
        return []
    spans = [parameter]
    position = parameter[0]
    while len(spans) < MAX_NAMES:
        joint = _AND.search(text, max(floor, position - 3), position)
        span = _noun_phrase(text, _left_edge(text, joint.start(), floor), joint.start()) if joint else None
        if joint is None or span is None or joint.start() - span[1] > 1:
            break
        spans.insert(0, span)
        position = span[0]
    return spans if len(spans) > 1 else []


def unit_apart(text: str, start: int) -> tuple[str, Span] | None:
    """Return the unit that is separate from the number at `start`, in a bracket or a table's cell, and its span.

    抗压强度(MPa) ≥ 50; 硬度 | HRC | 55-60.
    """
    match = _UNIT_BRACKET.search(text, max(0, start - 22), start) or _UNIT_CELL.search(text, max(0, start - 22), start)
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
        if token in _phrase_words()[0] or token[0].isdigit():
            break
        stop += len(token)
    return (at, stop) if stop > at and _REAL.match(text[at]) else None
