"""Clauses of a sentence, and what their words say: where a criterion ends, what is none, what needs judgement.

Three logistic models decide, each from signs (named patterns) and pairs of characters; `gongxu lab policies fit` makes their
weights.
"""

import json
import math
import re
from functools import lru_cache
from importlib import resources

Span = tuple[int, int]
Features = dict[str, float]
MODELS = ("boundary", "criterion", "hard")

_SIGNS = {
    "require": re.compile(r"应当?|须|必须|需(?!求)|要求|不得|不能|不予|原则上|一般"),
    "possess": re.compile(r"具有|具备|拥有|配备|设有|建有|持有|取得|获得|已被|认定|列入|纳入"),
    "register": re.compile(r"注册(?!资)|登记|成立|设立|注册地|纳税|法人"),
    "belong": re.compile(r"属于|符合|聚焦|领域|产业|行业"),
    "degree": re.compile(
        r"较[好强高大为多]|良好|健全|完善|完备|明显|显著|突出|稳定|清晰|明确|合理|规范|先进|成熟|优良|充分|一定|丰富|雄厚|有效|积极|可靠|高水平|高质量|高品质|领先|紧密|优质|完整|适[应宜用]|相[应关适匹]|必要|必需|重大|重要|强"
    ),
    "can": re.compile(r"能够?|可以?|有能力|能力"),
    "negative": re.compile(r"无|未|没有|不存在|不得|非|不具|不属"),
    "record": re.compile(r"记录|违法|违规|失信|事故|处罚|纠纷|黑名单|劣迹|侵权|侵犯|拖欠"),
    "definition": re.compile(r"是指|指的?是?|包括|以下简称|以下同|名单|详见|为准|参照|按照|根据|依据|视同|等同"),
    "process": re.compile(
        r"组织|提交|申报材料|审核|公示|发布|拨付|原则上每年|评审|初审|受理|适用本|负责(?!人)|不受|放宽|给予|享受|不予支持|优先|鼓励|重点支持|下达|核定|安排"
    ),
    "catch_all": re.compile(r"其他.{0,24}(?:条件|要求|规定|情形|的)$"),
    "one_of": re.compile(r"之一|或|任意一"),
    "quality": re.compile(
        r"意愿|意识|前景|潜力|优势|影响|效益|效果|成效|水平|贡献|作用|创新性|示范|特色|信誉|诚信|信用|知名|口碑|经验|竞争力|重视|坚持|积极|导向|精神"
    ),
    "document": re.compile(r"《|》|证书|许可证|资质|备案|合同|协议|标准|目录|名录|名单|证明"),
    "place": re.compile(r"本市|本省|北京|在京|全市|我市|市内|地区|区域|示范区|园区|行政区"),
    "facility": re.compile(r"场所|场地|设备|设施|仪器|平台|办公|机构|部门|制度|团队|队伍|人员|负责人"),
    "done": re.compile(r"已|完成|投入使用|开展|实施|签订|运营|经营"),
    "figure": re.compile(r"\d|[一二三四五六七八九十]+(?:年|个|名|项|家|人)以上"),
}
# what plain rules say: these weigh more than single words
_OPINIONS = {
    "catch_all": re.compile(r"(?:^|、)?其他[^，]{0,24}(?:条件|要求|规定|情形|的|单位)$"),
    "vague": re.compile(
        r"(?:良好|健全|完善|完备|较[好强高大为]|显著|突出|明确|清晰|合理|规范|稳定|优良|雄厚|丰富|紧密|先进性?|创新性?|可靠|成熟|能力强|水平高|一定的?[^，]{0,4}(?:规模|基础|能力|条件|影响|知名|优势)|专业化|市场化|完整的?|系统的?)"
    ),
    "able": re.compile(r"能力|能够|有效|有利于|有助于|发挥|带动|促进|推动|提升|实现"),
    "fact": re.compile(
        r"注册(?!资)|登记|法人|证书|许可|备案|资质|认定|名[录单]|已(?!经?具)|设[立有置]|部门|投入使用|完成|签[订约]|独立|持有|取得|获得|建有|纳入|列入|应为|应是|须为|属于|之一|不得|未(?!来)|无(?!形)|上市|合同|专利|知识产权"
    ),
    "meaning": re.compile(r"是指|指的是|^指|包括|视同|为准|适当放宽|不受|可申请|可享受"),
}
_BEGINS = {
    "or": re.compile(r"^(?:或|或者|以及)"),
    "and": re.compile(r"^(?:且|并|同时|及|还|而且)"),
    "among": re.compile(r"^其中"),
    "verb": re.compile(
        r"^(?:具有|具备|拥有|能够?|符合|属于|有|无|未|不|获得|取得|从事|建立|制定|开展|推动|产生|形成|对|为|在|按|于|经|由|以|与|至|持续)"
    ),
    "subject": re.compile(
        r"^[^，]{0,12}(?:企业|单位|机构|项目|团队|人员|园区|平台|产品|技术|主体|负责人|申请人|公司|街区|活动)"
    ),
    "time": re.compile(r"^(?:近|最近|上一?年度|每年|截至|自|当年|\d{4}年)"),
}
_ENDS = {
    "of": re.compile(r"的$"),
    "subject_end": re.compile(r"(?:企业|单位|机构|项目|单位|院所|学校|人员|方面|中|上|时|后|下|外|内|起|等)$"),
    "figure_end": re.compile(r"(?:以上|以下|以内|[%人家项件个年元名分])(?:\(含\))?$"),
    "state": re.compile(r"(?:良好|健全|完善|明确|清晰|显著|突出|稳定|规范|较强|较好|完备|明显|合理|先进|强|高|好|大)$"),
}


