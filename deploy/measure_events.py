"""What many events cost a store on PostgreSQL: import, sizes, aggregates, pg_dump and pg_restore.

`python -m deploy.measure_events FOLDER --events 10000000`, where FOLDER does not exist yet.
"""

import argparse
import random
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import sqlalchemy as sa

from data.records import Demand, EventKind, OutcomeEvent
from data.store.store import Store
from deploy.postgresql import binaries, local_postgresql

DEMANDS, ACHIEVEMENTS = 20_000, 100_000
STEP = 500_000  # events between two lines
KINDS = [EventKind.IMPRESSION] * 90 + [EventKind.CLICK] * 7 + [EventKind.CONTACT] * 2 + [EventKind.DEAL]
# As docs/operations.md recommends for a server with 4 GB for PostgreSQL.
SETTINGS = "-c shared_buffers=1GB -c max_wal_size=2GB -c checkpoint_timeout=15min -c maintenance_work_mem=256MB"


def made(number: int, seed: int) -> Iterator[OutcomeEvent]:
    """Yield events of two years in the order of time, lists of ten impressions and the outcomes that followed."""
    lot = random.Random(seed)  # noqa: S311 - figures, no secret
    begin, pause = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=730) / number
    for place in range(number):
        if place % 10 == 0:
            demand, moment = f"D{lot.randrange(DEMANDS):06d}", begin + pause * place
        yield OutcomeEvent(
            event_id=f"{lot.getrandbits(128):032x}",
            demand_id=demand,
            achievement_id=f"A{lot.randrange(ACHIEVEMENTS):06d}",
            kind=lot.choice(KINDS),
            occurred_at=moment,
            bundle_version="20240101-000000",
        )


def timed(name: str, work: Callable[[], object]) -> None:
    """Call `work` and print how long it took."""
    begun = monotonic()
    work()
    print(f"{name:58} {monotonic() - begun:10.2f} s", flush=True)


def import_all(store: Store, number: int) -> None:
    """Import events as `gongxu import` does, and print how fast."""
    imported = store.imports.start("measure", datetime.now(UTC))
    source, done, begun = made(number, 7), 0, monotonic()
    while done < number:
        part = list(islice(source, min(STEP, number - done)))
        before, cpu = monotonic(), process_time()
        store.imports.append(imported, part)
        done += len(part)
        rate, busy = len(part) / (monotonic() - before), process_time() - cpu
        print(f"events {done:>11,}: {rate:8,.0f} a second, {busy:6.1f} s CPU of the command", flush=True)
    print(f"{'import':58} {monotonic() - begun:10.2f} s", flush=True)


def ask(store: Store) -> None:
    """Print what reading costs: counts, a demand's events, a period, the whole log, counting everything again."""
    engine = store.engine

    def one(text: str) -> list[sa.Row[Any]]:
        with engine.connect() as connection:
            return list(connection.execute(sa.text(text)))

    timed("number of events", store.counts)
    timed("events of one demand", lambda: one("SELECT * FROM events WHERE demand_id = 'D000077'"))
    timed("one event by its id", lambda: one("SELECT * FROM events WHERE event_id = 'none'"))
    days = "SELECT kind, sum(number) FROM daily_counts WHERE dimension = 'all' GROUP BY kind"
    timed("funnel of two years, from the counts kept by day", lambda: one(days))
    month = (
        "SELECT kind, count(DISTINCT demand_id) FROM events "
        "WHERE occurred_at >= '2025-03-01' AND occurred_at < '2025-04-01' AND kind IN ('click', 'contact') GROUP BY kind"
    )
    timed("demands with clicks and contacts in one month, by event", lambda: one(month))
    timed("clicks and later, read in order", lambda: sum(1 for _ in store.events([EventKind.CLICK, EventKind.DEAL])))
    sizes = (
        "SELECT coalesce(i.inhparent, c.oid)::regclass::text AS name, sum(pg_table_size(c.oid)) AS rows, "
        "sum(pg_indexes_size(c.oid)) AS indexes FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 2 DESC LIMIT 4"
    )
    for row in one(sizes):
        print(f"size of {row.name:50} {row.rows / 2**20:8.0f} MiB and {row.indexes / 2**20:8.0f} of indexes")


def statement(url: str, text: str) -> None:
    """Execute a statement for the whole server."""
    admin = sa.create_engine(
        url.format("postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(sa.text(text))
    admin.dispose()


def save(server: str, folder: Path) -> None:
    """Print what pg_dump and pg_restore cost; the store makes room for what is restored."""
    url, empty = server.format("gongxu"), server.format("restored")
    programs, dump = binaries(), folder / "store.dump"
    timed("pg_dump --format custom", lambda: subprocess.run([programs / "pg_dump", "-Fc", "-f", dump, url], check=True))  # noqa: S603
    print(f"size of the dump {dump.stat().st_size / 2**20:8.0f} MiB", flush=True)
    statement(server, "DROP DATABASE gongxu")
    restore = [str(programs / "pg_restore"), "-j", "2", "-d", empty, str(dump)]
    timed("pg_restore -j 2", lambda: subprocess.run(restore, check=True))  # noqa: S603


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--no-dump", action="store_true")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True)
    with local_postgresql(chosen.folder, settings=SETTINGS) as server:
        for name in ("gongxu", "restored"):
            statement(server.url, f"CREATE DATABASE {name} TEMPLATE template0")
        url = server.url.format("gongxu")
        with Store.open(url) as store:
            demands = (
                Demand(demand_id=f"D{place:06d}", title=f"需求 {place}", field="新材料") for place in range(DEMANDS)
            )
            timed("demands", lambda: store.upsert_demands(demands))
            import_all(store, chosen.events)
            ask(store)
        if not chosen.no_dump:
            save(server.url, chosen.folder)
            with Store.open(server.url.format("restored")) as store:
                print(f"restored: {store.counts()}")


if __name__ == "__main__":
    main()
