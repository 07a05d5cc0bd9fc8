"""From an answer to what it changes: question ids say what was asked, so that an answer needs no memory of the asking."""

import math
import re
from datetime import datetime

from data.errors import InputError
from data.records import Demand
from data.store.clarifications import Clarification, Clarified
from data.text.normalise import normalise
from knowledge_graph.taxonomy.regions import load_regions
from matcher.collection.columns import MODE_FAMILIES

UNCLEAR = "不清楚"
MAX_ANSWER = 60  # characters
COOPERATION = ("委托开发", "合作开发", "转让", "许可", "入股", "咨询服务")
ELEMENT_QUESTIONS = {
    "material": "您要处理或使用的主要材料（对象）是什么？",
    "method": "您正在使用或倾向于哪种方法、工艺？",
    "effect": "您最看重哪项效果或指标？",
    "product": "您需要的产品或设备最接近哪一种？",
    "application": "这项技术将用在什么场合？",
}
LIMIT_QUESTIONS = {
    "budget": "预算上限大约是多少万元？",
    "region": "您在哪个地区？（用来优先推荐附近的成果）",
    "maturity": "技术至少要成熟到什么程度？",
    "cooperation": "您希望以什么方式合作？",
}
MATURITY = {4: "实验室验证即可（4级）", 6: "至少完成中试（6级）", 8: "必须已工程应用（8级）"}
SIGNS = {"ge": "≥", "le": "≤"}
_SIGN_WORDS = {"ge": "不低于", "le": "不超过"}
_THRESHOLD = re.compile(r"threshold:(?P<op>ge|le):(?P<unit>[^:\x00-\x1f]{0,20}):(?P<parameter>[^\x00-\x1f]{1,40})")
_NUMBER = re.compile(r"[-+]?\d{1,12}(?:\.\d{1,8})?")


def threshold_id(parameter: str, op: str, unit: str) -> str:
    """Return the id of the question for a limit (`op` ge or le) of a parameter in a unit."""
    return f"threshold:{op}:{unit.replace(':', ' ')[:20]}:{parameter[:40]}"


def question_text(question_id: str) -> str:
    """Return the question that an id represents, in plain Chinese.

    Raises:
        InputError: the id represents none.

    """
    kind, _, name = question_id.partition(":")
    if len(question_id) > 128 or not question_id.isprintable():
        name = ""
    if kind == "element" and name in ELEMENT_QUESTIONS:
        return ELEMENT_QUESTIONS[name]
    if kind == "limit" and name in LIMIT_QUESTIONS:
        return LIMIT_QUESTIONS[name]
    if kind == "sense" and 0 < len(name) <= MAX_ANSWER:
        return f"您说的“{name}”指的是哪一方面？"
    if name and (match := _THRESHOLD.fullmatch(question_id)):
        unit = f"（{match['unit']}）" if match["unit"] else ""
        return f"您要求“{match['parameter']}”{_SIGN_WORDS[match['op']]}多少{unit}？"
    raise InputError(
        f"there is no question {question_id[:80]!r}; take an id from the questions that were asked",
        f"没有编号为“{question_id[:80]}”的问题；请使用所提问题的编号",
    )


def read_answer(question_id: str, answer: str) -> Clarified:
    """Return what an answer changes in the demand's structured part; `UNCLEAR` changes nothing.

    Raises:
        InputError: there is no such question, or the answer does not fit it; the error says what would.

    """
    question_text(question_id)
    answer_text = normalise(answer)
    if not answer_text or len(answer_text) > MAX_ANSWER:
        raise InputError(
            f"an answer has 1 to {MAX_ANSWER} characters, this one has {len(answer_text):,}; or say {UNCLEAR}",
            f"回答须为 1 至 {MAX_ANSWER} 字，现为 {len(answer_text)} 字；也可回答“{UNCLEAR}”",
        )
    if answer_text == UNCLEAR:
        return Clarified()
    kind, _, name = question_id.partition(":")
    if kind == "element":
        return Clarified(keywords=(answer_text,))
    if kind == "sense":
        return Clarified(keywords=tuple(part for part in re.split(r"[、；;,/]", answer_text) if part.strip()))
    if match := _THRESHOLD.fullmatch(question_id):
        return Clarified(keywords=(f"{match['parameter']}{SIGNS[match['op']]}{_number(answer_text):g}{match['unit']}",))
    return _limit(name, answer_text)


def clarification(demand: Demand, question_id: str, answer: str, actor: str, at: datetime) -> Clarification:
    """Return the answer to a question about a demand, ready to be stored.

    Raises:
        InputError: there is no such question, or the answer does not fit it.

    """
    return Clarification(
        demand_id=demand.demand_id,
        question_id=question_id,
        question=question_text(question_id),
        answer=normalise(answer),
        changes=read_answer(question_id, answer),
        actor=actor,
        answered_at=at,
    )


def _limit(name: str, answer_text: str) -> Clarified:
    if name == "budget":
        amount = _number(answer_text.removesuffix("元").removesuffix("万"))
        if amount < 0:
            raise InputError(
                f"the budget {answer_text!r} is below 0; give it in 万元, such as 50",
                f"预算“{answer_text}”小于 0；请以万元填写，例如 50",
            )
        return Clarified(budget_max=amount)
    if name == "maturity":
        level = next((level for level, label in MATURITY.items() if label == answer_text), None) or int(
            _number(answer_text)
        )
        if not 1 <= level <= 9:
            raise InputError(
                f"the maturity {answer_text!r} is no level from 1 to 9", f"成熟度“{answer_text}”不是 1 至 9 级"
            )
        return Clarified(trl_min=level)
    if name == "cooperation":
        modes = tuple(part for part in re.split(r"[、；;,/]", answer_text) if part.strip())
        for mode in modes:
            if mode not in MODE_FAMILIES:
                known = "、".join(COOPERATION)
                raise InputError(
                    f"the way of cooperation {mode!r} is unknown; known: {known}",
                    f"没有合作方式“{mode}”；可选：{known}",
                )
        return Clarified(cooperation_modes=modes)
    regions = load_regions()
    code = int(answer_text) if re.fullmatch(r"[0-9]{6}", answer_text) else regions.find(answer_text)
    if not regions.name(code):
        raise InputError(
            f"unknown region {answer_text!r}; give a name such as 郑州市 or a code such as 410100",
            f"没有地区“{answer_text}”；请填写名称（如郑州市）或代码（如 410100）",
        )
    return Clarified(region=f"{code:06d}")


def _number(answer_text: str) -> float:
    match = _NUMBER.search(answer_text)
    value = float(match.group()) if match else math.nan
    if not math.isfinite(value):
        raise InputError(
            f"the answer {answer_text!r} holds no number; give one, or say {UNCLEAR}",
            f"回答“{answer_text}”中没有数字；请填写数字，或回答“{UNCLEAR}”",
        )
    return value