def split_clauses(text: str, start: int, end: int) -> list[Span]:
    """Return [start, end) of the clauses between commas of one sentence; commas inside brackets do not split."""
    found, level, low = [], 0, start
    for at in range(start, end):
        char = text[at]
        level = max(0, level + (char in "(（〔“") - (char in ")）〕”"))
        if char in "，," and level == 0 and not (text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()):
            found.append((low, at))
            low = at + 1
    found.append((low, end))
    return [(low, high) for low, high in found if text[low:high].strip()]


def _pairs(prefix: str, text: str) -> Features:
    plain = re.sub(r"[\d\s]+", "0", text)
    return {f"{prefix}:{plain[at : at + 2]}": 0.5 for at in range(len(plain) - 1)}


def clause_features(text: str, mode: str, *, first: bool, last: bool, figures: int, branch: str) -> Features:
    """Return what a clause or a run of clauses is judged by: signs, how it begins and ends, pairs of characters."""
    found: Features = {"bias": 1.0, f"mode_{mode}": 1.0, "figures": float(min(figures, 2)), "bound": float(figures > 0)}
    found["first"], found["last"] = float(first), float(last)
    found["branch"] = float(bool(branch))
    size = len(text)
    found["short"], found["long"] = float(size < 7), float(size > 40)
    for name, pattern in _SIGNS.items():
        if pattern.search(text):
            found[f"sign_{name}"] = 1.0
    for name, pattern in (_BEGINS | _ENDS).items():
        if pattern.search(text):
            found[f"edge_{name}"] = 1.0
    for name, pattern in _OPINIONS.items():
        if pattern.search(text):
            found[f"rule_{name}"] = 2.0
    return found | _pairs("c", text)


def boundary_features(before: str, after: str, figures_before: int, figures_after: int) -> Features:
    """Return what the comma between two clauses is judged by."""
    found: Features = {"bias": 1.0}
    found[f"figures_{min(figures_before, 1)}{min(figures_after, 1)}"] = 1.0
    for side, text in (("b", before), ("a", after)):
        for name, pattern in (_SIGNS | _BEGINS | _ENDS).items():
            if pattern.search(text):
                found[f"{side}_{name}"] = 1.0
        found[f"{side}_short"], found[f"{side}_long"] = float(len(text) < 7), float(len(text) > 30)
    degrees = [bool(_SIGNS["degree"].search(text) or _SIGNS["quality"].search(text)) for text in (before, after)]
    found[f"degrees_{degrees[0]:d}{degrees[1]:d}"] = 1.0
    return found | _pairs("e", before[-4:]) | _pairs("h", after[:4])


@lru_cache(maxsize=1)
def shipped_weights() -> dict[str, Features]:
    """Return the shipped weights: model, feature to weight."""
    path = resources.files("knowledge_graph.criteria") / "lexicon" / "clause_weights.json"
    weights: dict[str, Features] = json.loads(path.read_text(encoding="utf-8"))
    return weights


def probability(weights: Features, found: Features) -> float:
    """Return the logistic of the weighted sum of features, in (0, 1)."""
    score = sum(weights.get(name, 0.0) * value for name, value in found.items())
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))
