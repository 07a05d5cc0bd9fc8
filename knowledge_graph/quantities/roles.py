"""The part a quantity plays: must the solution meet it, is it today's state, or the firm's business?"""

import re
from bisect import bisect_right

from knowledge_graph.quantities.types import Op, Role, Side

_SECTION = re.compile(
    r"(?P<current>现有(?:的)?(?:工作|研究|技术)?基础|(?:前期)?(?:工作|研究)基础|研究现状|技术现状|目前现状|现状|存在(?:的)?(?:主要)?问题|企业技术背景|技术背景|背景|难题|技术难点|(?:拟|需要?|希望)解决的?(?:关键)?(?:技术)?(?:难题|问题))"
    r"|(?P<business>(?:公司|企业|单位)(?:简介|概况|介绍|基本情况)|(?:项目|经费|资金|投资)预算|经济效益|社会效益|预期效益|投资(?:概算|规模)|资金需求)"
    r"|(?P<requirement>(?:预期|项目|合作|研发|总体|技术|希望达到的?)目标|(?:主要|技术|考核|性能|经济|预期)?(?:技术)?(?:指标|参数|要求)|需求内容|技术需求|需求描述|希望达到|验收标准|具体要求|主要研发内容|研究内容|项目内容|揭榜内容|预期成果|需求背景)"
)
_HEADING_END = re.compile(r"\s{0,2}(?:及[\u4e00-\u9fff]{1,8}|[(（][^()（）\n]{1,12}[)）])?\s{0,2}(?:[:：\n]|$|\s)")
_BUSINESS_UNIT = re.compile(r"^(?:[万亿]?(?:元|美元|欧元|人民币|RMB)|人|名|位|家|户|人次)$")
_BUSINESS_WORD = re.compile(
    r"员工|职工|人员|学历|职称|博士|硕士|本科|高工|工程师|教授|专家|团队|产值|销售|营业|收入|利税|税收|利润|注册|资金|资产|投资|投入|费用|经费|预算|专利|著作权|软著|"
    r"论文|标准|课题|生产线|占地|建筑面积|厂房|面积|成立|历史|经验|荣誉|奖|资质|中心|基地|实验室|市场(?:份额|占有率|规模)|出口|订单|客户|用户|产能|产量|年产|年利|连续\d*年|设备|车间|分公司|子公司|高新|"
    r"工业化|产业化|示范|创业|创收|创汇|效益|增收|上市|采购|合作|培养|培训|售价|周期|工期|期限"
)
_TIME_UNIT = re.compile(r"^(?:年|个月|月|周年)$")
_CURRENT_WORD = re.compile(
    r"目前|现有|现在|当前|现阶段|已(?!知|拟)|传统|常规|国内|国外|原有|原来|以往|过去|市场上|通常|一般|现行|存在|问题|缺陷|不足|只能|仅能|仅为|仅有|"
    r"往往|容易|导致|造成|高达|多年来|我司生产|我公司生产|公司生产|拥有|达不到|无法|难以|每年"
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


def features(
    text: str, start: int, end: int, parameter: str, unit: str, op: Op, section: str, title: bool
) -> dict[str, float]:
    """Return what the role of a demand's quantity is judged by, name to value."""
    before, after = sentence_of(text, start, end)
    near = before[-30:] + parameter
    found = {
        "bias": 1.0,
        "title": float(title),
        "unit_business": float(bool(_BUSINESS_UNIT.match(unit))),
        "unit_time": float(bool(_TIME_UNIT.match(unit))),
        "unit_counted": float(unit in "个项条台套件家种次批座篇"),
        "unit_none": float(not unit),
        "business_word": float(bool(_BUSINESS_WORD.search(parameter))),
        "business_near": float(bool(_BUSINESS_WORD.search(before[-16:] + parameter + after[:8]))),
        "current_word": float(bool(_CURRENT_WORD.search(before))),
        "current_near": float(bool(_CURRENT_WORD.search(near))),
        "requirement_word": float(bool(_REQUIREMENT_WORD.search(before))),
        "requirement_near": float(bool(_REQUIREMENT_WORD.search(near))),
        "bound": float(op in ("ge", "le", "gt", "lt")),
        "change": float(op in ("increase", "decrease", "times")),
    }
    if section:
        found[f"section_{section}"] = 1.0
    return found


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


def supply_role(text: str, start: int, end: int, parameter: str, unit: str, op: Op) -> Role:
    """Return achieved, setting or other for a quantity of an achievement's text."""
    before, after = sentence_of(text, start, end)
    near = before[-14:] + parameter
    score = 0.0
    if op in ("increase", "decrease", "times"):
        score += 1.5
    if op in ("ge", "gt"):
        score += 0.5
    score += 1.2 * bool(_ACHIEVED_WORD.search(near)) + 0.5 * bool(
        re.search(r"结果|表明|显示|本发明的|制得的|所得", before)
    )
    score -= 1.2 * bool(_SETTING_WORD.search(near + after[:6])) + 0.6 * bool(
        re.search(r"步骤|方法|包括|含|份|按", before)
    )
    score -= 0.8 * (
        unit in ("份", "℃", "°C", "h", "min", "小时", "分钟", "目", "倍", "种", "个", "次", "道次", "代", "天", "d")
    )
    if re.fullmatch(r"[Pp]", parameter.strip()) and unit == "":
        return "other"
    return "achieved" if score > 0.3 else "setting"


def demand_role(found: dict[str, float], weights: dict[Role, dict[str, float]]) -> Role:
    """Return the likeliest role of a demand's quantity under linear `weights`, feature name to weight for each role."""
    return max(weights, key=lambda role: sum(weights[role].get(name, 0.0) * value for name, value in found.items()))


WEIGHTS: dict[Role, dict[str, float]] = {
    "requirement": {
        "bias": 0.6, "title": 2.0, "section_requirement": 1.2, "requirement_word": 0.8, "requirement_near": 0.8, "bound": 0.8,
        "change": 0.6, "section_business": -1.0,
    },
    "current": {
        "bias": 0.2, "section_current": 0.9, "current_word": 0.8, "current_near": 0.7, "section_requirement": -0.3, "bound": -0.2,
    },
    "business": {
        "bias": -1.0, "unit_business": 3.0, "unit_time": 1.2, "unit_counted": 0.6, "business_word": 1.8, "business_near": 1.0,
        "section_business": 1.2, "section_current": 0.4, "bound": -0.5,
    },
}  # fmt: skip


def role_of(
    side: Side, text: str, start: int, end: int, parameter: str, unit: str, op: Op, sections: Sections, title: bool
) -> Role:
    """Return the role of the quantity at [start, end) of folded `text`."""
    if side == "supply":
        return supply_role(text, start, end, parameter, unit, op)
    found = features(text, start, end, parameter, unit, op, sections.kind(start), title)
    return demand_role(found, WEIGHTS)
