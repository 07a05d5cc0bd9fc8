"""The parts of a condition text: numbered items and sentences, and what their headings say of those below them."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from knowledge_graph.criteria.figures import mask

Mode = Literal["all", "any", "excluded", "preferred"]

_MARK = re.compile(
    r"(?m)^[ \t]{0,4}(?P<one>\d{1,2}\s?[.、](?!\d[.、\d]{0,3}[%元])|(?<![^。；;:：!！\n ]\n)[一二三四五六七八九十]{1,3}、)"
    r"|(?:^[ \t]{0,4}|(?<=[。;；::\s,，)]))(?P<two>\((?:\d{1,2}|[一二三四五六七八九十]{1,3})\))"
    r"|(?:^[ \t]{0,4}|(?<=[。;；::]))(?P<three>[①-⑳]|\d{1,2}\))"
)
_STOP = re.compile(r"[。;；!！\n]")
_HEADER = re.compile(
    r"(?:以下|下列|如下)(?=\s?[:：])|(?:以下|下列|如下)(?:[^。；;，,:]{0,14}(?:条件|要求|情形|情况|规定|标准|材料)[^。；;,，:]{0,6}(?:之一)?[^。；;，:]{0,4}|各项)"
)
_COLON = re.compile(r"[:：]")
_EXCLUDED = re.compile(
    r"不(?:得|予|能|可|再|适用|享受)[^，。]{0,6}(?:认定|支持|申报|受理|申请|补贴|享受|资助|补助|一次性)?|不予|取消资格"
)
_PREFERRED = re.compile(r"优先|鼓励|重点支持|同等条件|倾斜")
_TITLE = re.compile(r"^[^，,。；;]{2,40}$")
_TITLE_BEGIN = re.compile(
    r"^(?:支持|实施|开展|推动|鼓励|促进|加强|提供|吸引|打造|集聚|关于|申报|申请|企业分类|其他事项|项目|基本条件|组织|培育|建设)|(?:条件|要求|资质|范围|方面|标准|类型|分类|情形|事项)$"
)
_ALL_BIND = re.compile(r"^(?!支持).{0,16}(?:条件|要求|资质|资格|范围|事项)$")
_PART = re.compile(r"^(?:支持|实施|开展|推动|促进|提供|吸引|打造|集聚|申报|申请|培育|建设|关于)")
_NAME = re.compile(
    r"^(?:对于|对)?(?:申报|申请|认定为?|申办|设立|参与|入选)?(?P<name>[^，,。:：；;]{2,24}?)(?:认定)?(?:在[^，,]{1,12}时|的(?:企业|单位|机构)?)?[,，]?"
    r"(?:还|一般|须|需|应当|应该|应|同时|均|要|当|必须|原则上)*(?:同时)?(?:符合|满足|具备|有)"
)
_LABEL = re.compile(r"(?P<name>[^，,。:：；;\d]{2,16})[:：](?=\S)")
_APPLICANT = re.compile(r"(?:企业|单位|机构|项目|院校|学校|团队|个人|申请人|类|型|基地|园区|平台|医院|协会)[”\"]?$")
_GENERIC = re.compile(r"^(?:其|一般|均?|企业|单位|机构|申报单位|申请单位|申报企业|申请人|条件|本项目的?项目申报主体)$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence at [start, end) of a text, and what the headings above it say.

    `branch` names the applicants or the part of the policy that the sentence is for, `topic` what it is about; `mode` tells
    whether all must hold, any, or none.
    """

    start: int
    end: int
    branch: str
    mode: Mode
    item: int
    topic: str = ""


