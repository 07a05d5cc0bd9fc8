"""What a text states of its maturity in so many words: 已完成中试, 实现产业化, each with its quote."""

import re
from dataclasses import dataclass

# Levels after GB/T 22900-2022. A word counts only as something done or reached, see `_NOT_REACHED`.
_REACHED: tuple[tuple[int, str], ...] = (
    (3, r"概念验证|可行性验证|原理验证"),
    (4, r"小试|实验室(?:阶段|验证|样品|研究阶段)|原理样机"),
    (6, r"中试|工程样机|样机"),
    (7, r"示范(?:工程|应用|线|项目|基地)|试运行|试点应用|试生产"),
    (8, r"小批量(?:生产|试制)?|定型|试产"),
    (
        9,
        r"(?<!小)批量生产|规模化?(?:生产|应用)|产业化|大规模应用|推广应用|已?投产|商业化|已上市|上市销售|量产|投入(?:使用|运行)",
    ),
)
_WORDS = tuple((level, re.compile(words)) for level, words in _REACHED)
_CLAUSE = re.compile(r"[^，。；;！？!?\n]+")
_NOT_REACHED = re.compile(
    r"未|没有|尚|待|拟|计划|将(?!原|其)|下一步|准备|有望|可望|可以?(?:直接|大规模|进一步|实现|进行|用于|开展)*$"
    r"|能够?|适[合宜于]|制约|促进|推[动进]|加快|提[升高]|便于|利于|易于|需要|为了|以期|希望|预期|预计|目标|如果|难以|无法|不能|为[^，]{0,12}(?:提供|奠定|打下)"
)
_AFTERWARDS = re.compile(
    r"发展|水平|前景|潜力|价值|意义|需求|要求|目标|可能|条件|基础|提供|奠定|支[撑持]|问题|困难|瓶颈|中的|过程中|成本"
)
_FAR = 8  # characters after the word in which a noun turns it into something else: 产业化前景


@dataclass(frozen=True, slots=True)
class Statement:
    """A level 1-9 that a text states to have reached, and the clause that does, from `start` to `end` of the text."""

    level: int
    quote: str
    start: int
    end: int


def stated_maturity(text: str) -> Statement | None:
    """Return the highest level that a text states to have reached; None where it states none.

    What is planned, possible, suitable, or only a prospect is no statement: 便于产业化, 拟开展中试, 产业化前景.
    """
    best: Statement | None = None
    for clause in _CLAUSE.finditer(text):
        said = clause.group()
        for level, words in _WORDS:
            for found in words.finditer(said):
                if _NOT_REACHED.search(said[: found.start()]) or _AFTERWARDS.match(
                    said[found.end() : found.end() + _FAR].lstrip("的")
                ):
                    continue
                if best is None or level > best.level:
                    quote = said.strip()
                    start = clause.start() + said.index(quote)
                    best = Statement(level, quote, start, start + len(quote))
    return best
