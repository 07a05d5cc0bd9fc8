"""The states of an order of a service and the steps of both parties that change it; pure functions over a history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from data.errors import ConflictError, InputError
from data.quality.ratings import SCALES
from data.records import EventKind

UNDO = timedelta(minutes=10)
"""How long a step can be taken back; after that it is an outcome or an evaluation, which stays."""
MAX_NOTE = 1_000
MAX_SHORTLIST = 20
FULL_WAY_OUT = "请等其交付一项、改选其他入围服务，或请服务方更新上限"


class OrderState(StrEnum):
    """How far an order has come; the values are what operators read."""

    PUBLISHED = "已发布"
    SHORTLISTED = "已入围"
    ORDERED = "已下单"
    ACCEPTED = "已接单"
    DECLINED = "已拒单"
    DELIVERED = "已交付"
    EVALUATED = "已评价"
    WITHDRAWN = "已撤回"


class OrderAction(StrEnum):
    """What a party does."""

    PUBLISH = "publish"
    SHORTLIST = "shortlist"
    ORDER = "order"
    ACCEPT = "accept"
    DECLINE = "decline"
    DELIVER = "deliver"
    EVALUATE = "evaluate"
    WITHDRAW = "withdraw"


class Party(StrEnum):
    """Who orders, and who provides the service."""

    CLIENT = "client"
    PROVIDER = "provider"


class OrderRefusal(StrEnum):
    """Why a provider declines an order, or gives back an accepted one."""

    BUSY = "手上任务已满"
    SCOPE = "超出服务范围"
    REGION = "不在服务地区"
    QUALIFICATION = "资质不符"
    UNCLEAR = "需求不清楚"
    OTHER = "其他"


class RecordRef(NamedTuple):
    """A record of a declared kind."""

    kind: str
    record_id: str


S, A = OrderState, OrderAction


@dataclass(frozen=True)
class Move:
    """What an action does: whose it is, from which states it is possible, and the state that it leads to."""

    parties: tuple[Party, ...]
    before: tuple[OrderState, ...]
    after: OrderState


_CLIENT, _PROVIDER = (Party.CLIENT,), (Party.PROVIDER,)
# A declined order goes on with the others of its short list. Nothing leads out of 已撤回 and 已评价, but that the provider may
# still evaluate.
MOVES: dict[OrderAction, Move] = {
    A.PUBLISH: Move(_CLIENT, (), S.PUBLISHED),
    A.SHORTLIST: Move(_CLIENT, (S.PUBLISHED, S.SHORTLISTED, S.DECLINED), S.SHORTLISTED),
    A.ORDER: Move(_CLIENT, (S.SHORTLISTED, S.DECLINED), S.ORDERED),
    A.ACCEPT: Move(_PROVIDER, (S.ORDERED,), S.ACCEPTED),
    A.DECLINE: Move(_PROVIDER, (S.ORDERED, S.ACCEPTED), S.DECLINED),
    A.DELIVER: Move(_PROVIDER, (S.ACCEPTED,), S.DELIVERED),
    A.EVALUATE: Move((Party.CLIENT, Party.PROVIDER), (S.DELIVERED, S.EVALUATED), S.EVALUATED),
    A.WITHDRAW: Move(_CLIENT, (S.PUBLISHED, S.SHORTLISTED, S.ORDERED, S.ACCEPTED, S.DECLINED), S.WITHDRAWN),
}
# The outcome event of a step, the first that the record's kind declares.
EVENTS: dict[OrderAction, tuple[EventKind, ...]] = {
    A.ORDER: (EventKind.CONTACT,),
    A.ACCEPT: (EventKind.NEGOTIATION, EventKind.MEETING, EventKind.CONTACT),
    A.DECLINE: (EventKind.DECLINE,),
    A.DELIVER: (EventKind.DEAL,),
}
NAMES: dict[OrderAction, str] = {
    A.PUBLISH: "发布",
    A.SHORTLIST: "入围",
    A.ORDER: "下单",
    A.ACCEPT: "接单",
    A.DECLINE: "拒单",
    A.DELIVER: "交付",
    A.EVALUATE: "评价",
    A.WITHDRAW: "撤回",
}
PARTY_NAMES = {Party.CLIENT: "需求方", Party.PROVIDER: "服务方"}


@dataclass(frozen=True)
class OrderStep:
    """One step of an order.

    `kind` and `record_id` name the record that is shortlisted or ordered; of later steps the store fills in the ordered
    one. `token` makes sending a step twice harmless. `number` is given by the store, in the order of acting.
    """

    order: int
    action: OrderAction
    party: Party
    by: str
    at: datetime
    token: str
    kind: str = ""
    record_id: str = ""
    # Of the record, when it was ordered.
    provider: str = ""
    # The innovation voucher (创新券) that an order names.
    voucher: str = ""
    # Why an order is declined.
    reason: str = ""
    # Of an evaluation, by the names of `SCALES`, 1 to 5.
    scores: Mapping[str, int] | None = None
    note: str = ""
    undone_at: datetime | None = None
    number: int = 0

    @property
    def said(self) -> tuple[Any, ...]:
        """What the sender said: equal for a step that is sent again."""
        named = (self.kind, self.record_id) if self.action in (A.SHORTLIST, A.ORDER) else ()
        scores = tuple(sorted((self.scores or {}).items()))
        return (self.order, self.action, self.party, self.by, *named, self.voucher, self.reason, scores, self.note)


@dataclass(frozen=True)
class Published:
    """What an order is about, from its first step on; `firm_id` is the client's record, "" if there is none."""

    demand_id: str
    client: str
    firm_id: str = ""


