"""Whether a record can be ordered for a demand: what it states rules it out, allows it, or is not stated and said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from data.errors import InputError
from data.kinds.declaration import FieldDeclaration, KindDeclaration
from data.kinds.record import KindRecord, RecordStatus
from data.work.order_state import FULL_WAY_OUT, Admission, Capacity
from matcher.kinds.requirements import holds, place_name
from matcher.kinds.rules import barred_firms, folded_firm, same_firm

VOUCHER = "创新券"
Status = Literal["met", "missed", "unknown"]


@dataclass(frozen=True)
class OrderCheck:
    """One check of a record for an order; `text` and `english` name value and limit, `way_out` and `instead` what to do."""

    field: str
    label: str
    status: Status
    text: str
    english: str = ""
    way_out: str = ""
    instead: str = ""

    @property
    def error(self) -> InputError:
        """The refusal of an order by this check."""
        return InputError(f"{self.english}; {self.instead}", f"{self.text}：{self.way_out}")


@dataclass(frozen=True)
class VoucherFacts:
    """What is known of an order's voucher: the one named, the client's record, and policies that grant vouchers now."""

    named: str = ""
    firm: KindRecord | None = None
    firm_kind: KindDeclaration | None = None
    # Policies in force that grant vouchers, and the one that `named` names, whether in force or not.
    policies: Sequence[KindRecord] = ()
    policy: KindRecord | None = None
    policy_kind: KindDeclaration | None = None


_OTHER, _OTHER_EN = (
    "请改选其他入围服务，或请服务方更新记录",
    "order another of the short list, or have the provider update it",
)


def checks(
    record: KindRecord,
    kind: KindDeclaration,
    client: str,
    region: str | None,
    vouchers: VoucherFacts,
    on: date,
    *,
    suspended: bool = False,
) -> list[OrderCheck]:
    """Return the checks of a record on a day, all but that of its capacity; what is missed comes first.

    `region` is where the demand is (a code of six digits), None if it does not say. `suspended`: the provider, or the record
    itself, was taken out of answers.
    """
    found = [
        _offered(record, kind, on, suspended),
        *_conflict(record, kind, client),
        *(_coverage(record, field, region) for field in kind.fields if field.against == "region"),
        *(_qualified(record, kind, field, on) for field in kind.fields if field.ends),
        *_vouchers(record, kind, vouchers, on),
    ]
    return by_status(found)


def by_status(found: Sequence[OrderCheck]) -> list[OrderCheck]:
    """Return checks with what is missed first, then what is not stated."""
    order = {"missed": 0, "unknown": 1, "met": 2}
    return sorted(found, key=lambda one: order[one.status])


def capacity_of(record: KindRecord, kind: KindDeclaration) -> Capacity | None:
    """Return how much a record can take, as far as it states it; the tightest where there are several bounds."""
    found = []
    for field in kind.fields:
        bound = record.attributes.get(field.at_most) if field.at_most else None
        if isinstance(bound, int | float):
            value = record.attributes.get(field.name)
            in_hand = value if isinstance(value, int | float) else 0
            found.append(Capacity(bound, in_hand, kind.label_of(field.at_most), record.title))
    return min(found, key=lambda one: one.bound - one.in_hand, default=None)


def capacity_check(record: KindRecord, kind: KindDeclaration, accepted: int) -> list[OrderCheck]:
    """Return the check of a record's capacity beside `accepted` orders; none for kinds that declare no bound."""
    bounded = next((field for field in kind.fields if field.at_most), None)
    if bounded is None:
        return []
    capacity = capacity_of(record, kind)
    label = kind.label_of(bounded.at_most)
    if capacity is None:
        return [OrderCheck(bounded.at_most, label, "unknown", f"未说明{label}")]
    if not capacity.has_room(accepted):
        return [OrderCheck(bounded.at_most, label, "missed", capacity.full(accepted), way_out=FULL_WAY_OUT)]
    said = f"在办 {capacity.in_hand + accepted:g} 项，{capacity.label} {capacity.bound:g}"
    if record.attributes.get(bounded.name) is None:
        said = f"{capacity.label} {capacity.bound:g}，本平台订单 {accepted} 项；未说明{bounded.label}"
        return [OrderCheck(bounded.at_most, label, "unknown", said)]
    return [OrderCheck(bounded.at_most, label, "met", said)]


def admission(found: Sequence[OrderCheck], capacity: Capacity | None) -> Admission:
    """Return what the checks of a record come to."""
    refused = next((one.error for one in found if one.status == "missed"), None)
    return Admission(refused, capacity)


