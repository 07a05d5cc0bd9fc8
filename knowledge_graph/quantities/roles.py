"""The part a quantity plays: must the solution meet it, is it today's state, the firm's business; reached, set, or other."""

import json
import re
from bisect import bisect_right
from functools import lru_cache
from importlib import resources

from data.text.segment import words as split
from knowledge_graph.quantities.types import Op, Quantity, Role, Side

Weights = dict[Role, dict[str, float]]

_SECTION = re.compile(
    r"(?P<current>现有(?:的)?(?:工作|研究|技术)?基础|(?:前期)?(?:工作|研究)基础|研究现状|技术现状|目前现状|现状|存在(?:的)?(?:主要)?问题|企业技术背景|技术背景|背景|难题|技术难点|(?:拟|需要?|希望)解决的?(?:关键)?(?:技术)?(?:难题|问题))"
    r"|(?P<business>(?:公司|企业|单位)(?:简介|概况|介绍|基本情况)|(?:项目|经费|资金|投资)预算|经济效益|社会效益|预期效益|投资(?:概算|规模)|资金需求)"
    r"|(?P<requirement>(?:预期|项目|合作|研发|总体|技术|希望达到的?)目标|(?:主要|技术|考核|性能|经济|预期)?(?:技术)?(?:指标|参数|要求)|需求内容|技术需求|需求描述|希望达到|验收标准|具体要求|主要研发内容|研究内容|项目内容|揭榜内容|预期成果|需求背景)"
)
_HEADING_END = re.compile(r"\s{0,2}(?:及[\u4e00-\u9fff]{1,8}|[(（][^()（）\n]{1,12}[)）])?\s{0,2}(?:[:：\n]|$|\s)")
_BUSINESS_WORD = re.compile(
    r"员工|职工|人员|学历|职称|博士|硕士|本科|高工|工程师|教授|专家|团队|产值|销售|营业|收入|利税|税收|利润|注册|资金|资产|投资|投入|费用|经费|预算|专利|著作权|软著|"
    r"论文|标准|课题|生产线|占地|(?:建筑|厂房|种植)面积|厂房|成立|历史|经验|荣誉|奖|资质|中心|基地|实验室|市场(?:份额|占有率|规模)|出口|订单|客户|用户|产能|产量|年产|年利|连续\d*年|设备设施|车间|分公司|子公司|高新|"
    r"工业化|产业化|创收|创汇|效益|增收|上市|采购|合作|培养|培训|售价|周期|工期|期限"
)
_TIME_UNIT = re.compile(r"^(?:年|个月|月|周年)$")
_CURRENT_WORD = re.compile(
    r"目前|现有|现在|当前|现阶段|已(?!知|拟)|传统|常规|国内|国外|原有|原来|以往|过去|市场上|通常|一般|现行|存在|问题|缺陷|不足|只能|仅能|仅为|仅有|"
    r"往往|容易|导致|造成|高达|多年来|比较[高低大小多]|[较偏过太][高低大小多长]|有的|局部|产生|产出|排放|发生|接触|会产生|损失|浪费|老化|我司生产|我公司生产|公司生产|拥有|达不到|无法|难以|每年"
)
_REQUIREMENT_WORD = re.compile(
    r"需要?|要求|希望|期望|目标|预期|拟|实现|达到|满足|应|必须|能够|可以|不(?:得|能|应)|解决|开发|研发|研制|提供|寻求|力争|确保|保证|控制在|提高到|降到|降至|降低到|适用|适应|设计|突破"
)
_SOFT = re.compile(r"[。；;\n!！?？]")


class Sections:
    """Headed sections of a text: which kind of section holds a position."""

    def __init__(self, text: str) -> None:
        found = [
            (match.start(), match.lastgroup or "")
            for match in _SECTION.finditer(text)
            if _HEADING_END.match(text, match.end())
        ]
        self._starts = [start for start, _ in found]
        self._kinds = [kind for _, kind in found]

    def kind(self, position: int) -> str:
        """Return requirement, current, business, or "" before the first heading."""
        place = bisect_right(self._starts, position) - 1
        return self._kinds[place] if place >= 0 else ""


def sentence_of(text: str, start: int, end: int) -> tuple[str, str]:
    """Return what the sentence around [start, end) says before and after it, at most 80 characters each."""
    before = text[max(0, start - 80) : start]
    cut = [match.end() for match in _SOFT.finditer(before)]
    after = text[end : end + 60]
    stop = _SOFT.search(after)
    return before[cut[-1] :] if cut else before, after[: stop.start()] if stop else after


