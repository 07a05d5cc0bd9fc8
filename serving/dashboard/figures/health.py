"""What is wrong with the data: missing values, duplicates, boilerplate, old records, vague demands, rejected rows."""

import csv
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from data.records import STORED, Demand
from data.splits import same_groups
from data.store.clarifications import clarified, read_clarifications
from data.store.dashboard_tables import achievement_progress
from data.store.database import translated_errors
from data.store.store import Store
from data.store.tables import achievements, demands
from matcher.clarification.completeness import ADVICE, Weights, completeness
from matcher.collection.filters import OPEN_STATUSES, Filters
from matcher.engine import Engine

STALE = timedelta(days=730)
SOON = timedelta(days=30)
SAMPLE = 4_000  # records whose sentences are looked at
BOILERPLATE_SHARE = 0.005  # of the sample that holds a sentence
BOILERPLATE_LEAST = 5
SENTENCE = 12  # characters below which a sentence says nothing by being repeated
VAGUE_LOOKED_AT = 300  # newest open demands whose completeness is judged
MAX_REJECTS = 200_000  # lines of a list that are counted
_SENTENCES = re.compile(r"[。；;！!\n]+")

# Column of the store, what it is called: of each side.
FIELDS: dict[str, dict[str, str]] = {
    "achievements": {
        "field": "技术领域",
        "region": "地区",
        "holder": "完成单位",
        "stage": "成熟阶段",
        "trl": "技术成熟度",
        "price_min": "价格",
    },
    "demands": {
        "field": "技术领域",
        "region": "地区",
        "enterprise": "企业",
        "budget_max": "预算上限",
        "deadline": "截止日期",
        "trl_min": "最低成熟度",
    },
}