@dataclass(frozen=True, slots=True)
class _Context:
    """What the headings above a place say, by depth: names, and the mode of the innermost one."""

    names: tuple[tuple[float, str], ...] = ()
    mode: Mode = "all"
    depth: float = 0
    topic: tuple[float, str] = (0, "")

    def under(self, depth: float) -> "_Context":
        """Return what still holds for an item of `depth`: headings of the same depth or deeper end."""
        names = tuple((level, name) for level, name in self.names if level < depth)
        topic = self.topic if self.topic[0] < depth else (0, "")
        return replace(self, names=names, mode=self.mode if self.depth < depth else "all", topic=topic)


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of a condition text in order, headings left out but remembered as `branch` and `mode`."""
    masked = mask(text)
    marks = [(0, 0, 0)]
    for match in _MARK.finditer(masked):
        depth = {"one": 1, "two": 2, "three": 3}[match.lastgroup or "one"]
        marks.append((match.start(), match.end(), depth))
    found: list[Sentence] = []
    context = _Context()
    for place, (begin, inner, depth) in enumerate(marks):
        end = marks[place + 1][0] if place + 1 < len(marks) else len(text)
        deeper = place + 1 < len(marks) and marks[place + 1][2] > depth
        if begin or depth:
            context = context.under(depth)
        context = _read_item(masked, inner, end, depth, context, found, item=place, deeper=deeper)
    return found


def _read_item(
    text: str, start: int, end: int, depth: int, context: _Context, found: list[Sentence], *, item: int, deeper: bool
) -> _Context:
    """Append the sentences of one item to `found`; return the headings that hold after it."""
    cuts = _cuts(text, start, end)
    for number, (low, high) in enumerate(cuts):
        sentence = text[low:high]
        header = _header_end(sentence)
        if header is not None:
            lead = _lead(sentence[:header])
            if lead:
                found.append(Sentence(low, low + lead, _join(context), context.mode, item, context.topic[1]))
            # a heading at the end of an item heads the items that follow
            last = number == len(cuts) - 1 and header >= len(sentence)
            level = depth - 0.5 if last and depth and not deeper else depth
            mode = _mode(sentence[:header], context.mode)
            name = _branch_name(sentence[:header]) if mode in ("all", "any") else ""
            kept = tuple(
                pair for pair in context.under(int(level) if level % 1 else level + 1).names if pair[0] % 1 == 0
            )
            if level % 1:
                kept = tuple(pair for pair in kept if pair[0] and pair[0] < level)
            context = _Context(kept + (((level, name),) if name else ()), mode, level)
            if header < len(sentence) and _content(sentence[header:]):
                found.append(Sentence(low + header, high, _join(context), context.mode, item, context.topic[1]))
            continue
        above = number == len(cuts) - 1 and deeper and sentence.endswith((":", "："))
        if above or (number == 0 and (deeper or len(cuts) > 1) and _is_title(sentence)):
            context = replace(context, topic=(depth, _short(sentence)))
            if (
                not above and depth <= 1 and deeper and _PART.match(sentence)
            ):  # a part of the policy with rules of its own
                context = replace(context, names=(*context.names, (depth, _short(sentence))))
            continue
        label = _LABEL.match(sentence)
        if label and _content(sentence[label.end() :]) and _APPLICANT.search(label["name"]):
            context = replace(context, names=(*context.names, (depth, _short(label["name"]))))
        begin = low + (label.end() if label and _content(sentence[label.end() :]) else 0)
        if _content(text[begin:high]):
            found.append(Sentence(begin, high, _join(context), context.mode, item, context.topic[1]))
    return context


def _cuts(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return [start, end) of the sentences in a piece of text; marks inside brackets do not cut."""
    cuts, level, low = [], 0, start
    for at in range(start, end):
        char = text[at]
        level = max(0, level + (char in "(（") - (char in ")）"))
        wrapped = char == "\n" and at > low and text[at - 1] not in "。；;:：!！?？ \n"
        if _STOP.match(char) and not wrapped and (level == 0 or char == "\n"):
            cuts.append((low, at))
            low, level = at + 1, 0
    cuts.append((low, end))
    trimmed = []
    for begin, stop in cuts:
        piece = text[begin:stop]
        first = begin + len(piece) - len(piece.lstrip())
        last = begin + len(piece.rstrip())
        if last > first:
            trimmed.append((first, last))
    return trimmed


def _header_end(sentence: str) -> int | None:
    """Return where a heading in the sentence ends (…应符合以下条件：), None without one."""
    match = _HEADER.search(sentence)
    if match is None:
        return None
    colon = _COLON.search(sentence, match.end())
    if colon is not None and colon.start() - match.end() <= 30:
        return colon.end()
    return len(sentence) if len(sentence) - match.end() <= 14 and "条件" in sentence + "条件" else None


def _lead(header: str) -> int:
    """Return the length of what is before a heading in its sentence and asks for something of its own, else 0."""
    match = _HEADER.search(header)
    cut = max(header.rfind("，", 0, match.start() if match else 0), header.rfind(",", 0, match.start() if match else 0))
    if cut < 8 or not re.search(
        r"(?:需|应|须)(?!.{0,4}(?:符合|满足|具备)(?:以下|下列))|具有|具备|清晰|已被", header[:cut]
    ):
        return 0
    return cut


def _mode(header: str, inherited: Mode) -> Mode:
    if _EXCLUDED.search(header):
        return "excluded"
    if _PREFERRED.search(header):
        return "preferred"
    return "any" if "之一" in header or "任一" in header else ("all" if inherited == "any" else inherited)


def _is_title(sentence: str) -> bool:
    return bool(_TITLE.match(sentence) and _TITLE_BEGIN.search(sentence))


def _content(sentence: str) -> bool:
    return len(re.sub(r"[\s，,:：。；;]", "", sentence)) >= 3


def _short(name: str) -> str:
    return re.sub(r"[\s。:：□]+", "", name)[:24]


def _branch_name(header: str) -> str:
    if "基本条件" in header or "必要条件" in header:
        return ""
    match = _NAME.match(header)
    name = match["name"] if match else ""
    if not name or _GENERIC.match(name) or re.search(r"[、的]$|^(?:以下|下列)|(?:比例|比重)$", name):
        return ""
    return _short(name.removeprefix("的"))


def _join(context: _Context) -> str:
    seen: list[str] = []
    for _, name in context.names:
        if name not in seen:
            seen.append(name)
    return "：".join(seen)