_SETTING_WORD = re.compile(
    r"加热|升温|保温|搅拌|反应|浸泡|干燥|烘干|煅烧|焙烧|烧结|退火|淬火|冷却|静置|离心|转速|过筛|目筛|添加|加入|混合|配比|重量份|质量份|质量比|摩尔比|组成|含有|按重量|按质量|余量|"
    r"处理|条件下|温度为|温度下|压力为|浓度为|溶液|原料|设置|设定|试验设|间距|施|培养|接种|热轧|固溶|焊接|脱色|水浴|煎煮|超声|粒径|厚度|直径|长度|宽度|高度|孔径|步骤|样品|剂量|灌胃|注射|每组|分为|重复"
)
_ACHIEVED_WORD = re.compile(
    r"抗拉|强度|延伸|韧性|硬度|效率|收率|产率|得率|去除率|回收率|转化率|准确率|精度|精密度|误差|灵敏度|检出限|检测限|寿命|稳定性|导热|导电|电导|比容量|容量|容量保持|密度达|纯度|纯化|提高|提升|降低|减少|"
    r"缩短|增加|节约|节能|达到|可达|高达|仅为|优于|结果|表明|显示|得到|获得|所得|制得|实现|保留率|利用率|合格率|成活率|增产|有效率|治愈率|F1|召回率|AUC|速度|带宽|增益|功耗|断裂|粘度|纤度|吸附量|透过率|能耗"
)
_OTHER_WORD = re.compile(
    r"对照|传统|现有技术|P\s?$|比(?:对照|传统)|未处理|目前|近年|全球|我国|世界|据统计|每年|患者|例|病例|年龄|调查|问卷|和\s?$"
)


_CUES = {
    "demand": {"current": _CURRENT_WORD, "requirement": _REQUIREMENT_WORD, "business": _BUSINESS_WORD},
    "supply": {"setting": _SETTING_WORD, "achieved": _ACHIEVED_WORD, "other": _OTHER_WORD},
}
_UNIT_KINDS = {
    "money": re.compile(r"^(?:[万亿]?(?:元|美元|欧元|人民币|RMB))$"),
    "people": re.compile(r"^(?:人|名|位|家|户|人次)$"),
    "calendar": _TIME_UNIT,
    "counted": re.compile(r"^(?:个|项|条|台|套|件|种|次|批|座|篇|组|只|辆|头|张)$"),
    "land": re.compile(r"^(?:亩|公顷|平方米|平米|㎡|m2)$"),
    "bulk": re.compile(r"^(?:吨|吨/年|万吨|t/a|瓶|瓶/年|件/年|台/年|套/年)$"),
    "process": re.compile(
        r"^(?:℃|°C|h|min|小时|分钟|d|天|目|份|倍|r/min|rpm|转/分|道次|代|s|秒|mL|ml|g|mg|mg/kg|kg/hm2)$"
    ),
    "percent": re.compile(r"^[%％]$"),
    "none": re.compile(r"^$"),
}
_COMPARED = re.compile(r"对照|未处理|传统|基准|游离|相比")
_ELEMENT = re.compile(r"^(?:[A-Z][a-z]?|[A-Z][a-z]?[A-Z\d][A-Za-z\d]{0,6})$")
_WHEN = re.compile(r"[^。；;]{0,30}?时")
_THEN = re.compile(r"时[,，][^，,。]{0,30}$|(?:条件下|此时|最终|从而)[^。]{0,40}$")
_CONDITION = re.compile(r"^\s{0,2}(?:的?条件下|下|时|后|以上的?条件|左右的?条件)")


