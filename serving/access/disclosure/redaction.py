"""One answer as its caller may see it: records by their visibility and grants, texts about them, repeated texts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.kinds.disclosure import Access
from data.records import DeclineReason
from serving.access.disclosure.grams import NONE, Hashes, without_runs
from serving.access.disclosure.registry import RecordKey, RestrictedRecords

WITHHELD = "〔未公开〕"
GONE = object()
"""What takes the place of a part that the caller must not know of."""
# Keys that name a record, and its kind; `id` and `record_id` go by the nearest word for a kind.
_BY_KEY = {
    "demand_id": "demand",
    "achievement_id": "achievement",
    "firm_id": "firm",
    "firm": "firm",
    "policy_id": "policy",
    "broker_id": "broker",
}
_GENERIC = ("id", "record_id", "subject_id")
_NAMING = frozenset((*_BY_KEY, *_GENERIC))
_NESTED = (dict, list)  # quicker to ask for than a union, some hundred times an answer
# Strings that say nothing of a record's text.
_PLAIN = {
    *("kind", "state", "status", "visibility", "basis", "relation", "name_en", "type", "title_en", "instance", "lacks"),
    *(
        "label",
        "region",
        "purpose",
        "decision_reason",
        "channels",
        "result",
        "bundle_version",
        "request_id",
        "next_cursor",
        "cursor",
        "token",
        "viewer",
        "access",
        "by",
    ),
    *("gap_report_at", "version", "operator", "assignee", "verdict", "next", "field", "rule", "url", "day", "root"),
}
_PLAIN_ENDINGS = ("_id", "_at", "_on", "_by", "_until", "_date", "_digest", "_version", "_hash")
# Own fields under another name.
_OWNER = {"achievement": "holder", "demand": "enterprise"}
_OWN = ("title", "content", "keywords", "owner", "provider", "holder", "enterprise", "field", "attributes", "extra")
_CONTENTS = ("facts", "attributes", "extra", "evidence", "changes", "why", "drawing")
_UNSCANNED = {"request_id", "bundle_version", "next_cursor", "type", "instance"}
_REASONS = {reason.value for reason in DeclineReason}


@dataclass(frozen=True)
class Caller:
    """Who an answer is for: what they were granted, and the texts that they sent with the request."""

    grants: Mapping[RecordKey, Access]
    revealed: Hashes
    own: Hashes


@dataclass
class Redaction:
    """Walks the JSON of answers to one request; `named` collects the restricted records that were met, with the access."""

    restricted: RestrictedRecords
    caller: Caller
    kinds: frozenset[str]
    kind: str = ""
    """Kind of the records that an `id` names where the answer does not say; empty: any."""
    subject: str = ""
    """The same for `subject_id`."""
    refusal: Mapping[str, Any] | None = None
    """Problem in the place of one of several answers that must not be given."""
    named: dict[RecordKey, Access] = field(default_factory=dict)
    met: set[RecordKey] = field(default_factory=set)
    """All records of known kind that were met, open ones too."""

    def apply(self, answer: Any, subjects: Iterable[RecordKey] = ()) -> Any:
        """Return an answer with its records as the caller may see them, `GONE` if nothing may be said.

        `subjects` are records that the request names. What comes is to be `scanned` before it goes out.
        """
        limited = False
        for key in subjects:
            self.met.add(key)
            record = self.restricted.records.get(key)
            if record is not None:
                access = self._access(key)
                if record.shown(access) is None:
                    return GONE
                limited |= access < Access.TEXTS
        return self._walk(answer, self.kind, limited)

    def meet(self, answer: Any, subjects: Iterable[RecordKey] = ()) -> None:
        """Note which records an answer names that is given whole."""
        for key in subjects:
            self._meet(key)
        self._meet_in(answer, self.kind)

    def _meet_in(self, node: Any, kind: str) -> None:
        if isinstance(node, dict):
            own_kind = node["kind"] if node.get("kind") in self.kinds else kind
            for _, key in self._names(node, own_kind):
                self._meet(key)
            for name, value in node.items():
                if isinstance(value, _NESTED):
                    self._meet_in(value, self._kind_of(name, own_kind))
        elif isinstance(node, list):
            for part in node:
                self._meet_in(part, kind)

    def _meet(self, key: RecordKey) -> None:
        if key in self.restricted.records:
            self.named[key] = Access.PERSONS

    def _access(self, key: RecordKey) -> Access:
        access = self.caller.grants.get(key, Access.NONE)
        self.named[key] = access
        return access

    def _walk(self, node: Any, kind: str, limited: bool) -> Any:
        if isinstance(node, dict):
            return self._object(node, kind, limited)
        if isinstance(node, list):
            return self._list(node, kind, limited)
        return "" if limited and isinstance(node, str) else node

    def _list(self, node: list[Any], kind: str, limited: bool) -> list[Any]:
        if limited and not any(isinstance(part, dict) and self._names(part, kind) for part in node):
            return []
        return [found for part in node if (found := self._walk(part, kind, limited)) is not GONE]

    def _object(self, node: dict[str, Any], kind: str, limited: bool) -> Any:
        own_kind = node["kind"] if node.get("kind") in self.kinds else kind
        own: RecordKey | None = None
        for name, key in self._names(node, own_kind):
            record = self.restricted.records.get(key)
            if record is None:
                continue
            access = self._access(key)
            if record.shown(access) is None:
                return GONE
            if name in ("id", f"{key[0]}_id") and ("title" in node or "facts" in node):
                own = key
            limited |= access < Access.TEXTS
        if own is not None:
            return self._record(node, own, limited)
        opened = self._is_open_record(node, own_kind)
        return self._members(node, own_kind, limited, kept=_OWN if opened else ())

    def _members(self, node: dict[str, Any], kind: str, limited: bool, kept: Iterable[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in node.items():
            if name in kept or (limited and _is_plain(name, value)):
                found[name] = _Kept(value) if name in kept else value
                continue
            if limited and name in _CONTENTS:
                found[name] = type(value)() if isinstance(value, dict | list | str) else None
                continue
            if limited and name == "reason":
                found[name] = value if value in _REASONS else None
                continue
            walked = self._walk(value, self._kind_of(name, kind), limited and name != "verdict")
            found[name] = None if walked is GONE else walked
        if node.get("answer") is not None and found["answer"] is None and "problem" in node:
            found["problem"] = self.refusal  # one of several answers
        return found

    def _record(self, node: dict[str, Any], key: RecordKey, limited: bool) -> dict[str, Any]:
        """Return an object that is about one restricted record: its own fields as they may be seen, texts about it not."""
        record = self.restricted.records[key]
        shown = record.shown(self.caller.grants.get(key, Access.NONE)) or {}
        names = {*_OWN, *record.document, *record.kind.by_name, "kpis", "indicators", "ip", "deadline"}
        found = self._members({name: value for name, value in node.items() if name not in names}, key[0], limited, ())
        aliases = {"owner": _OWNER.get(key[0], "provider")}
        for name, value in node.items():
            if name in names:
                visible = shown.get(aliases.get(name, name))
                found[name] = _Kept(_same_shape(value, visible))
        return {name: found[name] for name in node}

    def _names(self, node: dict[str, Any], kind: str) -> list[tuple[str, RecordKey]]:
        """Return the records that an object names; an `id` of unclear kind counts for each restricted record that has it."""
        found: list[tuple[str, RecordKey]] = []
        for name in [name for name in node if name in _NAMING]:
            value = node[name]
            if not isinstance(value, str) or not value:
                continue
            if name in _BY_KEY:
                found.append((name, (_BY_KEY[name], value)))
            else:
                sure = self.subject if name == "subject_id" else kind
                kinds = (sure,) if sure else self.restricted.kinds_by_id.get(value, ("",))
                found += [(name, (one, value)) for one in kinds]
        self.met |= {key for _, key in found if key[0]}
        return found

    def _is_open_record(self, node: dict[str, Any], kind: str) -> bool:
        own = node.get("id", node.get(f"{kind}_id")) if kind else None
        return isinstance(own, str) and "title" in node and (kind, own) not in self.restricted.records

    def _kind_of(self, name: str, kind: str) -> str:
        singular = name.removesuffix("s")
        return singular if singular in ("demand", "achievement", "firm") else kind

    def repeats(self, applied: Any) -> bool:
        """Tell whether an answer holds a run of a hidden text."""
        texts = list(_texts(applied))
        return any(
            mask is not None for mask in self.restricted.runs.marks(texts, self.caller.revealed, self.caller.own)
        )

    def scanned(self, applied: Any, public: Hashes = NONE) -> Any:
        """Return an answer without runs of hidden texts, wherever they come from, but those of `public` texts."""
        texts = list(_texts(applied))
        own = np.concatenate([self.caller.own, public]) if len(public) else self.caller.own
        masks = self.restricted.runs.marks(texts, self.caller.revealed, own)
        persons = self._persons()
        cleared = iter([_cleared(text, mask, persons) for text, mask in zip(texts, masks, strict=True)])
        return _rebuilt(applied, cleared)

    def _persons(self) -> list[str]:
        """Return the names of persons of the records that were met, as far as the caller must not see them; longest first."""
        found: set[str] = set()
        for key, access in self.named.items():
            record = self.restricted.records[key]
            hidden = record.persons if access < Access.PERSONS else ()
            found |= {name for name in hidden if len(name) > 1}
        return sorted(found, key=len, reverse=True)


class _Kept:
    """A part that is a record's own public field: it is not scanned."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _is_plain(name: str, value: Any) -> bool:
    if isinstance(value, list):
        return name in _PLAIN and all(isinstance(part, str) for part in value)
    return isinstance(value, str) and (name in _PLAIN or name in _GENERIC or name.endswith(_PLAIN_ENDINGS))


