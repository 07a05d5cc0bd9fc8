"""How records of several sources become one: by rules that do not depend on the order in which they came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from data.kinds.declaration import Visibility
from data.kinds.disclosure import visibility_of
from data.quality.ratings import folded

LEAST_TITLE = 4
"""Shorter titles are no ground to take two records for one."""
_STRICTER: tuple[Visibility, ...] = ("公开", "摘要公开", "授权", "保密")
_HOLDERS = {"achievement": "holder", "demand": "enterprise"}
_NOT_FILLED = {"id", "achievement_id", "demand_id", "kind", "visibility", "status", "extra", "source"}
ORIGINS = "来源"


@dataclass(frozen=True)
class SourceRecord:
    """The newest version of a record that a source sent; `document` is its JSON, None of a deleted one."""

    source: str
    key: str
    kind: str
    version: int
    document: Mapping[str, Any] | None

    @property
    def digest(self) -> str:
        """SHA-256 of the JSON: decides between two documents under one version."""
        return sha256(orjson.dumps(self.document, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def order(self) -> tuple[int, str, str]:
        """What is newer has more: the version, then the digest, then the kind."""
        return self.version, self.digest, self.kind


@dataclass(frozen=True)
class SourceRules:
    """What a source's operator set: records are shown at most as `visibility` says, a lower `priority` wins."""

    source: str
    visibility: Visibility = "公开"
    priority: int = 100


def identity(one: SourceRecord) -> str:
    """Return what records of the same thing have in common: kind, title and holder, spelling aside.

    A record without a holder, or with a title of fewer than four characters, is the same as no other.
    """
    document = one.document or {}
    title = folded(str(document.get("title", "")))
    holder = folded(str(document.get(_HOLDERS.get(one.kind, "provider"), "")))
    known = [one.kind, title, holder] if holder and len(title) >= LEAST_TITLE else [one.kind, one.source, one.key]
    return sha256("\0".join(known).encode()).hexdigest()


def record_id(kind: str, of_identity: str) -> str:
    """Return the id under which an identity is published."""
    return f"{kind}-{of_identity[:20]}"


def merged(members: Sequence[SourceRecord], rules: Mapping[str, SourceRules]) -> dict[str, Any] | None:
    """Return the record that members of one identity are published as, without its id; None where none is left.

    The first by its source's priority counts, then by version, source and key. What it leaves empty is filled from the next
    ones, unless their visibility is stricter: nothing confidential enters a record that more people see. All origins are
    in `extra`, and each source's visibility holds for its own records.
    """
    left = [one for one in members if one.document is not None]
    if not left:
        return None
    left.sort(key=lambda one: (rules[one.source].priority, -one.version, one.source, one.key, one.digest))
    first = left[0]
    seen = _visibility(first, rules)
    document = dict(first.document or {}) | {"visibility": seen}
    for one in left[1:]:
        if _STRICTER.index(_visibility(one, rules)) <= _STRICTER.index(seen):
            _fill(document, one.document or {})
    origins = "；".join(f"{one.source}:{one.key}" for one in sorted(left, key=lambda one: (one.source, one.key)))
    document["extra"] = dict(document.get("extra") or {}) | {ORIGINS: origins}
    if first.kind not in _HOLDERS:
        document["source"] = first.source
    return document


def _visibility(one: SourceRecord, rules: Mapping[str, SourceRules]) -> Visibility:
    own = visibility_of(str((one.document or {}).get("visibility", "")))
    return max(own, rules[one.source].visibility, key=_STRICTER.index)


def _fill(document: dict[str, Any], other: Mapping[str, Any]) -> None:
    for name, value in other.items():
        if name == "attributes" and isinstance(value, Mapping):
            document["attributes"] = dict(value) | dict(document.get("attributes") or {})
        elif name not in _NOT_FILLED and value and not document.get(name):
            document[name] = value


def newest(versions: Iterable[SourceRecord]) -> SourceRecord:
    """Return the version that counts of one key."""
    return max(versions, key=lambda one: one.order)
