"""The part a quantity plays: must the solution meet it, is it today's state, the firm's business; reached, set, or other."""

import json
import re
from bisect import bisect_right
from functools import lru_cache
from importlib import resources

from knowledge_graph.quantities.types import Op, Role, Side

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
    found |= _cues(side, before, after, clause, parameter)
    if side == "demand":
        near = before[-30:] + parameter
        return found | _demand_rules(before, after, near, parameter, unit, op, section, title)
    found["rule_achieved"] = _supply_rule(before, after, parameter, unit, op)
    return found | _supply_signs(text, start, end, before, after, clause, parameter)


def _cues(side: Side, before: str, after: str, clause: str, parameter: str) -> dict[str, float]:
    """Return which words of each role stand where, and of which role the nearest one before the number is."""
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
def load_weights() -> dict[str, dict[Role, dict[str, float]]]:
    """Return the shipped weights: side, role, feature to weight; `gongxu lab constraints fit-roles` makes them."""
    path = resources.files("knowledge_graph.quantities") / "lexicon" / "role_weights.json"
    weights: dict[str, dict[Role, dict[str, float]]] = json.loads(path.read_text(encoding="utf-8"))
    return weights


def likeliest(side: Side, found: dict[str, float]) -> Role:
    """Return the role of the greatest log-odds for features `found`."""
    weights = load_weights()[side]
    return max(weights, key=lambda role: sum(weights[role].get(name, 0.0) * value for name, value in found.items()))
