"""Entries chained by hash over canonical JSON (RFC 8785), with salted digests of what may have to be erased."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from data.evidence.merkle import Tree

BEGIN = "0" * 64
"""What the first entry names as the digest before it."""


@dataclass(frozen=True)
class Part:
    """Something that an entry says and that can be erased: its digest stays in the chain, salt and text go."""

    digest: str
    salt: str | None
    text: str | None
    # What it is looked up by: a record's kind and id, or no kind and a viewer.
    kind: str = ""
    record_id: str = ""

    @property
    def erased(self) -> bool:
        """Whether only the digest is left."""
        return self.text is None


@dataclass(frozen=True)
class Entry:
    """One entry as it is kept: `text` is canonical JSON, `digest` its SHA-256 (hex)."""

    number: int
    day: str
    digest: str
    text: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class DayRoot:
    """The root of a day's entries, as it is written outside the store."""

    day: str
    first: int
    last: int
    head: str
    root: str

    def text(self) -> str:
        """Return it as canonical JSON."""
        return canonical(vars(self))


@dataclass(frozen=True)
class Fault:
    """What does not fit, and where."""

    number: int
    why: str


def canonical(value: Any) -> str:
    """Return a JSON value of texts, whole numbers, lists and objects with ASCII names in the one form of RFC 8785.

    Other numbers and names, which no entry has, would need more than sorting.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def sealed_part(said: Mapping[str, Any]) -> Part:
    """Return what is kept of something that an entry says: 128 random bits keep its digest from being guessed."""
    salt, text = secrets.token_hex(16), canonical(said)
    return Part(part_digest(salt, text), salt, text, *subject_of(said))


def subject_of(said: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and id of the record that a part is about; no kind and the viewer of a part that says who it was."""
    return str(said.get("kind", "")), str(said.get("id", said.get("viewer", "")))


def part_digest(salt: str, text: str) -> str:
    """Return the digest of a part."""
    return sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


def sealed(number: int, previous: str, day: str, said: Mapping[str, Any], parts: Iterable[Part]) -> Entry:
    """Return an entry that follows the one with the digest `previous`; `said` are its members that are never erased."""
    kept = tuple(parts)
    own = {"number": number, "previous": previous, "day": day, "parts": [part.digest for part in kept]}
    text = canonical({**said, **own})
    return Entry(number, day, sha256(text.encode()).hexdigest(), text, kept)


def faults_of(entries: Iterable[Entry], roots: Mapping[str, DayRoot]) -> Iterator[Fault]:
    """Yield what does not fit in a chain, given in the order it is kept, and in comparison with the days' roots.

    A changed, dropped, inserted or moved entry breaks the chain where it is. Whoever rewrites everything behind it, or cuts
    off the end, is found by the roots of the days concerned, which are kept elsewhere; entries of a day without a root are
    protected by the chain alone.
    """
    expected, previous = 1, BEGIN
    days: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.number != expected:
            yield Fault(expected, f"缺少第 {expected} 条，或次序被改动")
            expected = entry.number
        yield from (Fault(entry.number, why) for why in _broken(entry, previous))
        expected, previous = expected + 1, entry.digest
        days.setdefault(entry.day, []).append(entry)
    for day, root in sorted(roots.items()):
        yield from _compared(root, days.get(day, []))


def _broken(entry: Entry, previous: str) -> Iterator[str]:
    if sha256(entry.text.encode()).hexdigest() != entry.digest:
        yield "内容与其摘要不符"
        return
    said = orjson.loads(entry.text)
    if (said["number"], said["previous"], said["day"]) != (entry.number, previous, entry.day):
        yield "与上一条不相接"
    if said["parts"] != [part.digest for part in entry.parts]:
        yield "所含各项与条目不符"
    yield from ("所含一项与其摘要不符" for part in entry.parts if not _whole(part))


def _whole(part: Part) -> bool:
    """Tell whether a part is as it was sealed, or erased altogether."""
    if part.salt is None or part.text is None:
        return part.salt is None and part.text is None
    if part_digest(part.salt, part.text) != part.digest:
        return False
    return subject_of(orjson.loads(part.text)) == (part.kind, part.record_id)


def _compared(root: DayRoot, entries: list[Entry]) -> Iterator[Fault]:
    numbers = [entry.number for entry in entries]
    if not numbers or (numbers[0], numbers[-1], len(numbers)) != (root.first, root.last, root.last - root.first + 1):
        yield Fault(
            root.first, f"{root.day} 应有第 {root.first}–{root.last} 条，现有 {len(numbers)} 条：有条目被删除或截断"
        )
    elif Tree([entry.digest for entry in entries]).root != root.root or entries[-1].digest != root.head:
        yield Fault(root.first, f"{root.day} 的条目与当日根不符：链在当日之后被整体改写")