def grants_vouchers(policy: KindRecord) -> bool:
    """Tell whether a policy is about innovation vouchers."""
    texts = (policy.title, policy.content, str(policy.attributes.get("tool", "")))
    return any(VOUCHER in text for text in texts)


def _offered(record: KindRecord, kind: KindDeclaration, on: date, suspended: bool) -> OrderCheck:
    label, name = kind.label_of("status"), f"{kind.name} {record.id!r}"
    if suspended:
        return OrderCheck(
            "status", label, "missed", f"“{record.title}”已暂停展示（服务方被暂停，或记录久未更新）",
            f"{name} is suspended: its provider was, or it is stale", _OTHER.replace("更新记录", "申诉或确认"),
            "order another of the short list, or have the provider appeal or confirm it",
        )  # fmt: skip
    if record.offered(on, kind):
        return OrderCheck("status", label, "met", "有效")
    if record.status is not RecordStatus.ACTIVE:
        text, english = f"“{record.title}”为“{record.status.value}”", f"{name} is {record.status.value}"
    elif record.valid_until is not None:
        text = f"“{record.title}”的{kind.label_of('valid_until')} {record.valid_until}，今天 {on}"
        english = f"{name} is valid until {record.valid_until}, today is {on}"
    else:
        text = f"“{record.title}”发布于 {record.published_at}，{kind.label}有效 {kind.lifetime_days} 天，今天 {on}"
        english = f"{name} was published on {record.published_at} and is valid for {kind.lifetime_days} days"
    return OrderCheck("status", label, "missed", text, english, _OTHER, _OTHER_EN)


def _conflict(record: KindRecord, kind: KindDeclaration, client: str) -> list[OrderCheck]:
    field = next((one for one in kind.fields if one.against == "enterprise"), None)
    barred = [one for one in barred_firms(record, kind) if same_firm(one, folded_firm(client))]
    if field is None or not barred:
        return []
    # Whom somebody avoids is personal: it is not repeated.
    text = f"“{record.title}”与“{client[:60]}”有利益关系，须回避"
    english = f"{kind.name} {record.id!r} must not work for {client[:60]!r}: a conflict of interest"
    return [
        OrderCheck(field.name, "回避", "missed", text, english, "请改选其他入围服务", "order another of the short list")
    ]


def _coverage(record: KindRecord, field: FieldDeclaration, region: str | None) -> OrderCheck:
    stated = record.attributes.get(field.name)
    places = "、".join(map(str, stated)) if isinstance(stated, tuple) else str(stated)
    if stated is None:
        return OrderCheck(field.name, field.label, "unknown", f"未说明{field.label}")
    if region is None:
        return OrderCheck(field.name, field.label, "unknown", f"{field.label}为{places[:60]}，需求未写明所在地")
    place = place_name(region)
    if holds(field, stated, region):
        return OrderCheck(field.name, field.label, "met", f"{field.label}（{places[:60]}）覆盖{place}")
    return OrderCheck(
        field.name, field.label, "missed", f"“{record.title}”的{field.label}为{places[:60]}，不含需求所在地{place}",
        f"{record.kind} {record.id!r} covers {places[:60]} ({field.label}), not {place}, where the demand is",
        _OTHER, _OTHER_EN,
    )  # fmt: skip


def _qualified(record: KindRecord, kind: KindDeclaration, field: FieldDeclaration, on: date) -> OrderCheck:
    what, until = kind.label_of(field.ends), record.attributes.get(field.name)
    stated = record.attributes.get(field.ends)
    named = "、".join(map(str, stated)) if isinstance(stated, tuple) else str(stated or "")
    what = f"{what}（{named[:60]}）" if named else what
    if not isinstance(until, str):
        text = f"{what}未说明{field.label}" if named else f"未说明{what}"
        return OrderCheck(field.name, field.label, "unknown", text)
    if date.fromisoformat(until) >= on:
        return OrderCheck(field.name, field.label, "met", f"{what}有效期至 {until}")
    return OrderCheck(
        field.name, field.label, "missed", f"“{record.title}”的{what}已于 {until} 到期，今天 {on}",
        f"{record.kind} {record.id!r}: {what} ended on {until} ({field.label}), today is {on}",
        f"请改选其他入围服务，或请服务方续期后更新{field.label}",
        f"order another of the short list, or have the provider renew it and update {field.name}",
    )  # fmt: skip


