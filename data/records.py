"""Record and event types: what a platform sends, validated. Money in 万元, TRL 1-9 after GB/T 22900-2022."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator

from data.dates import CHINA_STANDARD_TIME, read_day, read_moment
from data.taxonomy.industries import industry_code

MAX_TITLE = 500
MAX_TEXT = 50_000
MAX_ID = 128
MAX_LIST = 200
# Id of a record that exists in a request only; no identifier may be empty, so that no stored record can have it.
UNSTORED = ""
# Validation context of what the store holds: an earlier version may have let in what is refused today.
STORED = {"stored": True}

_LIST_SEPARATOR = re.compile(r"[;；、,，|\n]+")
_TRL = re.compile(r"^(?:TRL)?\s*([1-9])\s*级?$", re.IGNORECASE)


# Control and format characters, zero-width marks, line and paragraph separators, all kinds of blank at the ends.
_ID_MARKS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]+"
)
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0xA0: " "}
_EXCEL_TEXT = re.compile(r"=\s*[\"“”](.*)[\"“”]")
_POWER_OF_TEN = re.compile(r"\d(?:\.\d+)?[eE]\+\d+")
_WHOLE = re.compile(r"\d+\.0")
# Letters, digits, - and _ with a digit among them: nearly every id, and none of what the other rules are about.
_PLAIN_ID = re.compile(r"[A-Za-z_\-]*[0-9][A-Za-z0-9_\-]*").fullmatch
_EXACT_UP_TO = 10**15
_NO_ID = frozenset(
    (
        *("无", "暂无", "没有", "空", "无编号", "未编号", "暂无编号", "待定", "待编", "不详", "未知", "同上"),
        *("n/a", "na", "#n/a", "null", "none", "nil", "nan", "undefined"),
        *("#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!"),
    )
)


def _empty_to_none(value: Any) -> Any:
    """Read blank text as missing: a spreadsheet cell is never None."""
    if isinstance(value, str) and not value.strip():
        return None
    return value


def _list_of(value: Any) -> Any:
    """Split a cell such as `锂电池；正极材料` into its items; lists pass through."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(item.strip() for item in _LIST_SEPARATOR.split(value) if item.strip())
    return value


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def clean_id(value: Any) -> str:
    """Return an id as it is stored: without marks that nobody sees, and as text whatever type a file gave it.

    `="000123"` and `'000123` are how spreadsheets keep zeros, 1.0 is how pandas writes 1, full-width characters are typed
    by mistake. The rule holds for files and for the API.

    Raises:
        ValueError: there is no id, a placeholder (-, /, 无, N/A) or one that a spreadsheet has damaged; the message is Chinese.

    """
    if isinstance(value, str) and _PLAIN_ID(value):
        return value
    if isinstance(value, float | Decimal):
        if not (value.is_finite() if isinstance(value, Decimal) else isfinite(value)):
            raise ValueError("必填，不能为空")
        if isinstance(value, float) and abs(value) >= _EXACT_UP_TO:
            raise ValueError("编号超过 15 位，被表格软件当作数字而损坏，请把该列设为文本后重新导出")
        value = int(value) if value == value.__trunc__() else value
    return _clean_text_id("" if value is None else str(value))


@lru_cache(maxsize=1_000)  # an id is read in its cell, again as part of its record, and by every event that names it
def _clean_text_id(text: str) -> str:
    text = _ID_MARKS.sub("", text).strip()
    if not text.isascii():
        text = text.translate(_NARROW).strip()
    if match := _EXCEL_TEXT.fullmatch(text):
        text = match.group(1).strip()
    text = text.removeprefix("'").removeprefix("’").strip()
    if text.lower() in _NO_ID or not any(character.isalnum() for character in text):
        raise ValueError("必填，不能为空" if not text else f"“{text}”不是编号，请填写真实的编号")
    if _POWER_OF_TEN.fullmatch(text):
        raise ValueError(f"“{text}”是被表格软件改写过的编号，请把该列设为文本后重新导出")
    return text.removesuffix(".0") if _WHOLE.fullmatch(text) else text


def _is_stored(info: ValidationInfo) -> bool:
    return isinstance(info.context, dict) and bool(info.context.get("stored"))


def _identifier_of(value: Any, info: ValidationInfo) -> Any:
    """Read an id as files are read; what the store holds already stays as it is."""
    if isinstance(value, str) and _PLAIN_ID(value):
        return value
    if _is_stored(info) or isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return _text_of(value)
    if isinstance(value, str) and _CONTROL.search(value.strip()):
        return value  # the pattern refuses it, with its place
    return clean_id(value)


