"""What of a record may be shown to whom: its visibility decides, and what its holder granted."""

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from data.kinds.declaration import FieldType, KindDeclaration, Visibility
from data.kinds.record import KindRecord

HIDDEN: Visibility = "保密"
PUBLIC: Visibility = "公开"
_SPELLINGS: dict[Visibility, str] = {
    "公开": "公开 公示 全部公开 完全公开 public",
    "摘要公开": "摘要公开 部分公开 摘要",
    "授权": "授权 授权可见 登录可见 会员可见 内部",
    "保密": "保密 不公开 涉密 私密 private",
}
VISIBILITIES: dict[str, Visibility] = {word: name for name, words in _SPELLINGS.items() for word in words.split()}
_TITLE_ONLY = {"content": "", "keywords": (), "extra": {}}
# What 授权 shows of any record: who has what, where, in which field, since when. Nothing that says how.
_NAMED = {
    *("kind", "id", "achievement_id", "demand_id", "title", "provider", "holder", "enterprise", "region", "field"),
    *("industries", "published_at", "updated_at", "valid_until", "deadline", "status", "visibility", "source"),
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?:$|T)")
_TEXTS = {"content", "kpis", "indicators", "ip"}


class Access(IntEnum):
    """What a holder grants of a record beyond its visibility; each includes those before."""

    NONE = 0
    SUMMARY = 1  # 摘要: as if the record were 摘要公开
    TEXTS = 2  # 全文: everything but fields of persons
    PERSONS = 3  # 联系人: everything


ACCESS_WORDS = {"摘要": Access.SUMMARY, "全文": Access.TEXTS, "联系人": Access.PERSONS}


def visibility_of(label: str) -> Visibility:
    """Return the visibility that a label names, 公开 for none; what is not known is shown to nobody who must not see it."""
    return VISIBILITIES.get(label.strip().lower(), HIDDEN) if label.strip() else PUBLIC


def disclosed(record: KindRecord, kind: KindDeclaration) -> KindRecord | None:
    """Return a record as anybody may see it, None if nobody may.

    公开 shows all. 摘要公开 leaves out texts and fields of persons, 授权 shows title, provider, region and field alone, 保密
    nothing.
    """
    if record.visibility == PUBLIC:
        return record
    if record.visibility == HIDDEN:
        return None
    if record.visibility == "授权":
        return record.model_copy(update=_TITLE_ONLY | {"attributes": {}})
    hidden = {field.name for field in kind.fields if field.personal or field.type is FieldType.TEXT}
    attributes = {name: value for name, value in record.attributes.items() if name not in hidden}
    return record.model_copy(update={"content": "", "extra": {}, "attributes": attributes})


def shown_fields(
    record: Mapping[str, Any], kind: KindDeclaration, access: Access = Access.NONE
) -> dict[str, Any] | None:
    """Return the fields of a stored record, as JSON, that a caller with `access` may see; None if not even that it exists.

    Of 公开 records fields of persons are shown to all, as their holder chose; of others only by a grant that says so.
    """
    visibility = visibility_of(str(record.get("visibility", "")))
    if visibility == PUBLIC or access is Access.PERSONS:
        return dict(record)
    persons = {field.name for field in kind.fields if field.personal}
    if access is Access.TEXTS:
        return _without(record, persons)
    if visibility == "摘要公开" or access is Access.SUMMARY:
        texts = {field.name for field in kind.fields if field.type is FieldType.TEXT}
        return _without(record, persons | texts | _TEXTS | {"extra"})
    if visibility == HIDDEN:
        return None
    return {name: value for name, value in record.items() if name in _NAMED}


def _without(record: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    found = {name: value for name, value in record.items() if name not in names}
    if isinstance(found.get("attributes"), Mapping):
        found["attributes"] = {name: value for name, value in found["attributes"].items() if name not in names}
    return found


def texts_of(record: Mapping[str, Any], kind: KindDeclaration) -> list[str]:
    """Return the strings of a stored record that say something of it: no ids, choices of a list, dates and codes."""
    said = []
    chosen = {field.name for field in kind.fields if field.choices}
    for name, value in record.items():
        if name in ("kind", "id", "achievement_id", "demand_id", "status", "visibility", "region", "industries"):
            continue
        if name == "attributes" and isinstance(value, Mapping):
            said += texts_of({own: text for own, text in value.items() if own not in chosen}, kind)
        elif name not in chosen:
            said += _strings(value)
    return said


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [] if _DAY.match(value) else [value]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in _strings(part)]
    return []
