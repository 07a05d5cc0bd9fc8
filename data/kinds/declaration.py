"""What a kind declares: its name, its role and its fields; read from TOML, checked once, immutable."""

import re
import tomllib
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import InputError

NAME = r"^[a-z][a-z0-9_]{1,39}$"
# What every record has, whatever its kind; a declaration may give them labels and aliases of its own.
COMMON = {
    "id": "编号",
    "title": "名称",
    "content": "简介",
    "keywords": "关键词",
    "provider": "提供单位",
    "region": "所在地区",
    "field": "技术领域",
    "industries": "所属行业",
    "published_at": "发布日期",
    "valid_until": "有效期至",
    "status": "状态",
    "visibility": "公开范围",
    "source": "来源",
}


class Role(StrEnum):
    """What records of a kind do: meet a need, state one, describe a firm, or do the platform's work."""

    SUPPLY = "supply"
    ASK = "ask"
    PROFILE = "profile"
    STAFF = "staff"


class FieldType(StrEnum):
    """Types of a field. Money is in 万元; a day is a date; a region is a GB/T 2260 code; a maturity is a TRL 1-9."""

    TEXT = "text"
    LABEL = "label"
    LABELS = "labels"
    NUMBER = "number"
    INTEGER = "integer"
    MONEY = "money"
    DAY = "day"
    REGION = "region"
    MATURITY = "maturity"
    FLAG = "flag"


class FieldDeclaration(BaseModel):
    """One field of a kind beyond the common ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME)
    label: str = Field(min_length=1, max_length=40)
    type: FieldType
    aliases: tuple[str, ...] = ()
    # Values that a label may have; empty: any.
    choices: tuple[str, ...] = ()
    unit: str = ""
    required: bool = False
    # The matcher reads it as part of the record's text.
    matched: bool = False
    # The matcher reads figures in it as what the record can do, to be checked against a demand's requirements.
    figures: bool = False
    # A list can be narrowed by it.
    filtered: bool = False
    # What of a demand it is compared with: budget (is it enough), region (is it covered), enterprise (whom it must not serve).
    against: Literal["", "budget", "region", "enterprise", "days"] = ""
    # The field that bounds it: a record whose value has reached the bound takes nothing more and is not offered.
    at_most: str = ""
    # The field whose statement ends with this day.
    ends: str = ""
    # Of innovation vouchers (创新券): whether the record takes them, takes nothing else, or which ones a firm holds.
    voucher: Literal["", "accepted", "required", "held"] = ""
    # Lists what somebody made, a line each: expertise is derived from the nearest of them.
    outputs: bool = False
    # Shown of public records only.
    personal: bool = False

    @model_validator(mode="after")
    def _choices_fit(self) -> Self:
        if self.choices and self.type not in (FieldType.LABEL, FieldType.LABELS):
            raise ValueError(f"choices belong to a label or labels, not to a field of type {self.type.value}")
        return self


class KindDeclaration(BaseModel):
    """A kind of record: everything that import, store, matcher, API and dashboard know of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME)
    label: str = Field(min_length=1, max_length=20)
    role: Role
    # Days after which a record without `valid_until` is no longer offered; none: it stays.
    lifetime_days: int | None = Field(None, ge=1, le=36_500)
    # Events that count as outcomes of a pair with this kind.
    outcomes: tuple[str, ...] = ()
    # Records are in a table and under routes of their own: achievements and demands. No platform's file may say so.
    own_table: bool = False
    # Its records can be ordered (data/work/order_state.py).
    ordered: bool = False
    # Opening of a reason in a list of this kind.
    reason: str = ""
    # Labels of common fields where the kind has a word of its own.
    labels: dict[str, str] = Field(default_factory=dict)
    # Further headers under which files hold common fields.
    aliases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    fields: tuple[FieldDeclaration, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [field.name for field in self.fields]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"the field {doubled[0]!r} is declared twice")
        taken = sorted(set(names) & set(COMMON))
        if taken:
            raise ValueError(f"{taken[0]!r} is a field that every record has; name the kind's own field otherwise")
        if self.ordered and (self.own_table or self.role is not Role.SUPPLY):
            raise ValueError("ordered belongs to a kind of the role supply without own_table")
        stray = sorted({name for field in self.fields for name in (field.at_most, field.ends) if name} - set(names))
        if stray:
            raise ValueError(f"at_most and ends name fields of the kind, {stray[0]!r} is none")
        unknown = sorted((set(self.labels) | set(self.aliases)) - set(COMMON))
        if unknown:
            raise ValueError(f"labels and aliases are for the common fields, {unknown[0]!r} is none of them")
        return self

    @cached_property
    def by_name(self) -> dict[str, FieldDeclaration]:
        """The kind's own fields by name."""
        return {field.name: field for field in self.fields}

    def label_of(self, name: str) -> str:
        """Return the Chinese label of a field; a name that is no field is returned as it is."""
        own = self.by_name.get(name)
        return own.label if own else self.labels.get(name, COMMON.get(name, name))

    def headers(self) -> dict[str, tuple[str, ...]]:
        """Return the headers under which a file may hold each field, the one that documents show first."""
        common = {
            name: (
                self.label_of(name),
                *self.aliases.get(name, ()),
                *((label,) if label != self.label_of(name) else ()),
            )
            for name, label in COMMON.items()
        }
        return common | {field.name: (field.label, *field.aliases) for field in self.fields}


def read_declaration(path: Path) -> KindDeclaration:
    """Return the kind that a TOML file declares; the file is named after it.

    Raises:
        InputError: the file is no TOML, or its declaration breaks a rule; the message names the place.

    """
    try:
        state = tomllib.loads(path.read_text(encoding="utf-8"))
        kind = KindDeclaration.model_validate(state)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the kind's file {path.name} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "declaration"
        raise InputError(f"the kind's file {path.name}: {place}: {first['msg']}") from error
    if kind.name != path.stem:
        raise InputError(f"the kind's file {path.name} declares {kind.name!r}; name the file {kind.name}.toml")
    return kind


Visibility = Literal["公开", "摘要公开", "授权", "保密"]
_SEPARATORS = re.compile(r"[\s_\-()（）/：:]+")


def folded(header: str) -> str:
    """Return a header without blanks, brackets and case, for comparison."""
    return _SEPARATORS.sub("", header).casefold()
