"""Whether two terms mean the same, one is a kind of the other, or neither may be said: the check behind 含义相近."""

import re
from enum import StrEnum
from functools import lru_cache

import rjieba

from data.text.kinds import are_same, is_kind_of
from data.text.segment import words
from knowledge_graph.relations.extraction import contradicts
from knowledge_graph.terms.phrases import general_words


class Likeness(StrEnum):
    """Relation of two different terms; RELATED also where nothing sure is known."""

    SAME = "same"
    NARROWER = "narrower"  # the first is a kind of the second
    BROADER = "broader"  # the second is a kind of the first
    RELATED = "related"
    OPPOSITE = "opposite"
    FRAGMENT = "fragment"


ALIKE = frozenset({Likeness.SAME, Likeness.NARROWER, Likeness.BROADER})
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
# words of talk that a segmenter keeps whole and that name nothing
_TALK = frozenset(
    [
        "没法",
        "我矿",
        "我厂",
        "我司",
        "本厂",
        "坏机率",
        "无法",
        "没有",
        "不能",
        "怎么",
        "什么",
        "为什么",
        "可以",
        "希望",
        "想要",
        "目前",
        "现在",
        "问题",
        "情况",
        "方面",
        "左右",
        "以上",
        "以下",
        "能够",
        "需要",
        "企业",
        "公司",
        "单位",
    ]
)
# 采煤 → 采煤机, 临床 → 临床试验: what is added to a word to name something of its kind
_ADDED_BEHIND = re.compile(
    r"^(?:机|器|仪|泵|阀|炉|轴|油|电池|汽车|材料|设备|系统|装置|工程|试验|治疗|性|型|件|车|袋|管|板|学|技术|工艺|法|站|桩|药|用|期|员|装备|机械|线|体系)$"
)
# 高效率, 大容量: a degree of the quality that the rest names
_DEGREES = frozenset("高大长低小多超全新强快轻薄厚深宽短")


def likeness(one: str, other: str, *, lists: bool = True) -> Likeness:
    """Return the relation of the first term to the second, by our `lists` and by how words are built; never by vectors."""
    answers = (
        (Likeness.SAME, lists and are_same(one, other)),
        (Likeness.NARROWER, lists and is_kind_of(one, other)),
        (Likeness.BROADER, lists and is_kind_of(other, one)),
        (Likeness.FRAGMENT, is_fragment(one) or is_fragment(other)),
        (Likeness.OPPOSITE, contradicts(one, other)),
        (Likeness.NARROWER, _built_on(one, other)),
        (Likeness.BROADER, _built_on(other, one)),
    )
    return next((answer for answer, holds in answers if holds), Likeness.RELATED)


def _built_on(narrow: str, broad: str) -> bool:
    """Tell whether a longer term is the shorter one made narrower: 动力电池 of 电池, 采煤机 of 采煤, 长寿命 of 寿命."""
    if len(broad) < 2 or len(narrow) <= len(broad):
        return False
    if narrow.endswith(broad) and narrow[: -len(broad)] in _DEGREES:
        return True
    if broad in general_words():
        return False
    if narrow.endswith(broad):
        before = narrow[: -len(broad)]
        return len(before) >= 2 or words(narrow)[-1:] == [broad] or rjieba.has_word(narrow)
    return narrow.startswith(broad) and _ADDED_BEHIND.match(narrow[len(broad) :]) is not None and rjieba.has_word(broad)


@lru_cache(maxsize=65_536)
def is_fragment(term: str) -> bool:
    """Tell whether a term is a piece of words rather than a word: 受炉, 落箱, 没法; longer phrases are never called so."""
    if term in _TALK:
        return True
    if _CHINESE.fullmatch(term) is None or len(term) > 3 or rjieba.has_word(term):
        return False
    # three characters may be a phrase of known words: 钢模板 (钢, 模板)
    return len(term) < 3 or not (rjieba.has_word(term[1:]) or rjieba.has_word(term[:2]))