def features(
    side: Side, text: str, start: int, end: int, parameter: str, unit: str, op: Op, section: str, title: bool
) -> dict[str, float]:
    """Return what the role of the quantity at [start, end) of folded `text` is judged by, name to value."""
    before, after = sentence_of(text, start, end)
    clause = re.split(r"[，,；、:(]", before)[-1] + " " + parameter
    found = {"bias": 1.0, f"op_{op}": 1.0}
    if title:
        found["title"] = 1.0
    if side == "demand":
        found[f"section_{section or 'none'}"] = 1.0
    for kind, pattern in _UNIT_KINDS.items():
        if pattern.match(unit):
            found[f"unit_{kind}"] = 1.0
    if op in ("ge", "le", "gt", "lt"):
        found["bound"] = 1.0
    if side == "demand" and "unit_calendar" in found and re.match(r"[以之]?内", after):
        found["within_time"] = 1.0
    if _PAPERS.search(before[-8:] + parameter):
        found["papers"] = 1.0
    found |= _cues(side, before, after, clause, parameter)
    found |= _place(side, text, start, end, before, after)
    found |= _words_around(text, start, before, after, parameter, unit)
    if side == "demand":
        found |= _sure_signs(found, before, after, parameter, unit)
        near = before[-30:] + parameter
        return found | _demand_rules(before, after, near, parameter, unit, op, section, title)
    found["rule_achieved"] = _supply_rule(before, after, parameter, unit, op)
    return found | _supply_signs(text, start, end, before, after, clause, parameter)


def _cues(side: Side, before: str, after: str, clause: str, parameter: str) -> dict[str, float]:
    """Return the words of each role by position, and the role of the nearest one before the number."""
    found: dict[str, float] = {}
    nearest, where = "none", -1
    for kind, pattern in _CUES[side].items():
        last = max((match.start() for match in pattern.finditer(before)), default=-1)
        places = {"clause": clause, "parameter": parameter, "sentence": before, "after": after[:12]}
        found |= {f"{place}_{kind}": 1.0 for place, words in places.items() if pattern.search(words)}
        if last > where:
            nearest, where = kind, last
    found[f"nearest_{nearest}"] = 1.0
    return found


_NATIONAL = re.compile(
    r"我国|全国|全球|世界|国际|国内|行业|据统计|据.{0,6}(?:报道|调查|数据)|研究表明|近年|过去|每年|以来|占(?:全|总|社会|世界)|人口|市场上|普遍|发达国家|资料|随着|预计到|总量|传统|一般|通常|往往|若|如果|统计|(?:实验|试验|研究|实践)(?:证明|表明)|每(?:减少|增加|提高|降低|上升|下降)"
)
_FAILS = re.compile(r"无法|不能|难以|达不到|不足|偏[高低大小]|过[高低大小]|严重|以致|导致")
_SCHEDULE = re.compile(
    r"合同|签订|生效|周期|工期|期限|内完成|交付|交货|验收|努力|时间内|启动|立项|阶段|计划|分.{1,3}期|[年月]内|力争|完成"
)
_WISH = re.compile(
    r"需求|要求|希望|期望|目标|指标|拟(?:研发|解决|开发)?|寻求|急需|亟需|需要|应(?:达|满足)|实现|开发|研发|研制|力争|参数|适用|达到|降[到至低]|提高到|预期|解决"
)
_TODAY = re.compile(
    r"目前|现有|现在|当前|已(?:经|建|投|完成|获|有|取得)|存在|问题|现状|基础|我国|国内|传统|常规|原有|主要(?:从事|生产)|成立|拥有|产生|过去|随着|公司是|缺点|不足|瓶颈|难"
)
_PAPERS = re.compile(r"专利|论文|软著|著作权|成果鉴定|标准[制\d]|博士|硕士|研究生|奖")
_LIST_LINE = re.compile(r"^\s{0,4}(?:[(（]?\d{1,2}[)）、.．]|[①-⑳]|[-*·●])")
_CARRIES = re.compile(r"[:：]\s{0,2}$")


_WORD_WEIGHS = 0.5  # of a word beside 1 of a sign: words are many and each is seen seldom


def _words_around(text: str, start: int, before: str, after: str, parameter: str, unit: str) -> dict[str, float]:
    """Return the words near a quantity, each by the place where it is."""
    places = {
        "near": before[-24:],
        "before": before[:-24],
        "after": after[:12],
        "name": parameter,
        "earlier": text[max(0, start - 160) : start - len(before)],
    }
    found = {f"{place}:{word}": _WORD_WEIGHS for place, words in places.items() for word in split(words)}
    return found | {f"unit:{unit}": _WORD_WEIGHS, "position": _WORD_WEIGHS * start / len(text)}


