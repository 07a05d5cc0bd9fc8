"""Evaluations, the steps of providers and stale records, and which records are out of answers because of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.dates import CHINA_STANDARD_TIME
from data.quality.ladder import LADDERS, Step, Subject
from data.quality.ratings import Evaluation
from data.records import EventKind
from data.store.database import reading, writing
from data.store.tables import achievements, events, kind_events, records
from data.store.trust.tables import evaluations, quality_steps
from data.store.upserts import next_revision

_ACTIVE = [kind.value for kind in EventKind if kind not in (EventKind.IMPRESSION, EventKind.CLICK, EventKind.JUDGEMENT)]
SubjectKey = tuple[Subject, str, str]
"""Subject, kind of record (empty for a provider), name or id."""


class Quality:
    """Evaluations and steps of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def evaluate(self, sent: Sequence[Evaluation]) -> dict[str, int]:
        """Append evaluations and return how many were added or known by their token; the first of a token stays."""
        insert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        unless_known = insert(evaluations).on_conflict_do_nothing(index_elements=[evaluations.c.token])
        rows = [_evaluation_row(one) for one in sorted(sent, key=lambda one: one.token)]
        with writing(self._engine) as connection:
            added = len(list(connection.execute(unless_known.returning(evaluations.c.token), rows).scalars()))
        return {"added": added, "known": len(rows) - added}

    def evaluations(self) -> list[Evaluation]:
        """Return all evaluations, by token."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(evaluations).order_by(evaluations.c.token)).mappings()
            return [
                Evaluation(**dict(row) | {"scores": orjson.loads(row["scores"]), "at": _utc(row["at"])}) for row in rows
            ]

    def append(self, steps: Iterable[Step]) -> None:
        """Append steps; servers take them in at once, as they do a written record."""
        rows = [vars(step) | {"at": _plain(step.at)} for step in steps]
        for row in rows:
            row.pop("number")
        if not rows:
            return
        with writing(self._engine, "quality_steps") as connection:
            next_revision(connection, 1)
            connection.execute(sa.insert(quality_steps), rows)

    def history(self, subject: Subject, kind: str, name: str) -> list[Step]:
        """Return the steps of one subject in the order of time."""
        return self.histories(subject, kind, name).get((subject, kind, name), [])

    def histories(
        self, subject: Subject, kind: str | None = None, name: str | None = None
    ) -> dict[SubjectKey, list[Step]]:
        """Return the steps of all providers or records that have any, by subject."""
        c = quality_steps.c
        query = sa.select(quality_steps).where(c.subject == subject).order_by(c.number)
        if kind is not None and name is not None:
            query = query.where(c.kind == kind, c.name == name)
        found: dict[SubjectKey, list[Step]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query).mappings():
                step = Step(**dict(row) | {"at": _utc(row["at"])})
                found.setdefault((step.subject, step.kind, step.name), []).append(step)
        return found

    def withheld(self) -> dict[str, frozenset[str]]:
        """Return the ids, by kind, of records that are out of answers: their provider's, or their own state says so."""
        hidden: dict[str, set[str]] = {}
        gone: list[str] = []
        if not self._any_hidden():
            return {}
        for subject in LADDERS:
            for (_, kind, name), history in self.histories(subject).items():
                if not LADDERS[subject].hides(history[-1].state):
                    continue
                if subject == "provider":
                    gone.append(name)
                else:
                    hidden.setdefault(kind, set()).add(name)
        if gone:
            for kind, record_id in self._of_providers(gone):
                hidden.setdefault(kind, set()).add(record_id)
        return {kind: frozenset(ids) for kind, ids in hidden.items()}

    def _any_hidden(self) -> bool:
        c = quality_steps.c
        states = {state for ladder in LADDERS.values() for state in ladder.states if ladder.hides(state)}
        with reading(self._engine) as connection:
            return connection.execute(sa.select(c.number).where(c.state.in_(states)).limit(1)).first() is not None

    def _of_providers(self, names: list[str]) -> list[tuple[str, str]]:
        a, r = achievements.c, records.c
        with reading(self._engine) as connection:
            own = connection.execute(sa.select(a.id).where(a.holder.in_(names))).scalars()
            found = [("achievement", record_id) for record_id in own]
            found += [tuple(row) for row in connection.execute(sa.select(r.kind, r.id).where(r.provider.in_(names)))]
        return found

    def last_active(self) -> dict[str, datetime]:
        """Return when each provider of records was last active: records, outcomes, evaluations received, confirmations."""
        a, r, e, k, v = achievements.c, records.c, events.c, kind_events.c, evaluations.c
        day = sa.func.max(sa.func.coalesce(a.updated_at, a.published_at))
        queries = [
            sa.select(a.holder, day).where(~a.deleted).group_by(a.holder),
            sa.select(r.provider, sa.func.max(r.published_at)).where(~r.deleted).group_by(r.provider),
            sa.select(a.holder, sa.func.max(e.occurred_at))
            .join_from(achievements, events, e.achievement_id == a.id)
            .where(e.kind.in_(_ACTIVE))
            .group_by(a.holder),
            sa.select(r.provider, sa.func.max(k.occurred_at))
            .join_from(records, kind_events, (k.record_id == r.id) & (k.record_kind == r.kind))
            .where(k.kind.in_(_ACTIVE))
            .group_by(r.provider),
            sa.select(v.provider, sa.func.max(v.at)).group_by(v.provider),
        ]
        return self._latest(queries, "provider")

    def last_confirmed(self) -> dict[tuple[str, str], datetime]:
        """Return when each record was last published or updated, by kind and id; those without any date are left out."""
        a, r = achievements.c, records.c
        found: dict[tuple[str, str], datetime] = {}
        with reading(self._engine) as connection:
            own = sa.select(a.id, sa.func.coalesce(a.updated_at, a.published_at)).where(~a.deleted)
            rows = [("achievement", *row) for row in connection.execute(own)]
            rows += [
                tuple(row) for row in connection.execute(sa.select(r.kind, r.id, r.published_at).where(~r.deleted))
            ]
            for kind, record_id, last in rows:
                if last is not None:
                    found[kind, record_id] = _moment(last)
        for (_, kind, record_id), at in self._confirmations("record").items():
            found[kind, record_id] = max(at, found.get((kind, record_id), at))
        return found

    def _latest(self, queries: list[sa.Select[Any]], subject: Subject) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        with reading(self._engine) as connection:
            for query in queries:
                for name, last in connection.execute(query):
                    if name and last is not None:
                        moment = _moment(last)
                        found[name] = max(moment, found.get(name, moment))
        for (_, _, name), at in self._confirmations(subject).items():
            found[name] = max(at, found.get(name, at))
        return found

    def _confirmations(self, subject: Subject) -> dict[SubjectKey, datetime]:
        c = quality_steps.c
        query = sa.select(c.kind, c.name, sa.func.max(c.at)).where(c.subject == subject, c.action == "confirmed")
        with reading(self._engine) as connection:
            return {
                (subject, kind, name): _utc(at) for kind, name, at in connection.execute(query.group_by(c.kind, c.name))
            }


def _evaluation_row(one: Evaluation) -> dict[str, Any]:
    scores = orjson.dumps(dict(one.scores), option=orjson.OPT_SORT_KEYS).decode()
    return vars(one) | {"scores": scores, "at": _plain(one.at)}


def _moment(last: date | datetime) -> datetime:
    if isinstance(last, datetime):
        return _utc(last)
    return datetime.combine(last, time.min, CHINA_STANDARD_TIME).astimezone(UTC)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
