"""Steps by which a provider or a stale record leaves, each by a rule with an id, with notice, appeal and a way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from data.errors import InputError

Subject = Literal["provider", "record"]
Action = Literal["confirm", "appeal", "uphold", "reject", "reinstate"]
"""What somebody does: a provider confirms or appeals, the platform upholds or rejects an appeal, or reinstates."""
RULES = {
    "P1": "连续 180 天没有任何活动（更新、确认、成效、评价）",
    "P2": "某项评价的 95% 区间上限低于 2.5",
    "R1": "超过 365 天没有更新或确认",
}
PAUSE_DAYS = {"P1": 180, "R1": 365}
POOR = 2.5
BACK = "B1"
"""The rule by which a subject returns: its reason is gone, an appeal was upheld, or it was reinstated."""
NOTICES_BEFORE_EXIT = 2


@dataclass(frozen=True)
class Ladder:
    """States in their order, and the days between the notice of one and the next."""

    states: tuple[str, ...]
    days: tuple[int, ...]
    hidden_from: int  # records are out of answers from this state on
    returns_until: int  # a subject whose reason is gone returns by itself up to this state
    notices: tuple[str, ...]  # what is said with each step

    def place(self, state: str) -> int:
        """Return a state's place."""
        return self.states.index(state)

    def hides(self, state: str) -> bool:
        """Tell whether records are out of answers."""
        return self.place(state) >= self.hidden_from


LADDERS: dict[Subject, Ladder] = {
    "provider": Ladder(
        ("正常", "提醒", "观察", "暂停", "退出"),
        (0, 30, 30, 60),
        hidden_from=3,
        returns_until=2,
        notices=(
            "请在 30 天内更新资料或确认仍在服务，否则将转入观察。",
            "这是第二次通知：请在 30 天内更新资料、确认或提出申诉，否则将暂停展示。",
            "已暂停展示。可随时申诉或申请恢复；60 天后将退出。",
            "已退出。重新入驻请与平台联系。",
        ),
    ),
    "record": Ladder(
        ("正常", "询问", "隐藏", "归档"),
        (0, 30, 90),
        hidden_from=2,
        returns_until=3,
        notices=(
            "这条记录很久没有更新：请在 30 天内更新或确认仍然有效，否则将不再展示。",
            "已不再展示。确认后立即恢复，更新后在下次检查时恢复；90 天后归档。",
            "已归档。确认后恢复。",
        ),
    ),
}


@dataclass(frozen=True)
class Step:
    """One entry of a subject's history; `kind` is a record's, empty for a provider."""

    subject: Subject
    kind: str
    name: str
    state: str
    rule: str
    at: datetime
    by: str
    notice: str
    action: Literal["step", "appeal", "rejected", "returned", "confirmed"] = "step"
    number: int = 0


def state_of(history: Sequence[Step]) -> str:
    """Return the state after a history, in the order of time."""
    return history[-1].state if history else "正常"


def appealed(history: Sequence[Step]) -> bool:
    """Tell whether an appeal waits for its decision: nothing goes further until then."""
    return bool(history) and history[-1].action == "appeal"


def next_step(
    subject: Subject, kind: str, name: str, history: Sequence[Step], rule: str | None, now: datetime
) -> Step | None:
    """Return what a review does with a subject that `rule` applies to (None: no rule does), None if nothing.

    One step at a time, never before the days that the last notice named are over, and to the last state of a provider only
    after two notices since it was last 正常.
    """
    ladder = LADDERS[subject]
    place = ladder.place(state_of(history))
    if appealed(history):
        return None
    if rule is None:
        if 0 < place <= ladder.returns_until:
            return Step(subject, kind, name, ladder.states[0], BACK, now, "platform", "已恢复正常。", "returned")
        return None
    if place == len(ladder.states) - 1 or _too_early(ladder, history, place, now):
        return None
    return Step(subject, kind, name, ladder.states[place + 1], rule, now, "platform", ladder.notices[place])


def _too_early(ladder: Ladder, history: Sequence[Step], place: int, now: datetime) -> bool:
    if place == 0:
        return False
    last = place == len(ladder.states) - 2 and history[-1].subject == "provider"
    return now - history[-1].at < timedelta(days=ladder.days[place]) or (
        last and notices_given(history) < NOTICES_BEFORE_EXIT
    )


def notices_given(history: Sequence[Step]) -> int:
    """Return how many notices a subject got since it was last 正常, before its records were hidden."""
    number = 0
    for step in history:
        if step.state == "正常":
            number = 0
        elif step.action == "step" and step.notice and not LADDERS[step.subject].hides(step.state):
            number += 1
    return number


def possible(history: Sequence[Step]) -> tuple[Action, ...]:
    """Return what somebody can do about a subject with a history."""
    if state_of(history) == "正常":
        return ("confirm",)
    return ("confirm", "uphold", "reject", "reinstate") if appealed(history) else ("confirm", "appeal", "reinstate")


def acted(
    subject: Subject,
    kind: str,
    name: str,
    history: Sequence[Step],
    action: Action,
    by: str,
    now: datetime,
    reason: str,
) -> Step:
    """Return the step that somebody takes; a confirmation counts as activity and brings back whom no decision keeps out.

    Raises:
        InputError: the subject is in no state in which that is possible.

    """
    state, ladder = state_of(history), LADDERS[subject]
    if action not in possible(history):
        raise InputError(f"{action} is not possible in state {state}", f"现为“{state}”，不能进行该操作（{action}）")
    if action == "confirm":
        back = "正常" if ladder.place(state) <= ladder.returns_until else state
        rule = history[-1].rule if history and back != "正常" else BACK
        return Step(subject, kind, name, back, rule, now, by, reason, "confirmed")
    if action == "appeal":
        return Step(subject, kind, name, state, history[-1].rule, now, by, reason, "appeal")
    if action == "reject":
        return Step(subject, kind, name, state, history[-1].rule, now, by, reason, "rejected")
    return Step(subject, kind, name, "正常", BACK, now, by, reason, "returned")
