"""The chain of evidence in the store: appended in one order by all processes, read back, proven, erased in parts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

import orjson
import sqlalchemy as sa

from data.evidence.chain import BEGIN, DayRoot, Entry, Part, sealed, sealed_part
from data.evidence.merkle import PathStep, Tree
from data.store.database import reading, writing
from data.store.trust.tables import evidence, evidence_parts

BATCH = 500
MAX_PROVEN = 200


@dataclass(frozen=True)
class Noted:
    """Something that happened, before it has its place in the chain; `who` and `records` can be erased later."""

    token: str
    at: str
    action: str
    who: Mapping[str, str]
    records: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Proof:
    """An entry about a record, with what shows that it is in its day's tree; `said` is what it says of this record."""

    entry: Entry
    said: Part
    who: Part
    day: str
    root: str
    path: tuple[PathStep, ...]


class Evidence:
    """The chain of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, noted: Sequence[Noted], today: date) -> int:
        """Append what is not in the chain yet, in the given order, and return how many entries that were.

        An entry belongs to the day on which it is chained, never to one before that of the last entry.
        """
        written = 0
        for start in range(0, len(noted), BATCH):
            written += self._append(noted[start : start + BATCH], today.isoformat())
        return written

    def _append(self, noted: Sequence[Noted], today: str) -> int:
        c = evidence.c
        with writing(self._engine, "evidence") as connection:
            tokens = [one.token for one in noted]
            known = set(connection.execute(sa.select(c.token).where(c.token.in_(tokens))).scalars())
            last = connection.execute(sa.select(c.number, c.digest, c.day).order_by(c.number.desc()).limit(1)).first()
            number, previous, day = (last.number, last.digest, max(last.day, today)) if last else (0, BEGIN, today)
            rows: list[dict[str, Any]] = []
            parts: list[dict[str, Any]] = []
            for one in noted:
                if one.token in known:
                    continue
                known.add(one.token)
                number += 1
                kept = [sealed_part(said) for said in (one.who, *one.records)]
                said = {"token": one.token, "at": one.at, "action": one.action}
                entry = sealed(number, previous, day, said, kept)
                previous = entry.digest
                rows.append(
                    {"number": number, "token": one.token, "day": day, "digest": entry.digest, "entry": entry.text}
                )
                parts += [{"number": number, "position": place, **vars(part)} for place, part in enumerate(kept)]
            if rows:
                connection.execute(sa.insert(evidence), rows)
                connection.execute(sa.insert(evidence_parts), parts)
        return len(rows)

    def entries(self) -> Iterator[Entry]:
        """Yield all entries in their order, as they are kept."""
        e, p = evidence.c, evidence_parts.c
        query = (
            sa.select(e.number, e.day, e.digest, e.entry, p.digest.label("part"), p.salt, p.text, p.kind, p.record_id)
            .outerjoin(evidence_parts, p.number == e.number)
            .order_by(e.number, p.position)
        )
        with (
            reading(self._engine) as connection,
            connection.execute(query, execution_options={"yield_per": 1000}) as rows,
        ):
            for number, group in groupby(rows, lambda row: row.number):
                found = list(group)
                parts = tuple(Part(*row[4:]) for row in found if row.part is not None)
                yield Entry(number, *found[0][1:4], parts)

    def days(self) -> list[str]:
        """Return the days that have entries."""
        with reading(self._engine) as connection:
            return list(connection.execute(sa.select(evidence.c.day).distinct().order_by(evidence.c.day)).scalars())

    def root(self, day: str) -> DayRoot | None:
        """Return the root of a day's entries as they are now, None for a day without any."""
        digests = self._digests(day)
        if not digests:
            return None
        return DayRoot(day, digests[0][0], digests[-1][0], digests[-1][1], Tree([digest for _, digest in digests]).root)

    def proofs(self, kind: str, record_id: str, after: int = 0) -> list[Proof]:
        """Return proofs of the entries about a record that follow number `after`, at most 200."""
        p = evidence_parts.c
        about = (
            sa.select(p.number, p.position)
            .where(p.kind == kind, p.record_id == record_id, p.number > after)
            .order_by(p.number)
            .limit(MAX_PROVEN)
        )
        with reading(self._engine) as connection:
            wanted = {row.number: row.position for row in connection.execute(about)}
            entries = _entries(connection, list(wanted))
        trees: dict[str, tuple[int, Tree]] = {}
        found = []
        for number, entry in entries.items():
            if entry.day not in trees:
                digests = self._digests(entry.day)
                trees[entry.day] = digests[0][0], Tree([digest for _, digest in digests])
            first, tree = trees[entry.day]
            said, who = entry.parts[wanted[number]], entry.parts[0]
            found.append(Proof(entry, said, who, entry.day, tree.root, tuple(tree.path(number - first))))
        return found

    def erase(self, viewer: str) -> int:
        """Erase who entries are about where that is `viewer`: the chain stays whole; return how many entries that were."""
        p = evidence_parts.c
        mine = (p.kind == "") & (p.record_id == viewer)
        with writing(self._engine) as connection:
            gone = sa.update(evidence_parts).where(mine).values(salt=None, text=None, record_id="")
            return int(connection.execute(gone).rowcount)

    def _digests(self, day: str) -> list[tuple[int, str]]:
        c = evidence.c
        query = sa.select(c.number, c.digest).where(c.day == day).order_by(c.number)
        with reading(self._engine) as connection:
            return [(row.number, row.digest) for row in connection.execute(query)]


def _entries(connection: sa.Connection, numbers: list[int]) -> dict[int, Entry]:
    p, e = evidence_parts.c, evidence.c
    parts: dict[int, list[Part]] = {number: [] for number in numbers}
    columns = (p.number, p.digest, p.salt, p.text, p.kind, p.record_id)
    for row in connection.execute(sa.select(*columns).where(p.number.in_(numbers)).order_by(p.number, p.position)):
        parts[row.number].append(Part(*row[1:]))
    rows = connection.execute(sa.select(evidence).where(e.number.in_(numbers)).order_by(e.number))
    return {row.number: Entry(row.number, row.day, row.digest, row.entry, tuple(parts[row.number])) for row in rows}


def read_noted(lines: Iterable[bytes]) -> list[Noted]:
    """Return what a journal holds; a last line that was not written to its end was never answered for and is left out."""
    found = []
    for line in lines:
        if line.endswith(b"\n"):
            found.append(Noted(**orjson.loads(line)))
    return found