def _same_shape(value: Any, visible: Any) -> Any:
    if visible is not None:
        return visible
    return type(value)() if isinstance(value, str | list | dict) else None


def _texts(node: Any, name: str = "") -> Iterator[str]:
    if isinstance(node, str):
        if name not in _UNSCANNED:
            yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, key)
    elif isinstance(node, list):
        for part in node:
            yield from _texts(part, name)


def _cleared(text: str, mask: NDArray[np.bool_] | None, persons: list[str]) -> str:
    kept = text if mask is None else without_runs(text, mask, WITHHELD)
    for name in persons:
        kept = kept.replace(name, WITHHELD)
    return kept


def _rebuilt(node: Any, cleared: Iterator[str], name: str = "") -> Any:
    if isinstance(node, _Kept):
        return node.value
    if isinstance(node, str):
        if name in _UNSCANNED:
            return node
        return next(cleared)
    if isinstance(node, dict):
        return {key: _rebuilt(value, cleared, key) for key, value in node.items()}
    if isinstance(node, list):
        return [_rebuilt(part, cleared, name) for part in node]
    return node


def without_ids(problem: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    """Return a problem that does not name ids that nobody may know of."""
    near = problem.get("nearest_ids")
    if not isinstance(near, list) or not hidden & set(near):
        return problem
    detail = str(problem.get("detail", ""))
    for one in sorted(hidden & set(near), key=len, reverse=True):
        detail = re.sub(rf"(?:、{re.escape(one)}|{re.escape(one)}、|；相近的编号：{re.escape(one)}$)", "", detail)
    return problem | {"nearest_ids": [one for one in near if one not in hidden], "detail": detail}
