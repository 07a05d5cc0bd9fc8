"""What a demand needs, apart from what its firm tells of itself and from what it rules out."""

import re
from dataclasses import dataclass
from functools import lru_cache

from data.text.exclusions import exclusions_of, without_exclusions

LONG = 160  # characters from which a text may hide its need among other things
_CONTRACT = 2  # terms of a contract in one sentence that make it one of those
_LONGEST_FOCUS = 160  # characters
_LEAST_NEED = 16  # characters; less is too little to be a need of its own
_SENTENCE = re.compile(r"[^。；;！!？?\n]+[。；;！!？?\n]?")
_HEADING = re.compile(
    r"(?P<background>(?:企业|公司|单位|项目)(?:简介|概况|介绍|背景|基本情况)|现有(?:工作)?基础|(?:前期)?工作基础|技术背景|研究背景|合作方式|联系方式|联系人|经费预算|资金预算|"
    r"经济效益|社会效益|市场前景|保障措施|现有条件|投入(?:资金|预算)?)"
    r"|(?P<need>(?:技术|具体|主要)?需求(?:内容|描述|如下)?|(?:预期|项目|研发|技术)?目标|(?:主要|技术|考核|性能)?(?:技术)?(?:指标|参数|要求)|(?:主要)?研[究发]内容|(?:拟|希望|需要)?解决的?(?:关键)?(?:技术)?(?:问题|难题)|技术难题|难题|揭榜内容)"
)
_WANTS = re.compile(
    r"需求|需要|急需|亟需|亟待|希望|期望|期待|寻求|寻找|征集|求购|诚求|想(?!象)|拟(?:开发|研发|研制|解决|采用|引进|建)|要求|目标|解决|攻克|突破|研发|研制|开发(?!区)|指标|不低于|不超过|不高于|不小于|不大于|"
    r"≥|≤|以上|以下|降低到|提高到|提升到|达到|实现|替代"
)
_WISH = re.compile(r"希望|(?<!性)要求|需要|急需|亟需|寻求|期望|拟|想")
_MAKES = re.compile(
    r"(?:主要从事|专业从事|主营|专业生产|主要生产|从事)([^，。；,;、的和及与]{2,16}?)(?=的|和|及|与|、|，|,|生产|研发|制造|加工|$)"
)
_BOUND = re.compile(r"不[低高小大少多]于|不超过|≥|≤|以[上下内]|[降提升]低?到")
_NUMBER = re.compile(r"^(?:[一二三四五六七八九十][是、]|第[一二三四五六七八九十][，,、]?|[(（]?\d{1,2}[)）.、．]\s?)")
_TROUBLE = re.compile(
    r"问题|难题|难点|瓶颈|缺陷|不足|无法|难以|不能|困难|损失|漏检|误判|开裂|堵塞|腐蚀|超标|报废|返修|能耗高|成本高|效率低|制约"
)
_FIRM = re.compile(
    r"成立于|创立|坐落|位于|占地|注册资|总资产|员工|职工|现有(?:职工|员工|人员)|主要从事|主营|经营范围|专业从事|集.{2,12}于一体|销往|出口|年产值|销售额|销售收入|营业|利税|市场占有率|高新技术企业|专精特新|小巨人|"
    r"龙头企业|骨干企业|上市公司|认证|荣誉|称号|获得|获评|被评为|研发人员|高级工程师|博士|硕士|技术人员|技术中心|研究中心|实验室|专利\d|授权专利|发明专利\d|公司现有|拥有|配套.{0,10}主机厂|资质|荣获|"
    r"联系|来电|考察|洽谈|负责人|总经理|董事长|高度重视|专项小组|组长|经费|投入|预算|合作方式|委托开发|联合开发|技术转让|直接转让|提供(?:试验|场地|样件|资金|数据|条件)|验收|期限|个月内|尽快|欢迎|感谢|曾与|前期曾|未能"
)
# the terms of a contract are no need, whatever they wish for
_TERMS = re.compile(
    r"合作方式|委托开发|联合开发|直接转让|经费|总?投入|愿意提供|前期曾|曾与|尽快与|联系|考察|认证|通过验收|资金到位|保密"
)
_ASIDE = re.compile(
    r"^(?:另外|此外|同时|顺便|附带|其次|还有)?.{0,40}(?:一并|顺便|附带|顺带|也希望|如有可能|有条件的话)"
)


@dataclass(frozen=True, slots=True)
class Need:
    """A demand's text in parts.

    Attributes:
        need: what is asked for, in the text's own words; the whole text where nothing sets it apart.
        background: what the firm tells of itself, its means and its wishes for the contract; "" in a short text.
        exclusions: things that are ruled out; neither part holds the words that say so.
        focus: the sentence of the need that tells most of what is wanted, "" where nothing sets the need apart.

    """

    need: str
    background: str
    exclusions: tuple[str, ...]
    focus: str = ""


@lru_cache(maxsize=4096)
def need_of(text: str) -> Need:
    """Return what a demand's text needs, what is background, and what it rules out. Linear in the text's length."""
    ruled_out = exclusions_of(text)
    things = tuple(dict.fromkeys(one.thing for one in ruled_out))
    left = without_exclusions(text, ruled_out) if ruled_out else text
    if sum(map(str.isalnum, left)) < 4:
        left = text  # nothing else is said
    if len(left) < LONG:
        return Need(left, "", things)
    wanted, rest = _parted(left)
    if sum(map(len, wanted)) < _LEAST_NEED or not rest:
        return Need(left, "", things)
    return Need("".join(wanted).strip(), "".join(rest).strip(), things, _focus(wanted, rest))


def _focus(wanted: list[str], rest: list[str]) -> str:
    """Return what the firm makes and the sentence of a wish that sets most bounds, or else the longest of its need."""
    best = max(wanted, key=lambda one: (bool(_WISH.search(one)), len(_BOUND.findall(one)), len(one)))
    made = next((match[1] for sentence in rest if (match := _MAKES.search(sentence))), "")
    focus = _NUMBER.sub("", best.strip(" 。；;\n"))
    return (focus if not made or made in focus else f"{made}，{focus}")[:_LONGEST_FOCUS]


def _parted(text: str) -> tuple[list[str], list[str]]:
    """Return the sentences that state the need and those that do not, each once and in order."""
    wanted: list[str] = []
    rest: list[str] = []
    seen: set[str] = set()
    section = ""
    for sentence in _SENTENCE.findall(text):
        heading = _HEADING.match(sentence.strip(" \t0123456789.、一二三四五六七八九十()（）:：\n"))
        if heading is not None:
            section = heading.lastgroup or ""
        bare = sentence.strip()
        if bare in seen:
            continue
        seen.add(bare)
        (wanted if _states_need(bare, section) else rest).append(sentence)
    return wanted, rest


def _states_need(sentence: str, section: str) -> bool:
    """Tell whether a sentence tells what is needed; in doubt it does."""
    if _ASIDE.match(sentence):
        return False
    if len(_TERMS.findall(sentence)) >= _CONTRACT:
        return False
    wants, firm, trouble = (len(pattern.findall(sentence)) for pattern in (_WANTS, _FIRM, _TROUBLE))
    if section == "background":
        return wants > 2 * firm + 1
    if section == "need":
        return firm <= 2 * (wants + trouble) + 1
    if wants or trouble:
        return wants + trouble >= firm
    return firm == 0
