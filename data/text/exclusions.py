"""What a demand rules out: 不考虑锂电池, 不要酚醛树脂, 除农药以外; technology words that hold a 无 or 非 rule out nothing."""

import re
from dataclasses import dataclass

from data.text.kinds import narrower
from data.text.segment import stop_words, words

MAX_EXCLUSIONS = 16
_SHORT = 160  # characters; in a longer text 除…外 mostly tells of other things
_SUBSTANCE = re.compile(r"[池剂药胶脂料油煤酸碱气机膜素肥漆钢铝铜铅砖纸玻泥砂炉泵锅网]$")  # 无需, 非: of things only
_LONGEST = 12  # characters of an excluded thing
_OBJECT = r"(?P<object>[^，,。；;！!？?\n:：()（）]{2,40})"
_USE = (
    r"(?:使用|采用|选用|应用|用到|用|打|喷|喷洒|施用|施|上|做|搞|含有|添加|加入|依赖|基于|走|选|买|要|是|引进|再用|再)"
)
_RULED_OUT = re.compile(
    r"(?:(?:暂|均|都|也|坚决|一律|绝|并|目前)?"
    rf"(?:不(?:(?:再|想|愿|愿意|希望|打算|能|得|可|可以|准|允许)用(?!于|来)|(?:再|想|愿|愿意|希望|打算|允许|可以|可|能|得|宜|准|会|予)?(?:考虑|接受|采用|使用|选用|引进|购买|推荐|要(?!求|影响|改变|超过|低于|高于)|打(?!算)|喷|施用|做|搞|走))"
    r"|拒绝|谢绝|禁止使用|禁用|严禁使用|杜绝使用|避免(?:使用|采用|选用|用|喷|打)|(?P<weak>无需|不需要|不必|不用(?!于))|勿推荐|勿荐|(?<![分个特类级区识差辨判])别(?:推荐|用|要))"
    rf"(?:再|推荐|考虑)?{_USE}?(?:任何|传统的?|普通的?|常规的?|化学合成的?|进口的?|化学(?=农药)){{0,2}}){_OBJECT}"
)
# 除尘, 除草剂外: a treatment, not an exception
_TREATED = (
    "尘臭湿草锈雪冰虫霉氟砷铁磷氮油杂渣味硫垢鳞静颤冷气盐藻菌汗毛根蜡胶漆锡银金铜锰铬镉铅汞灰"
    "雾沫水热氧碳氨醛酸硅硼胺颗异甲"
)
_EXCEPT = re.compile(
    rf"(?:除了|除去|除开|排除|剔除|除(?![{_TREATED}了去开]))"
    r"(?P<object>[^，,。；;！!？?\n:：]{2,24}?)(?:以外|之外|外)(?P<after>[^。；;！!？?\n]{0,24})"
)
_INCLUDING = re.compile(r"[，,]?\s?(?:还|也|又|同时|另|再|并)")  # 除锂电池外, 还需要: both are wanted
# 非晶, 非金属, 非线性, 非常: words, not exclusions
_NON_WORDS = (
    r"晶|标|金属|线|接触|织造|对称|均|常|洲|球|结构|饱和|甲烷|牛顿|煤|开挖|破坏|稳|极性|离子|平衡|电|营养|传统|常规|公路|道路|机动|侵入|介入|甾体|处方|遗|编|"
    r"经典|定|同步|易失|授权|专业|粮|粘|水|木|织|正|法|凡|主|独|必|特|参数|静|恒|整|固|化学|共|致|再生|油|规则|理想|可|有机|能|石棉|圆|单|等|冻|冗|屏蔽|移动|实时|"
    r"高新|国有|公|人|本|生物|手术|血|典型|周期|协调|监督|光滑|相干|朗|高斯|合作|物质|营利|居民|农(?!药)|工|住宅|全|天然|贵|亲|磁|导|色散|燃|流|承重|黏|粮|计"
)
_NON = re.compile(
    rf"(?<![是除并莫若无南北东西为])非(?!{_NON_WORDS})(?P<object>[\u4e00-\u9fff]{{3,8}}?)(?:的|类|系|体系|路线|方案|技术|型|储|(?=防治)|(?=[，,。；;]|$))"
)
_WANTED = re.compile(r"需|求|找|想要|希望")  # a wish inside the object: what follows is wanted again
_PARTS = re.compile(r"[、/]|以及|或者|和(?!谐)|与|及|或|跟")
_TAIL = re.compile(
    r"(?:等.{0,10}|之类.{0,6}|这类.{0,6}|这种.{0,6}|那种.{0,6}|(?<=..)类|路线|方案|方式.{0,8}|办法|方法|工艺|技术|产品|为主.{0,6}|了|来.{1,10}|进行.{0,10}|(?:做|作为|当|处理).{0,8}|的)$"
)
_HEAD = re.compile(
    r"^(?:任何|各种|所有|传统|普通|常规|现有|进口|大量|这些|那些|这种|那种|有|含|一切|再|去|到|是)+(?=[\u4e00-\u9fffA-Za-z]{2})"
)
# 不要影响生产, 无需停机, 不要太贵: conditions on how, not things that are ruled out
_NO_THING = re.compile(
    r"^(?:有|会|能(?!源)|易|需|太|过于|过[高低大小长重]|很|超过|低于|高于|大于|小于|影响|破坏|改变|增加|降低|减少|产生|出现|停|更换|改造|拆|损|造成|导致|带来|担心|人(?:工|员)?$|人工|人为|额外|另|复杂|频繁|专门|专人|专业|提供|其他|其它|以上|以下|考虑|大(?!豆|米|蒜|麦)|小(?!麦)|高(?!铁|炉|岭)|低|长|短|多|重|贵|\d|一)"
)
_GENERIC = frozenset(
    [
        "技术",
        "方案",
        "设备",
        "产品",
        "材料",
        "工艺",
        "系统",
        "方法",
        "装置",
        "项目",
        "问题",
        "企业",
        "公司",
        "机构",
        "中介",
        "其他",
        "其它",
        "东西",
        "情况",
        "要求",
        "需求",
        "服务",
        "合作",
        "成果",
        "专利",
        "厂家",
        "代理",
        "广告",
        "单位",
        "个人",
        "团队",
        "专家",
        "推销",
        "电话",
        "人员",
        "时间",
        "费用",
        "资金",
        "生产",
        "质量",
        "效果",
        "成本",
        "加热",
        "安装",
        "调试",
        "维护",
        "停机",
        "停产",
        "影响",
        "阶段",
        "上述",
        "这些",
        "内容",
    ]
)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One thing that a text rules out, and [start, end) of the words that say so."""

    thing: str
    start: int
    end: int


def exclusions_of(text: str) -> list[Exclusion]:
    """Return what a text rules out, in its order; at most `MAX_EXCLUSIONS` things of 2 to 12 characters."""
    found: list[Exclusion] = []
    short = len(text) < _SHORT
    for match in sorted(
        [*_RULED_OUT.finditer(text), *_EXCEPT.finditer(text), *_NON.finditer(text)], key=lambda m: m.start()
    ):
        if match.re is _EXCEPT and (_INCLUDING.match(match["after"]) or not (short or match["after"].startswith("的"))):
            continue
        named, end = match["object"], match.end("object")
        if match.re is _EXCEPT:
            end = match.start("after")
        elif "的" in named[:-1]:  # 不打农药的水稻: what follows is wanted
            named = named[: named.index("的")]
            end = match.start("object") + len(named) + 1
        weak = match.re is _NON or (match.re is _RULED_OUT and match["weak"] is not None)
        things = [thing for thing in _things(named) if not weak or _SUBSTANCE.search(thing) or narrower(thing)]
        found += [Exclusion(thing, match.start(), end) for thing in things]
    return found[:MAX_EXCLUSIONS]


def without_exclusions(text: str, exclusions: list[Exclusion]) -> str:
    """Return the text without the words that rule something out; what is left keeps its order."""
    kept, at = [], 0
    for start, end in sorted({(one.start, one.end) for one in exclusions}):
        if start >= at:
            kept.append(text[at:start])
        at = max(at, end)
    return re.sub(r"(?:[，,、]\s?){2,}", "，", "".join([*kept, text[at:]])).strip(" ，,、；;")


def without_things(text: str, things: tuple[str, ...]) -> str:
    """Return the text without the names of ruled-out things that are elsewhere in it, unless nothing would be left."""
    left = text
    for thing in things:
        left = left.replace(thing, "")
    return left if any(map(str.isalnum, left)) else text


def _things(phrase: str) -> list[str]:
    things = []
    phrase = _WANTED.split(phrase, maxsplit=1)[0]
    for part in _PARTS.split(phrase):
        bare = _HEAD.sub("", re.sub(r"^不(?:要|用|考虑)", "", part).strip(" “”\"'《》"))
        thing = re.sub(rf"^{_USE}(?=[\u4e00-\u9fffA-Za-z]{{2}})", "", bare)
        for _ in range(2):  # 聚氨酯类的
            thing = _TAIL.sub("", thing)
        if (
            2 <= len(thing) <= _LONGEST
            and not _NO_THING.match(thing)
            and not _NO_THING.match(part)
            and _is_thing(thing)
        ):
            things.append(thing)
    return things


def _is_thing(phrase: str) -> bool:
    """Tell whether a phrase names something in particular."""
    content = [word for word in words(phrase) if word not in stop_words()]
    return (
        bool(content) and not all(word in _GENERIC or (len(word) < 2 and not word.isascii()) for word in content)
    ) or (len(phrase) >= 2 and len(content) >= 2 and phrase not in _GENERIC)


_NEGATED_BEFORE = re.compile(r"(?:无|不含|非|零|免|替代|代替|取代|不用|不使用|少用|替)[\u4e00-\u9fff]{0,2}$")


class Excluded:
    """Tells texts that are about something ruled out."""

    def __init__(self, things: tuple[str, ...]) -> None:
        """Take what is ruled out; narrower and other names of it count as well."""
        self.things = things
        names = [name for thing in things for name in (thing, *narrower(thing))]
        self._pattern = re.compile("|".join(map(_loosely, names)), re.IGNORECASE) if names else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def matches(self, text: str) -> bool:
        """Tell whether a text (blanks between words aside) names something ruled out without ruling it out itself."""
        if self._pattern is None:
            return False
        joined = re.sub(r"(?<![A-Za-z])\s+|\s+(?![A-Za-z])", "", text)
        return any(
            not _NEGATED_BEFORE.search(joined, max(0, match.start() - 6), match.start())
            for match in self._pattern.finditer(joined)
        )


def _loosely(name: str) -> str:
    """Return a pattern of a name: 锂电池 also represents 锂离子电池, 锂动力电池."""
    if re.fullmatch(r"[\u4e00-\u9fff]{3,8}", name):
        return re.escape(name[:-2]) + r"[\u4e00-\u9fff]{0,4}" + re.escape(name[-2:])
    return re.escape(name)
