"""A record of any kind: common fields typed by the model, the kind's own ones checked against its declaration."""

import math
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from data.errors import InputError
from data.kinds.declaration import FieldDeclaration, FieldType, KindDeclaration, Visibility
from data.records import Day, Identifier, Label, Labels, Money, Region, Text, Title, Trl
from data.text.digits import SeparatorError, without_separators

Value = str | int | float | bool | tuple[str, ...]
_FLAGS = {"是": True, "有": True, "支持": True, "true": True, "1": True, "yes": True, "y": True, "√": True} | {
    "否": False, "无": False, "不支持": False, "false": False, "0": False, "no": False, "n": False, "×": False
}  # fmt: skip


class RecordStatus(StrEnum):
    """Whether a record is offered."""

    ACTIVE = "有效"
    SUSPENDED = "暂停"
    WITHDRAWN = "撤回"


def _flag_of(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip().casefold()
        return None if not text else _FLAGS.get(text, value)
    return value


def _number_of(value: Any) -> Any:
    if isinstance(value, str):
        try:
            text = without_separators(value.strip())
        except SeparatorError:
            return value  # and is refused as no number
        return float(text) if _is_number(text) else (text or None)
    return value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


Number = Annotated[Annotated[float, Field(allow_inf_nan=False)] | None, BeforeValidator(_number_of)]
Integer = Annotated[Annotated[int, Field(ge=-(2**53), le=2**53)] | None, BeforeValidator(_number_of)]
Flag = Annotated[bool | None, BeforeValidator(_flag_of)]
_TYPES: dict[FieldType, Any] = {
    FieldType.TEXT: Text,
    FieldType.LABEL: Label,
    FieldType.LABELS: Labels,
    FieldType.NUMBER: Number,
    FieldType.INTEGER: Integer,
    FieldType.MONEY: Money,
    FieldType.DAY: Day,
    FieldType.REGION: Region,
    FieldType.MATURITY: Trl,
    FieldType.FLAG: Flag,
}


class KindRecord(BaseModel):
    """One record of a declared kind. `attributes` holds the kind's own fields, days as ISO text, only those that are set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    id: Identifier
    title: Title
    content: Text = ""
    keywords: Labels = ()
    provider: Label = ""
    region: Region = None
    field: Label = ""
    industries: Labels = ()
    published_at: Day = None
    valid_until: Day = None
    status: Annotated[RecordStatus, BeforeValidator(lambda v: v or RecordStatus.ACTIVE)] = RecordStatus.ACTIVE
    visibility: Annotated[Visibility, BeforeValidator(lambda v: v or "公开")] = "公开"
    source: Label = ""
    attributes: dict[str, Value] = Field(default_factory=dict)
    extra: dict[str, str] = Field(default_factory=dict)

    @property
    def record_id(self) -> str:
        """The record's id, named as on achievements and demands."""
        return self.id

    def offered(self, on: date, declaration: KindDeclaration) -> bool:
        """Tell whether the record may be recommended on a day: its status, its validity and its kind's lifetime."""
        if self.status is not RecordStatus.ACTIVE:
            return False
        until = self.valid_until
        if until is None and declaration.lifetime_days is not None and self.published_at is not None:
            until = self.published_at + timedelta(days=declaration.lifetime_days)
        return until is None or on <= until


def read_record(declaration: KindDeclaration, values: Mapping[str, Any]) -> KindRecord:
    """Return the record of a kind that `values` (common fields, own fields, `attributes`, `extra`) describe.

    Raises:
        InputError: a required field is missing, a value does not fit its type or its choices, or a name is no field.

    """
    own = dict(values.get("attributes") or {})
    common: dict[str, Any] = {}
    for name, value in values.items():
        if name == "attributes":
            continue
        (own if name in declaration.by_name else common)[name] = value
    unknown = sorted(set(own) - set(declaration.by_name))
    if unknown:
        known = ", ".join(declaration.by_name) or "none"
        raise InputError(
            f"{declaration.name} has no field {unknown[0]!r}; its own fields are {known}",
            f"{declaration.label}没有字段“{unknown[0][:40]}”；自有字段为 {known}",
        )
    attributes = {}
    for field in declaration.fields:
        value = _attribute(declaration, field, own.get(field.name))
        if value is not None:
            attributes[field.name] = value
    try:
        return KindRecord.model_validate(common | {"kind": declaration.name, "attributes": attributes})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{declaration.name} {values.get('id', '')!r}: {place}: {first['msg']}",
            f"{place}（{declaration.label_of(place)}）不符合要求"
            if first["type"] != "extra_forbidden"
            else f"没有字段“{place[:40]}”",
        ) from error


def _attribute(declaration: KindDeclaration, field: FieldDeclaration, raw: Any) -> Value | None:
    """Return a field's value as it is kept: None where it is not set."""
    try:
        value = _adapter(field.type).validate_python(raw)
    except ValidationError as error:
        raise InputError(
            f"{declaration.name}.{field.name} ({field.label}) is {str(raw)[:60]!r}; {error.errors()[0]['msg']}",
            f"{field.name}（{field.label}）的值“{str(raw)[:60]}”不符合要求",
        ) from error
    if value in (None, "", ()):
        if field.required:
            raise InputError(
                f"{declaration.name} needs {field.name} ({field.label}); it is missing",
                f"缺少必填的{field.label}（{field.name}）",
            )
        return None
    if isinstance(value, date):
        return value.isoformat()
    if field.choices:
        wrong = [one for one in (value if isinstance(value, tuple) else (value,)) if one not in field.choices]
        if wrong:
            raise InputError(
                f"{declaration.name}.{field.name} ({field.label}) is {wrong[0]!r}; it must be one of "
                + ", ".join(field.choices),
                f"{field.name}（{field.label}）的值“{str(wrong[0])[:60]}”须为其中之一：{'、'.join(field.choices)}",
            )
    kept: Value = value
    return kept


@cache
def _adapter(kind: FieldType) -> TypeAdapter[Any]:
    return TypeAdapter(_TYPES[kind])