def _place(side: Side, text: str, start: int, end: int, before: str, after: str) -> dict[str, float]:
    """Return what the wider place of a quantity says: its line, and the last wish and the last state stated before it."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    stop = text.find("\n", end)
    whole = len(line) + (end - start) + ((len(text) if stop < 0 else stop) - end)
    signs = {
        "listed": _LIST_LINE.match(line),
        "line_short": whole <= 30,
        "line_long": whole > 150,
        "colon": _CARRIES.search(before),
        "late": start > 0.66 * len(text),
        "early": start < 0.33 * len(text),
    }
    if side == "demand":
        past = text[max(0, start - 400) : start]
        wish = max((match.end() for match in _WISH.finditer(past)), default=0)
        today = max((match.end() for match in _TODAY.finditer(past)), default=0)
        signs |= {
            "national": _NATIONAL.search(before),
            "national_line": _NATIONAL.search(line[-200:]),
            "schedule": _SCHEDULE.search(before[-14:] + after[:10]),
            "wish_last": wish > today,
            "today_last": today > wish,
            "wish_near": bool(wish) and len(past) - wish <= 60,
            "today_near": bool(today) and len(past) - today <= 60,
            "wish_never": not _WISH.search(text[:start]),
            "fails": _FAILS.search(after[:30]),
            "ours": re.search(r"(?:公司|我[司厂们院]|本厂|企业|现场)(?:[^，。；,;]{0,12})?$", before),
            "told": _NATIONAL.search(before) and not _WISH.search(before),
            "state": _TODAY.search(before) and not _WISH.search(before),
            "wish_here": _WISH.search(before) and not _TODAY.search(before),
        }
    return {name: float(bool(sign)) for name, sign in signs.items()}


_LIFE = re.compile(r"寿命|质保|保质|货架|储存|贮存|保存|保鲜|使用|稳定|连续|运行|老化|耐|检修|维护|续航|回收期|生育期")
_COST = re.compile(r"成本|价格|售价|单价|造价|费用低|电价|能耗")
_FUNDS = re.compile(r"资金|经费|费用|投资|投入|预算|产值|营收|收入|利润|利税|税收|销售额|营业额|资产|注册")
_STAFF = re.compile(r"员工|职工|人员|职称|学历|博士|硕士|工程师|团队|教授|专家|高工|骨干")
_FACTS_WEIGH = 3.0  # what a sign that leaves no doubt counts, beside 1 for others


def _sure_signs(found: dict[str, float], before: str, after: str, parameter: str, unit: str) -> dict[str, float]:
    """Return signs that leave little doubt: time limits, funds, staff and papers; facts of a country or trade."""
    near = before[-12:] + parameter
    calendar = "unit_calendar" in found and not _LIFE.search(near + after[:8])
    money = ("unit_money" in found or not unit) and _FUNDS.search(near) and not _COST.search(near)
    signs = {
        "sure_time": calendar,
        "sure_limit": calendar and ("within_time" in found or _SCHEDULE.search(near + after[:8])),
        "sure_money": money or ("unit_money" in found and not _COST.search(near)),
        "sure_staff": "unit_people" in found and _STAFF.search(near + after[:6]),
        "sure_papers": "papers" in found,
        "sure_state": re.match(r"\s?(?:就|便|才能|都不)", after),
        "sure_told": found.get("told") and not found.get("wish_here"),
    }
    return {name: _FACTS_WEIGH for name, sign in signs.items() if sign}


_BUDGET = re.compile(r"预算|经费|资金|投资|投入|(?<!运行)(?<!处理)(?<!维护)费用|月薪|年薪|工资|薪")
_DELIVERY = re.compile(r"交货|交付|完成|验收|工期|交期|招聘|招")
_TIME = re.compile(r"^(?:天|日|周|星期|个星期|个月|月|年|周年)$")


def _never_required(text: str, start: int, end: int, parameter: str, unit: str, quote: str) -> bool:
    """Tell whether a figure of a demand is none of the solution's: a budget, a date of delivery, hands to hire."""
    near, after = text[max(0, start - 6) : start] + parameter, text[end : end + 5]
    money = _UNIT_KINDS["money"].match(unit) or (not unit and quote.rstrip("以之内下左右多余").endswith(("万", "亿")))
    if money:
        return _BUDGET.search(near) is not None and _COST.search(near) is None
    if _TIME.match(unit):
        late = _DELIVERY.search(near) is not None and _LIFE.search(near) is None
        return late or _DELIVERY.search(after) is not None
    return re.search(r"招聘?[^，。]{0,3}$", near) is not None