def _date_of(value: Any, info: ValidationInfo) -> Any:
    """Read a day in any of the usual spellings."""
    if isinstance(value, str) and not value.strip():
        return None
    if _is_stored(info):
        return date.fromisoformat(value) if isinstance(value, str) else value
    return read_day(value) if isinstance(value, str | datetime) else value


def _moment_of(value: Any, info: ValidationInfo) -> Any:
    """Read a moment; one without offset is China Standard Time. The result is in UTC."""
    if isinstance(value, str) and not value.strip():
        return None
    if _is_stored(info) and isinstance(value, str):
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=CHINA_STANDARD_TIME)).astimezone(UTC)
    return value if value is None else read_moment(value)


def _industries_of(value: Any) -> Any:
    """Give known codes and names their one spelling; what is no known industry stays as it is."""
    items = _list_of(value)
    if not isinstance(items, list | tuple):
        return items
    return tuple(industry_code(item) or item if isinstance(item, str) else item for item in items)


def _trl_of(value: Any) -> Any:
    """Accept 6, `6`, `TRL6`, `6级`."""
    value = _empty_to_none(value)
    if isinstance(value, str) and (match := _TRL.match(value.strip())):
        return int(match.group(1))
    return value


def _text_of(value: Any) -> Any:
    """Read missing text as empty; numbers that a spreadsheet made of text become text again."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


# Constraints precede the validators that prepare a value, on the type that they are about: behind them they would
# be applied to whatever the validator returned, None included.
Identifier = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_ID, pattern=r"^[^\x00-\x1f\x7f]+$"),
    BeforeValidator(_identifier_of),
]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE), BeforeValidator(_text_of)
]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), BeforeValidator(_text_of)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_TITLE), BeforeValidator(_text_of)]
Labels = Annotated[tuple[Label, ...], Field(max_length=MAX_LIST), BeforeValidator(_list_of)]
Day = Annotated[date | None, BeforeValidator(_date_of)]
Moment = Annotated[datetime | None, BeforeValidator(_moment_of)]
Money = Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None, BeforeValidator(_empty_to_none)]
Trl = Annotated[Annotated[int, Field(ge=1, le=9)] | None, BeforeValidator(_trl_of)]
Position = Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, BeforeValidator(_empty_to_none)]
Level = Annotated[Annotated[int, Field(ge=1, le=4)] | None, BeforeValidator(_empty_to_none)]
Region = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$")] | None,
    BeforeValidator(lambda value: _empty_to_none(_text_of(value))),
]


class AchievementStatus(StrEnum):
    """Whether an achievement can still be had."""

    PUBLISHED = "发布"
    NEGOTIATING = "对接中"
    TRANSFERRED = "已转让"
    OFFLINE = "下架"
    WITHDRAWN = "撤回"


class DemandStatus(StrEnum):
    """Status of a demand."""

    DRAFT = "草稿"
    PUBLISHED = "发布"
    NEGOTIATING = "对接中"
    SIGNED = "已签约"
    SOLVED = "已解决"
    EXPIRED = "过期"
    WITHDRAWN = "撤回"


class EventKind(StrEnum):
    """What happened to a recommended pair."""

    IMPRESSION = "impression"
    CLICK = "click"
    FAVOURITE = "favourite"
    CONTACT = "contact"
    MEETING = "meeting"
    NEGOTIATION = "negotiation"
    DEAL = "deal"
    DECLINE = "decline"
    JUDGEMENT = "judgement"


class DeclineReason(StrEnum):
    """Why a recommended pair came to nothing."""

    TOO_EARLY = "too_early"
    BENEFIT_UNCLEAR = "benefit_unclear"
    ROUTE_UNCLEAR = "route_unclear"
    PRICE = "price"
    LOCATION = "location"
    ALREADY_SOLVED = "already_solved"
    VAGUE = "vague"
    OTHER = "other"


class _Record(BaseModel):
    """What achievements and demands share: frozen, unknown columns kept aside in `extra`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Title
    content: Text = ""
    keywords: Labels = ()
    field: Label = ""
    industries: Annotated[Labels, BeforeValidator(_industries_of)] = ()
    region: Region = None
    published_at: Day = None
    updated_at: Day = None
    extra: dict[str, str] = Field(default_factory=dict)