@dataclass(frozen=True)
class Order:
    """An order as far as it has come; `last` is the number of its latest step that counts."""

    number: int
    about: Published
    state: OrderState = OrderState.PUBLISHED
    shortlist: tuple[RecordRef, ...] = ()
    # The record that is ordered, or was last.
    kind: str = ""
    record_id: str = ""
    provider: str = ""
    voucher: str = ""
    reason: str = ""
    declined: tuple[RecordRef, ...] = ()
    evaluated: tuple[Party, ...] = ()
    changed_at: datetime | None = None
    changed_by: str = ""
    last: int = 0


@dataclass(frozen=True)
class Capacity:
    """How much a record can take: at most `bound` (`label`), of which `in_hand` is what it states itself."""

    bound: float
    in_hand: float
    label: str
    title: str

    def has_room(self, accepted: int) -> bool:
        """Tell whether one more fits beside the `accepted` orders of the platform."""
        return self.in_hand + accepted < self.bound

    def check(self, accepted: int) -> None:
        """Admit one more; InputError where there is no room."""
        if not self.has_room(accepted):
            taken = self.in_hand + accepted
            raise InputError(
                f"{self.title!r} has {taken:g} in hand ({accepted} by orders here) of at most {self.bound:g} ({self.label}); "
                "wait until one is delivered, order another of the short list, or have the provider raise the limit",
                f"{self.full(accepted)}：{FULL_WAY_OUT}",
            )

    def full(self, accepted: int) -> str:
        """Return in Chinese that there is no room, with value and limit."""
        taken = self.in_hand + accepted
        return f"“{self.title}”在办 {taken:g} 项（其中本平台订单 {accepted} 项），已达{self.label} {self.bound:g}"


@dataclass(frozen=True)
class Admission:
    """What the ordered record allows: why it cannot be ordered now, and its capacity; None each where nothing is in the way."""

    refused: InputError | None = None
    capacity: Capacity | None = None


def replay(number: int, about: Published, steps: Iterable[OrderStep]) -> Order:
    """Return what the steps of an order, in their order, amount to; undone ones do not count."""
    order = Order(number, about)
    for step in steps:
        if step.undone_at is None:
            order = apply(order, step)
    return order


def apply(order: Order, step: OrderStep) -> Order:
    """Return an order after a step that `check_step` admitted."""
    changes: dict[str, Any] = {"changed_at": step.at, "changed_by": step.by, "last": step.number}
    ref = RecordRef(step.kind, step.record_id)
    if step.action is not A.EVALUATE or step.party is Party.CLIENT:
        changes["state"] = MOVES[step.action].after
    if step.action is A.SHORTLIST:
        changes["shortlist"] = (*order.shortlist, ref)
    elif step.action is A.ORDER:
        changes |= {"kind": ref.kind, "record_id": ref.record_id, "provider": step.provider, "voucher": step.voucher}
        changes["reason"] = ""
    elif step.action is A.DECLINE:
        changes |= {"declined": (*order.declined, ref), "reason": step.reason}
    elif step.action is A.EVALUATE:
        changes["evaluated"] = (*order.evaluated, step.party)
    return replace(order, **changes)


def ways(order: Order) -> tuple[tuple[OrderAction, Party], ...]:
    """Return what can be done with an order now, and by whom."""
    found = []
    for action, move in MOVES.items():
        for party in move.parties if order.state in move.before else ():
            left = [one for one in order.shortlist if one not in order.declined]
            if (action is not A.EVALUATE or party not in order.evaluated) and (action is not A.ORDER or left):
                found.append((action, party))
    return tuple(found)