def _supply_signs(
    text: str, start: int, end: int, before: str, after: str, clause: str, parameter: str
) -> dict[str, float]:
    """Return further features of an achievement's quantity: compositions, conditions, comparisons, results."""
    signs = {
        "element": _ELEMENT.match(parameter),
        "when": "当" in before and _WHEN.match(after),
        "then": _THEN.search(before),
        "list": "分别" in clause,
        "condition": _CONDITION.match(text[end : end + 8]),
        "compared": _COMPARED.search(clause),
        "result": re.search(r"结果|表明|显示|制得的|所得|本发明的|可达|达到", before),
        "method": re.search(r"步骤|方法|包括|含|按|将|采用|设", before),
        "and_other": re.search(r"和\s{0,2}$", text[max(0, start - 3) : start]),
        "no_parameter": not parameter,
        "p_value": parameter.strip().lower() == "p",
    }
    return {name: float(bool(sign)) for name, sign in signs.items()}


def _demand_rules(
    before: str, after: str, near: str, parameter: str, unit: str, op: Op, section: str, title: bool
) -> dict[str, float]:
    """Return what plain rules say for each role: the expert's opinion that the weights start from."""
    bound, change = op in ("ge", "le", "gt", "lt"), op in ("increase", "decrease", "times")
    wanted = bool(_REQUIREMENT_WORD.search(before)) + bool(_REQUIREMENT_WORD.search(near))
    today = bool(_CURRENT_WORD.search(before)) + bool(_CURRENT_WORD.search(near))
    firm = 1.8 * bool(_BUSINESS_WORD.search(parameter))
    firm += bool(_BUSINESS_WORD.search(before[-16:] + parameter + after[:8]))
    firm += 3.0 * bool(_UNIT_KINDS["money"].match(unit) or _UNIT_KINDS["people"].match(unit))
    firm += 1.2 * bool(_UNIT_KINDS["calendar"].match(unit)) + 0.6 * bool(_UNIT_KINDS["counted"].match(unit))
    headed = {"requirement": (1.2, -0.3, 0.0), "current": (0.0, 0.9, 0.4), "business": (-1.0, 0.0, 1.2)}
    plus = headed.get(section, (0.0, 0.0, 0.0))
    return {
        "rule_requirement": 0.6 + 2.0 * title + 0.8 * wanted + 0.8 * bound + 0.6 * change + plus[0],
        "rule_current": 0.2 + 0.75 * today - 0.2 * bound + plus[1],
        "rule_business": firm - 1.0 - 0.5 * bound + plus[2],
    }


def _supply_rule(before: str, after: str, parameter: str, unit: str, op: Op) -> float:
    """Return what plain rules say for achieved and against setting."""
    near = before[-14:] + parameter
    score = 1.5 * (op in ("increase", "decrease", "times")) + 0.5 * (op in ("ge", "gt"))
    score += 1.2 * bool(_ACHIEVED_WORD.search(near)) + 0.5 * bool(
        re.search(r"结果|表明|显示|本发明的|制得的|所得", before)
    )
    score -= 1.2 * bool(_SETTING_WORD.search(near + after[:6])) + 0.6 * bool(
        re.search(r"步骤|方法|包括|含|份|按", before)
    )
    return score - 0.8 * bool(_UNIT_KINDS["process"].match(unit)) - 0.3


@lru_cache(maxsize=1)
def load_weights() -> dict[str, Weights]:
    """Return the shipped weights: side, role, feature to weight; `gongxu lab constraints fit-roles` makes them."""
    path = resources.files("knowledge_graph.quantities") / "lexicon" / "role_weights.json"
    weights: dict[str, Weights] = json.loads(path.read_text(encoding="utf-8"))
    return weights


def role_of(side: Side, text: str, quantity: Quantity, found: dict[str, float], weights: Weights | None = None) -> Role:
    """Return the role of a quantity of folded `text` with the features `found`."""
    asked = quantity.parameter or ""
    if side == "demand" and _never_required(
        text, quantity.start, quantity.end, asked, quantity.unit, text[quantity.start : quantity.end]
    ):
        return "business"
    return likeliest(side, found, weights)


def likeliest(side: Side, found: dict[str, float], weights: Weights | None = None) -> Role:
    """Return the role of the greatest log-odds for features `found`, by the shipped weights unless others are given."""
    weights = load_weights()[side] if weights is None else weights
    return max(weights, key=lambda role: sum(weights[role].get(name, 0.0) * value for name, value in found.items()))