class Achievement(_Record):
    """A technology achievement 科技成果: what a university, institute or firm offers."""

    achievement_id: Identifier
    ipc: Labels = ()
    holder: Label = ""
    holder_type: Label = ""
    experts: Labels = ()
    stage: Label = ""
    trl: Trl = None
    form: Label = ""
    transfer_modes: Labels = ()
    price_min: Money = None
    price_max: Money = None
    indicators: Text = ""
    ip: Text = ""
    status: Annotated[
        AchievementStatus, BeforeValidator(lambda v: _empty_to_none(v) or AchievementStatus.PUBLISHED)
    ] = AchievementStatus.PUBLISHED
    visibility: Label = ""

    @property
    def record_id(self) -> str:
        """The record's id, named alike on both sides."""
        return self.achievement_id

    @model_validator(mode="after")
    def _prices_in_order(self) -> Self:
        _require_order(self.price_min, self.price_max, "price_min", "price_max")
        return self


class Demand(_Record):
    """A technology demand 技术需求: what a firm needs solved."""

    demand_id: Identifier
    kpis: Text = ""
    enterprise: Label = ""
    enterprise_size: Label = ""
    enterprise_stage: Label = ""
    budget_min: Money = None
    budget_max: Money = None
    cooperation_modes: Labels = ()
    trl_min: Trl = None
    deadline: Day = None
    status: Annotated[DemandStatus, BeforeValidator(lambda v: _empty_to_none(v) or DemandStatus.PUBLISHED)] = (
        DemandStatus.PUBLISHED
    )
    visibility: Label = ""

    @property
    def record_id(self) -> str:
        """The record's id, named alike on both sides."""
        return self.demand_id

    @staticmethod
    def of_text(text: str) -> "UnstoredDemand":
        """Return the demand that a free text states: its beginning as title, the whole as content."""
        first = re.split(r"[。！？!?\n]", text.strip(), maxsplit=1)[0].strip()
        return UnstoredDemand(title=(first or text.strip())[:MAX_TITLE], content=text)

    @model_validator(mode="after")
    def _budgets_in_order(self) -> Self:
        _require_order(self.budget_min, self.budget_max, "budget_min", "budget_max")
        return self


def _without_default(schema: dict[str, Any]) -> None:
    """Keep the internal id out of a JSON schema, whose own pattern it does not fit."""
    schema.pop("default", None)


class UnstoredAchievement(Achievement):
    """An achievement that exists in a request only; it need not have an id."""

    achievement_id: Identifier = Field(UNSTORED, json_schema_extra=_without_default)


class UnstoredDemand(Demand):
    """A demand that exists in a request only; it need not have an id."""

    demand_id: Identifier = Field(UNSTORED, json_schema_extra=_without_default)


class OutcomeEvent(BaseModel):
    """One thing that became of a pair; append-only, `event_id` is the idempotency key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: Identifier
    demand_id: Identifier
    achievement_id: Identifier
    kind: EventKind
    # Only an expert's judgement may be undated; it then counts as known from the beginning.
    occurred_at: Moment = None
    request_id: Label = ""
    position: Position = None
    bundle_version: Label = ""
    # Who reported it from the dashboard; empty for what a platform's backend sent.
    operator: Label = ""
    # Of an impression: digest of the numbers that the ranker saw for the pair.
    features_digest: Label = ""
    reason: Annotated[DeclineReason | None, BeforeValidator(_empty_to_none)] = None
    amount: Money = None
    level: Level = None

    @model_validator(mode="after")
    def _fields_fit_kind(self) -> Self:
        if (self.kind is EventKind.JUDGEMENT) != (self.level is not None):
            raise ValueError("level (1-4) belongs to a judgement, and every judgement has one")
        if self.occurred_at is None and self.kind is not EventKind.JUDGEMENT:
            raise ValueError(f"occurred_at is required for kind {self.kind.value!r}")
        return self

    @property
    def grade(self) -> int:
        """Grade for learning, 0-4: an expert's level counts as level - 1, a decline as 0."""
        return GRADES[self.kind] if self.level is None else self.level - 1


GRADES: dict[EventKind, int] = {
    EventKind.IMPRESSION: 0,
    EventKind.CLICK: 1,
    EventKind.FAVOURITE: 2,
    EventKind.CONTACT: 2,
    EventKind.MEETING: 3,
    EventKind.NEGOTIATION: 3,
    EventKind.DEAL: 4,
    EventKind.DECLINE: 0,
    EventKind.JUDGEMENT: 0,
}

Record = Achievement | Demand
RecordKind = Literal["achievements", "demands"]


def _require_order(low: float | None, high: float | None, low_name: str, high_name: str) -> None:
    """Refuse a range whose lower end lies above its upper end."""
    if low is not None and high is not None and low > high:
        raise ValueError(f"{low_name} {low:g} is above {high_name} {high:g}")
