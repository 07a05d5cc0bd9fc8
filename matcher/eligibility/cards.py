"""Records of policies and finance products as the cards that criteria are read from, and how far their approval is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from data.kinds.record import KindRecord
from matcher.eligibility.kept import changes
from matcher.eligibility.policy import StatedPolicy
from matcher.eligibility.proposals import propose, source_of

STATED_KINDS = ("policy", "finance_product")
State = Literal["open", "changed", "approved"]
# Fields of a card by the fields of a record that state them.
_POLICY = {"policy_id": "id", "name": "title", "issuer": "provider", "region": "region", "content": "content"}
_PRODUCT = {
    "product_id": "id", "name": "title", "provider": "provider", "region": "region", "intro": "content",
    "amount_max_wan": "amount_max", "term_max_months": "term_months", "rate_text": "rate",
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """What the text of a record states as criteria, beside what is approved of it; `changed` says what differs.

    `state` is open without an approval, changed where the text is another than the one approved, else approved.
    """

    record: KindRecord
    source: str
    text: str
    proposed: StatedPolicy
    approved: StatedPolicy | None
    state: State
    changed: tuple[str, ...]


def card_of(record: KindRecord) -> dict[str, Any]:
    """Return a record as the card that `propose` reads: unknown columns, own fields, and the names that cards have."""
    whole: dict[str, Any] = record.model_dump(mode="json", exclude={"attributes", "extra"}) | dict(record.attributes)
    names = _PRODUCT if record.kind == "finance_product" else _POLICY
    card: dict[str, Any] = dict(record.extra) | {k: v for k, v in record.attributes.items() if v is not None}
    card |= {name: whole[field] for name, field in names.items() if whole.get(field) is not None}
    if record.published_at is not None:
        card["valid_from"] = record.published_at.isoformat()
    if record.valid_until is not None:
        card["valid_until"] = record.valid_until.isoformat()
    return card


def draft_of(record: KindRecord, approved: Mapping[str, StatedPolicy]) -> Draft:
    """Return what a record's text states and what of it is approved, by policy id.

    Raises:
        ValueError: the text is too long to be read.

    """
    card = card_of(record)
    proposed, before = propose(card), approved.get(record.id)
    source = source_of(card)
    if before is None:
        state: State = "open"
    else:
        state = "approved" if before.text_digest == proposed.text_digest else "changed"
    found = tuple(changes(before, proposed)) if before is not None else ()
    return Draft(record, source, str(card.get(source) or ""), proposed, before, state, found)