def _vouchers(record: KindRecord, kind: KindDeclaration, facts: VoucherFacts, on: date) -> list[OrderCheck]:
    by_use = {field.voucher: field for field in kind.fields if field.voucher}
    accepted, required = by_use.get("accepted"), by_use.get("required")
    needs = required is not None and record.attributes.get(required.name) is True
    if not facts.named:
        if required is None or not needs:
            return []
        return [
            OrderCheck(
                required.name,
                required.label,
                "missed",
                f"“{record.title}”{required.label}，订单没有写明{VOUCHER}",
                f"{kind.name} {record.id!r} takes innovation vouchers only ({required.name}), the order names none",
                f"请在下单时填写{VOUCHER}{_where(facts)}",
                f"name one with the order{_where_en(facts)}",
            )
        ]
    if accepted is None and required is None:
        return []
    field = accepted or required
    label = field.label if field else VOUCHER
    name = field.name if field else ""
    takes = record.attributes.get(accepted.name) if accepted else None
    if takes is False and not needs:
        return [
            OrderCheck(
                name,
                label,
                "missed",
                f"“{record.title}”不接受{VOUCHER}，订单写明了“{facts.named}”",
                f"{kind.name} {record.id!r} takes no innovation vouchers ({name}), the order names {facts.named!r}",
                f"请不填{VOUCHER}下单，或改选其他入围服务",
                "order without it, or order another of the short list",
            )
        ]
    met = OrderCheck(name, label, "met", f"接受{VOUCHER}")
    return [met if takes or needs else OrderCheck(name, label, "unknown", f"未说明是否接受{VOUCHER}"), _held(facts, on)]


def _held(facts: VoucherFacts, on: date) -> OrderCheck:
    """Return the check that the client has the voucher that the order names, by its record or by a policy."""
    named, firm, kind = facts.named, facts.firm, facts.firm_kind
    label = "持有的创新券"
    held = next((one for one in kind.fields if one.voucher == "held"), None) if kind else None
    stated = firm.attributes.get(held.name) if firm and held else None
    have = [str(one) for one in stated] if isinstance(stated, tuple) else []
    if firm and held and kind and named in have:
        ends = next((one for one in kind.fields if one.ends == held.name), None)
        until = firm.attributes.get(ends.name) if ends else None
        if ends and isinstance(until, str) and date.fromisoformat(until) < on:
            return OrderCheck(
                held.name, label, "missed", f"“{firm.title}”的{VOUCHER}“{named}”已于 {until} 到期，今天 {on}",
                f"the voucher {named!r} of {firm.title!r} ended on {until}, today is {on}",
                f"请更新{ends.label}，或另选{VOUCHER}{_where(facts)}",
                f"update {ends.name}, or name another{_where_en(facts)}",
            )  # fmt: skip
        return OrderCheck(held.name, label, "met", f"“{firm.title}”持有{VOUCHER}“{named}”")
    if facts.policy is not None and facts.policy_kind is not None:
        return _granted(facts, facts.policy, facts.policy_kind, on)
    if firm and have:
        return OrderCheck(
            "voucher", label, "missed", f"“{firm.title}”持有的{VOUCHER}为{'、'.join(have)[:60]}，没有“{named}”",
            f"{firm.title!r} holds the vouchers {', '.join(have)[:60]}, not {named!r}",
            f"请填写所持有的{VOUCHER}{_where(facts)}", f"name one of them{_where_en(facts)}",
        )  # fmt: skip
    who = f"“{firm.title}”的企业档案未说明持有哪些{VOUCHER}" if firm else f"没有企业档案，未核对{VOUCHER}“{named}”"
    return OrderCheck("voucher", label, "unknown", who)


def _granted(facts: VoucherFacts, policy: KindRecord, kind: KindDeclaration, on: date) -> OrderCheck:
    label = "政策发放的创新券"
    if not grants_vouchers(policy):
        text, english = f"政策“{policy.title}”不发放{VOUCHER}", f"policy {policy.id!r} grants no innovation vouchers"
    elif not policy.offered(on, kind):
        ended = f"（有效期至 {policy.valid_until}，今天 {on}）" if policy.valid_until else f"（{policy.status.value}）"
        text, english = f"政策“{policy.title}”已不再有效{ended}", f"policy {policy.id!r} is not in force on {on}"
    else:
        return OrderCheck("voucher", label, "unknown", f"政策“{policy.title}”发放{VOUCHER}，能否申领以核定为准")
    return OrderCheck(
        "voucher", label, "missed", text, english,
        f"请另选{VOUCHER}{_where(facts)}", f"name another voucher{_where_en(facts)}",
    )  # fmt: skip


def _where(facts: VoucherFacts) -> str:
    names = "、".join(f"{one.title[:40]}（{one.id}）" for one in facts.policies[:3])
    return f"；可申领：{names}" if names else "；库中没有有效的创新券政策可供申领"


def _where_en(facts: VoucherFacts) -> str:
    ids = ", ".join(one.id for one in facts.policies[:3])
    return f"; policies that grant some: {ids}" if ids else "; no policy in force here grants any"
