"""Comparators: what is before and after a number, and what both together mean."""

import re
from dataclasses import dataclass

from knowledge_graph.quantities.types import Op

_NOT = r"不(?:得|能|应|宜|可|允许|会|应当)?"
_BEFORE: tuple[tuple[Op, str], ...] = (
    (
        "le",
        rf"{_NOT}(?:超过|高于|大于|多于|长于|超出)|(?:严禁|禁止|避免)(?:超过|高于|大于)|[小低少]于(?:或)?等于"
        r"|最多|至多|上限|≤|<=|=<|不超|小于=|未超过|没超过",
    ),
    (
        "ge",
        rf"{_NOT}(?:低于|少于|小于|短于|弱于|亚于)|[大高多]于(?:或)?等于|至少|最少|起码|下限|≥|>=|=>|大于=|不下于",
    ),
    ("gt", r"大于|高于|超过|多于|长于|超出|超|逾|突破|>|高过|优于"),
    ("lt", r"小于|低于|少于|短于|不足|不到|未达|<|轻于|不满"),
    ("approx", r"大约|约为|约|接近|将近|近|≈|大概|大致|±|\+/-|差不多"),
    (
        "eq",
        r"(?:可|能|需|要|须|应)?(?:达到|达)|控制在|保持在|维持在|稳定在|处于|高达|长达|多达|为|是|=|等于|选|取",
    ),
)
_ANY_BEFORE = [(op, re.compile(f"(?:{words})$")) for op, words in _BEFORE]
_FILLER = re.compile(r"(?:\s|在|了|值|的范围|到|至|于|即|只|仅|均|分别|都|也|:|,(?=\s?$)|的)$")
_GAP = r"[ ~.)]{0,3}(?:风|级)?(?:\(含\))?(?:及|或|和)?(?:其)?"
_AFTER: tuple[tuple[Op, re.Pattern[str]], ...] = (
    ("ge", re.compile(_GAP + r"多?(?:以上|之上|及更高|或更高|起(?![到来的动]))")),
    (
        "le",
        re.compile(_GAP + r"(?:以下|之下|以内|之内|内(?![径部外容置孔壁腔衬膜燃能蒙生在])|及更低|或更低|封顶)"),
    ),
    ("approx", re.compile(r"[ ~.]{0,3}(?:左右|上下(?![料游级层位])|前后)")),
    (
        "gt",
        re.compile(r"[ ~.]{0,3}(?:开外|多(?![糖次道层种级元孔功晶聚巴肽酚胺不样重边维形头家])|余(?![热量料氯压的]))"),
    ),
)
_UP = r"提高|提升|增加|增长|增大|增强|增高|升高|上升|增幅|涨幅|升幅|扩大|延长|加快|改善|增至?"
_DOWN = r"降低|下降|减少|缩短|减小|节约|节省|降幅|减轻|缩小|减幅|下调|减缓|削减|降(?![雨水解])|衰减|省"
_CHANGE = re.compile(rf"(?P<up>{_UP})|(?P<down>{_DOWN})")
_CHANGE_TAIL = re.compile(
    rf"(?:(?P<up>{_UP})|(?P<down>{_DOWN}))(?:幅度|比例|程度|率|量|值)?"
    r"(?:了|约为?|近|将近|大约|可达|达到?|超过|大于|高达|至少|不低于|不少于|≥|>|不超过|为|分别|均|平均|最高|也|各|\s|~){0,6}$"
)
_COMPARED = re.compile(r"(?:(?P<up>[大高多长快重])|(?P<down>[低小少短轻慢]))(?:了|约|近|出|\s){0,3}$")
_TO = re.compile(r"(?:到|至)(?:了|约|近|\s|原来的?|原有的?|目前的?|现在的?|以前的?){0,3}$")
_VERB_TO = re.compile(rf"(?:{_UP}|{_DOWN}|缩|扩|提|控制|增)[^，。;,\d]{{0,10}}(?:到|至|为)[^，。;,\d]{{0,6}}$")


# Last character of a word and the one before it: 行为, 附近, 但是.
_ENDS = re.compile("为[行作因]|近[附最邻相]|是[但于]|约[节大集]|达[马雷表发]|取[提读]|选筛")


@dataclass(frozen=True, slots=True)
class Before:
    """What precedes a number: the comparator (None if nothing does) and where its words begin; `plain` = only 为, 达到."""

    op: Op | None
    start: int
    change: Op | None = None


def read_before(text: str, start: int, floor: int) -> Before:
    """Return the comparator words that end at `start` of folded `text`, not looking further back than `floor`."""
    end = start
    chosen: Op | None = None
    op_start = start
    for _ in range(10):
        for op, pattern in _ANY_BEFORE:
            match = pattern.search(text, max(floor, end - 8), end)
            if match and not (op in ("approx", "eq") and _part_of_word(text, match)):
                if chosen in (None, "eq"):
                    chosen = op
                end = op_start = match.start()
                break
        else:
            filler = _FILLER.search(text, max(floor, end - 3), end)
            if filler is None:
                break
            end = filler.start()
    return Before(chosen, op_start, _change(text, start, op_start, floor))


def _part_of_word(text: str, match: re.Match[str]) -> bool:
    """Tell whether the found word is the end of another: 行为, 附近, 但是."""
    word, before = match.group(), text[max(0, match.start() - 1) : match.start()]
    return _ENDS.fullmatch(word + before) is not None


def _change(text: str, start: int, op_start: int, floor: int) -> Op | None:
    """Return increase or decrease if the number at `start` states a change, `times` for 提高到 N 倍."""
    floor = max(floor, start - 24)
    tail = text[floor:start]
    match = _CHANGE_TAIL.search(tail)
    if match:
        if tail[match.start() :].rstrip().endswith("为") and "幅" not in tail:
            return None
        return "increase" if match["up"] else "decrease"
    compared = _COMPARED.search(tail)
    if compared and re.search(r"比|较|相对", text[max(0, start - 40) : start]):
        return "increase" if compared["up"] else "decrease"
    return None


def verb_before(text: str, start: int, floor: int) -> Op | None:
    """Return increase or decrease if a verb of change governs the words before `start`: 提高效率|20%."""
    words = text[max(floor, start - 16) : start]
    if re.search(r"[到至为达]", words):
        return None
    found = list(_CHANGE.finditer(words))
    if not found:
        return None
    last = found[-1]
    return "increase" if last["up"] else "decrease"


def changes_to(text: str, start: int, floor: int) -> bool:
    """Tell whether the number at `start` is what something is changed to: 提高到原来的|3倍, 降至|5%."""
    words = text[max(floor, start - 20) : start]
    return bool(_TO.search(words) and _VERB_TO.search(words))


def read_after(text: str, end: int) -> tuple[Op | None, int]:
    """Return the comparator written behind a unit that ends at `end`, and where it ends."""
    for op, pattern in _AFTER:
        match = pattern.match(text, end)
        if match:
            return op, match.end()
    return None, end


def combine(
    before: Op | None, after: Op | None, *, more: bool, is_range: bool, tolerance: bool, plus_minus: bool = False
) -> Op:
    """Return the one comparator of a level that all signs together state."""
    if is_range:
        return "range"
    if before in ("gt", "lt", "ge", "le"):
        return before
    if before == "approx" or tolerance:
        if plus_minus and after == "le":
            return "le"  # ±1μm以内 is an upper bound of a deviation
        return after if after in ("ge", "le") and not tolerance and before != "approx" else "approx"
    if after == "gt" or (more and after not in ("ge", "le")):
        return "gt"
    return after or "eq"