def check_step(order: Order, step: OrderStep, seen: int | None) -> None:
    """Admit a step of an order as it is now; `seen` is the `last` that the sender looked at, None if unknown.

    Raises:
        InputError: the step is not possible here, is not the party's, or what it needs is missing.
        ConflictError: somebody else changed the order since the sender looked, or did the same.

    """
    if seen is not None and seen != order.last:
        raise ConflictError(
            f"{order.changed_by} changed order {order.number} to {order.state.value} since; look again",
            f"{order.changed_by} 已把订单 {order.number} 变为“{order.state.value}”，请刷新后再看",
        )
    move = MOVES[step.action]
    if step.party not in move.parties:
        raise InputError(
            f"{step.action.value} is a step of the {move.parties[0].value}, not of the {step.party.value}",
            f"“{NAMES[step.action]}”由{PARTY_NAMES[move.parties[0]]}进行，不是{PARTY_NAMES[step.party]}",
        )
    if (step.action, step.party) not in ways(order):
        _refuse(order, step)
    if len(step.note) > MAX_NOTE:
        raise InputError(
            f"the note has {len(step.note)} characters; it may have {MAX_NOTE}",
            f"备注有 {len(step.note)} 个字，最多 {MAX_NOTE} 个",
        )
    _check_record(order, step)
    _check_values(step)


def _refuse(order: Order, step: OrderStep) -> None:
    possible = dict.fromkeys(action for action, _ in ways(order))
    codes = ", ".join(action.value for action in possible) or "nothing"
    names = "、".join(NAMES[action] for action in possible) or "无"
    english = f"order {order.number} is {order.state.value}; {step.action.value} is not possible, possible: {codes}"
    chinese = f"订单 {order.number} 现为“{order.state.value}”，不能{NAMES[step.action]}；可以：{names}"
    if order.state is MOVES[step.action].after and step.action is not A.ORDER:
        by = order.changed_by
        raise ConflictError(f"{english}; {by} did it already", f"{chinese}（{by} 已处理）")
    raise InputError(english, chinese)


def _check_record(order: Order, step: OrderStep) -> None:
    ref = RecordRef(step.kind, step.record_id)
    if step.action is A.SHORTLIST:
        if not (ref.kind and ref.record_id):
            raise InputError("shortlist needs kind and record_id", "入围需要写明种类（kind）和编号（record_id）")
        if ref in order.shortlist:
            raise InputError(
                f"{ref.record_id!r} is in the short list of order {order.number} already",
                f"“{ref.record_id}”已在订单 {order.number} 的入围名单中",
            )
        if len(order.shortlist) >= MAX_SHORTLIST:
            raise InputError(
                f"order {order.number} has a short list of {MAX_SHORTLIST}, the most; order one of them",
                f"订单 {order.number} 已入围 {MAX_SHORTLIST} 个（上限）；请从中选择下单",
            )
    elif step.action is A.ORDER and (ref not in order.shortlist or ref in order.declined):
        left = [one.record_id for one in order.shortlist if one not in order.declined]
        why, chinese = (
            ("declined it", "已拒单") if ref in order.declined else ("is not in its short list", "不在入围名单中")
        )
        raise InputError(
            f"{ref.record_id!r} {why}: order {order.number} can go to {', '.join(left)}, or shortlist another",
            f"“{ref.record_id}”{chinese}；订单 {order.number} 可下单给：{'、'.join(left)}，或另选入围",
        )


def _check_values(step: OrderStep) -> None:
    reasons = [one.value for one in OrderRefusal]
    if step.action is A.DECLINE and step.reason not in reasons:
        raise InputError(
            f"decline needs a reason, one of {', '.join(reasons)}, not {step.reason[:40]!r}",
            f"拒单需要写明原因：{'、'.join(reasons)} 之一",
        )
    if step.action is not A.DECLINE and step.reason:
        raise InputError(
            f"a reason belongs to decline, not to {step.action.value}; use the note",
            f"原因（reason）只用于拒单；{NAMES[step.action]}请用备注（note）",
        )
    if step.action is A.EVALUATE:
        scores = step.scores or {}
        if set(scores) != set(SCALES) or not all(score in range(1, 6) for score in scores.values()):
            raise InputError(
                f"evaluate needs scores from 1 to 5 for {', '.join(SCALES)}, not {dict(scores)}",
                f"评价需要给出 {'、'.join(SCALES.values())} 各 1 至 5 分（scores：{', '.join(SCALES)}）",
            )
    elif step.scores:
        raise InputError(f"scores belong to evaluate, not to {step.action.value}", "打分（scores）只用于评价")
    if step.voucher and step.action is not A.ORDER:
        raise InputError(f"a voucher belongs to order, not to {step.action.value}", "创新券（voucher）只在下单时填写")