def is_missing(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a record does not state a value."""
    absent = column.is_(None)
    return absent | (column == "") if isinstance(column.type, sa.String) else absent


def missing(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return for each side and column how many of the open records do not state it."""
    rows = []
    for side, table in (("achievements", achievements), ("demands", demands)):
        columns = [sa.func.sum(sa.case((is_missing(table.c[name]), 1), else_=0)).label(name) for name in FIELDS[side]]
        query = sa.select(sa.func.count().label("all"), *columns).where(
            table.c.status.in_(OPEN_STATUSES), ~table.c.deleted
        )
        found = connection.execute(query).mappings().one()
        for name, label in FIELDS[side].items():
            lacking = int(found[name] or 0)
            share = lacking / found["all"] if found["all"] else None
            rows.append({"side": side, "column": name, "label": label, "missing": lacking, "share": share})
    return rows


def old(connection: sa.Connection, today: date) -> dict[str, int]:
    """Return how many open records are past their deadline, near it, not updated for long, or were never shown."""
    table = demands
    is_open = table.c.status.in_(OPEN_STATUSES) & ~table.c.deleted
    rules = {
        "expired": table.c.deadline < today,
        "expiring": table.c.deadline.between(today, today + SOON),
        "stale_demands": sa.func.coalesce(table.c.updated_at, table.c.published_at) < today - STALE,
    }
    found = dict(connection.execute(sa.select(*_counted(rules)).where(is_open)).mappings().one())
    table = achievements
    is_open = table.c.status.in_(OPEN_STATUSES) & ~table.c.deleted
    rules = {
        "stale_achievements": sa.func.coalesce(table.c.updated_at, table.c.published_at) < today - STALE,
        "unshown": sa.func.coalesce(achievement_progress.c.impressions, 0) == 0,
    }
    joined = table.outerjoin(achievement_progress, achievement_progress.c.achievement_id == table.c.id)
    found |= dict(connection.execute(sa.select(*_counted(rules)).select_from(joined).where(is_open)).mappings().one())
    return {name: int(number or 0) for name, number in found.items()}


def _counted(rules: dict[str, sa.ColumnElement[bool]]) -> list[sa.ColumnElement[Any]]:
    return [sa.func.sum(sa.case((rule, 1), else_=0)).label(name) for name, rule in rules.items()]


@dataclass(frozen=True)
class Cluster:
    """Records of one side that look like one: the same body, or the same title from one owner; or both."""

    side: str
    digest: str
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    owners: tuple[str, ...]
    same_text: bool

    @property
    def needs_look(self) -> bool:
        """Whether its records may be different matters, so that each has to be looked at before they are merged."""
        return len(self.ids) > 3 or len(set(self.titles)) > 1 or len(set(self.owners)) > 1


@lru_cache(maxsize=4)
def clusters(engine: Engine) -> tuple[Cluster, ...]:
    """Return the groups of open records with the same normalised body, or the same title and owner, the largest first.

    A title alone tells little: short ones are shared by hundreds of strangers. Of a bundle; computed once for each engine
    (an engine is its own key).
    """
    found = []
    for side, collection in (("achievements", engine.model.achievements), ("demands", engine.model.demands)):
        cards = collection.base.cards
        names = ("id", "title", "owner", "title_key", "body_key")
        ids, titles, owners, title_keys, bodies = (cards.table.column(name).to_pylist() for name in names)
        owned = [f"{key}\0{owner}" if key and owner else "" for key, owner in zip(title_keys, owners, strict=True)]
        is_open = Filters().allowed(cards).tolist()
        groups: dict[int, list[int]] = defaultdict(list)
        for row, group in enumerate(same_groups([bodies, owned]).tolist()):
            if is_open[row]:
                groups[group].append(row)
        for rows in groups.values():
            if len(rows) > 1:
                members = tuple(ids[row] for row in rows)
                found.append(
                    Cluster(
                        side,
                        sha256("\n".join(sorted(members)).encode()).hexdigest(),
                        members,
                        tuple(titles[row] for row in rows),
                        tuple(owners[row] or "" for row in rows),
                        len({(title_keys[row], bodies[row]) for row in rows}) == 1,
                    )
                )
    return tuple(sorted(found, key=lambda cluster: (-len(cluster.ids), cluster.ids)))


def boilerplate(store: Store) -> list[dict[str, Any]]:
    """Return sentences that occur in many records, of an even sample of each side."""
    rows = []
    for side in ("achievements", "demands"):
        texts = [content for _, content in _sample(store, side)]
        counts: Counter[str] = Counter()
        for content in texts:
            counts.update(_sentences(content))
        least = max(BOILERPLATE_LEAST, int(BOILERPLATE_SHARE * len(texts)))
        rows += [
            {"side": side, "sentence": sentence, "records": number, "share": number / len(texts), "sample": len(texts)}
            for sentence, number in counts.most_common(200)
            if number >= least
        ]
    return rows


def ids_with_sentence(store: Store, side: str, sentence: str) -> list[str]:
    """Return the ids of the records of the sample that hold a sentence."""
    return [record_id for record_id, content in _sample(store, side) if sentence in _sentences(content)]


def _sample(store: Store, side: str) -> list[tuple[str, str]]:
    """Return id and body of up to `SAMPLE` records, evenly chosen by their revisions."""
    table = achievements if side == "achievements" else demands
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        last = connection.execute(sa.select(sa.func.max(table.c.revision))).scalar() or 0
        step = max(1, last // SAMPLE)
        # Revisions first, from their index: the records themselves are long.
        chosen = sa.select(table.c.revision).where(table.c.revision % step == 0)
        query = (
            sa.select(table.c.id, table.c.record).where(~table.c.deleted, table.c.revision.in_(chosen)).limit(SAMPLE)
        )
        return [(row.id, orjson.loads(row.record).get("content", "")) for row in connection.execute(query)]


def _sentences(content: str) -> set[str]:
    return {part.strip() for part in _SENTENCES.split(content) if len(part.strip()) >= SENTENCE}


def vague_demands(store: Store, engine: Engine | None, weights: Weights) -> list[dict[str, Any]]:
    """Return the newest open demands with how complete they are, with what was answered about them, the vaguest first."""
    table = demands
    query = (
        sa.select(table.c.id, table.c.record)
        .where(table.c.status.in_(OPEN_STATUSES), ~table.c.deleted)
        .order_by(table.c.revision.desc())
        .limit(VAGUE_LOOKED_AT)
    )
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        found = connection.execute(query).all()
        answers = read_clarifications(connection)
    rows = []
    for row in found:
        record = clarified(Demand.model_validate_json(row.record, context=STORED), answers.get(row.id, ()))
        judged = completeness(record, engine.model.graph if engine else None, weights)
        lacks = judged.lacks
        rows.append(
            {
                "id": record.demand_id,
                "title": record.title,
                "enterprise": record.enterprise,
                "score": judged.score,
                "answered": judged.answered,
                "answers": len(answers.get(row.id, ())),
                "lacks": "、".join(part.title for part in lacks),
                "ask": "；".join(ADVICE[part.name] for part in lacks[:2]),
            }
        )
    return sorted(rows, key=lambda row: row["score"])


def rejects(home: Path) -> list[dict[str, Any]]:
    """Return the lists of rejected rows that imports left: file, when, how many, what for most often."""
    rows = []
    for path in sorted((home / "rejects").glob("*.csv")):
        reasons: Counter[str] = Counter()
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            next(reader, None)
            for _, cells in zip(range(MAX_REJECTS), reader, strict=False):
                if len(cells) == 5:
                    reasons[f"{cells[2] or '整行'}：{cells[4]}"] += 1
        rows.append(
            {
                "file": path.name,
                "at": datetime.fromtimestamp(path.stat().st_mtime, UTC),
                "rows": sum(reasons.values()),
                "reasons": "；".join(f"{reason}（{number}）" for reason, number in reasons.most_common(3)),
            }
        )
    return rows


def reject_rows(home: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of one list of rejects, [] if there is no such list."""
    known = {path.name: path for path in (home / "rejects").glob("*.csv")}
    if name not in known:
        return []
    keys = ("file", "row", "column", "value", "reason")
    with known[name].open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader, None)
        return [dict(zip(keys, cells, strict=True)) for cells in reader if len(cells) == len(keys)][:MAX_REJECTS]
