"""Why a match has its place, in an operator's words: the ranker's contributions without its figures and its quirks."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcher.features.attributes import ATTRIBUTE
from matcher.recommendation import Reason

FOR, AGAINST, MIXED = "for", "against", "mixed"
SAID = 2  # causes in the sentence
WEIGHTY = 0.3  # of the strongest cause: what speaks against a match is said from here on
_PARTNERS = re.compile(r"需求“(.+?)”.成果“(.+?)”")
_RESULTS = {2: "已联系或被评为较强", 3: "已洽谈或被评为强", 4: "已成交"}
# What the evidence of a reason holds, the first that it has: this is what the reason speaks of.
_SUBJECTS = ("attribute", "cosine", "shared_terms", "partners", "paths", "grade", "mean_grade")
# The chip that states the same fact as an attribute, by its first two characters.
_CHIPS = {"price_to_budget": "报价", "trl_margin": "成熟"}
_GOOD_ABOVE_ZERO = ("region_level", "same_field", "mode_overlap", "industry_depth")
_IN_FAVOUR = {
    "cosine": "讲的是同一类问题",
    "paths": "技术上下游相连",
    "mean_grade": "这家企业对以往的推荐反响较好",
    "same_field": "技术领域相同",
    "industry_depth": "行业相近",
    "mode_overlap": "合作方式合得上",
}
_AGAINST = {
    "cosine": "整体讲的不完全是一回事",
    "shared_terms": "共同的专门术语不多",
    "partners": "需求的一些关键概念成果没有谈到",
    "paths": "技术上的关联较弱",
    "grade": "以往相近的一对没有谈成",
    "mean_grade": "这家企业对以往的推荐反响一般",
    "same_field": "技术领域不同",
    "mode_overlap": "合作方式不一致",
    "price_to_budget": "报价超出预算",
    "trl_margin": "成熟度低于要求",
}


@dataclass(frozen=True)
class Cause:
    """One contribution to a match's place: `tone` is for, against, or mixed where the list contradicts itself."""

    reason: Reason
    tone: str
    text: str


def tones_of(lists: Sequence[Sequence[Reason]]) -> list[list[str]]:
    """Return the tone of every reason of every match of a list.

    It is "for" or "against" as it weighs, and "mixed" where another match of the list has the same evidence, or better for
    what weighs in favour, with the opposite sign. A ranker weighs evidence against the rest of a pair, so that the same fact
    may count for one and against another; a reader who sees it green here and red there learns nothing from its colour.
    """
    favourable: dict[object, float] = defaultdict(lambda: float("inf"))  # least value that counts in favour
    adverse: dict[object, float] = defaultdict(lambda: float("-inf"))  # greatest that counts against
    for reason in (one for reasons in lists for one in reasons):
        key, value = _claim(reason)
        if reason.weight > 0:
            favourable[key] = min(favourable[key], value)
        else:
            adverse[key] = max(adverse[key], value)

    def tone(reason: Reason) -> str:
        key, value = _claim(reason)
        if reason.weight > 0:
            return FOR if value > adverse[key] else MIXED
        return AGAINST if value < favourable[key] else MIXED

    return [[tone(reason) for reason in reasons] for reasons in lists]


def _subject(reason: Reason) -> str:
    """Return what a reason speaks of: the name of an attribute, or what its evidence holds; "" for neither."""
    found = next((name for name in _SUBJECTS if name in reason.evidence), "")
    return str(reason.evidence["attribute"]) if found == "attribute" else found


def _claim(reason: Reason) -> tuple[object, float]:
    """Return what a reason speaks of, and how much of it there is: more is better."""
    subject, evidence = _subject(reason), reason.evidence
    if "attribute" in evidence:  # the values of both sides say all: the same ones cannot be good and bad
        return (subject, evidence.get("demand"), evidence.get("achievement")), 0.0
    value = evidence.get(subject, 0.0)
    return subject, float(len(value)) if isinstance(value, list) else _number(value)


def agreeing(reason: Reason, tone: str, facts: Mapping[str, str]) -> str:
    """Return the tone of a reason, mixed where the fact that it speaks of says the opposite.

    `facts` are the chips' statuses (met, missed, …) by the first two characters of their text.
    """
    subject = _subject(reason)
    if subject in _GOOD_ABOVE_ZERO:
        good = _number(reason.evidence.get("value", 0.0)) > 0
        return tone if tone == MIXED or good == (tone == FOR) else MIXED
    said = facts.get(_CHIPS.get(subject, ""), "")
    return MIXED if (said, tone) in (("met", AGAINST), ("missed", FOR)) else tone


def plain(reason: Reason) -> str:
    """Return a reason without figures that only statisticians read, and without a verdict of its own."""
    evidence = reason.evidence
    if "cosine" in evidence:
        return f"两段文字整体的相似度 {_number(evidence['cosine']):.2f}（0 到 1）"
    if "attribute" in evidence:
        label = ATTRIBUTE[_subject(reason)].label
        wanted, offered = evidence.get("demand"), evidence.get("achievement")
        return f"{label}：需求{wanted}，成果{offered}" if wanted else f"{label}：{offered or '–'}"
    return reason.text


def why_of(causes: Sequence[Cause], missed: int) -> str:
    """Return in one sentence what speaks for a match, and what against it where that weighs; "" without a ranker.

    `missed` is how many required figures it misses: that weighs more than all else.
    """
    if not causes:
        return ""
    weighty = WEIGHTY * max(abs(cause.reason.weight) for cause in causes)
    good = [text for cause in causes if cause.tone == FOR and (text := _in_favour(cause.reason))][:SAID]
    against = [one for one in reversed(causes) if one.tone == AGAINST and abs(one.reason.weight) >= weighty]
    bad = [text for cause in against if (text := _AGAINST.get(_subject(cause.reason), ""))][:1]
    if missed:
        bad = [f"有 {missed} 项指标未达到"]
    if not good:
        return f"{bad[0]}，仅供参考。" if bad else "与需求有一定关联，请看细节判断。"
    return "，".join(good) + (f"；不过{bad[0]}。" if bad else "。")


def _in_favour(reason: Reason) -> str:
    """Return a cause as a clause; "" for what chips show or no clause could say."""
    subject = _subject(reason)
    if subject == "shared_terms":
        words = _words(reason, subject)[:3]
        return f"双方都谈到{''.join(f'“{word}”' for word in words)}" if words else ""
    if subject == "partners":
        found = [pair.groups() for one in _words(reason, subject) if (pair := _PARTNERS.search(one))]
        return "、".join(f"需求的“{wanted}”对应成果的“{offered}”" for wanted, offered in found[:2])
    if subject == "grade":
        return f"以往相近的一对{_RESULTS.get(round(_number(reason.evidence['grade'])), '结果较好')}"
    return _IN_FAVOUR.get(subject, "")


def _words(reason: Reason, name: str) -> list[str]:
    found = reason.evidence.get(name, [])
    return [str(word) for word in found] if isinstance(found, list) else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
