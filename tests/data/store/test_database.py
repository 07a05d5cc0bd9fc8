import pytest
import sqlalchemy as sa

from data.errors import StoreError
from data.store.database import open_engine
from data.store.store import Store


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url:secret", "is no database URL; e.g. postgresql://user@host/name"),
        ("mysql://user@host/name", "database 'mysql' is not supported; use sqlite or postgresql"),
        ("sqlite+nonsense:///a.db", "Can't load plugin"),
        ("sqlite://", "the store needs a file"),
        (
            "postgresql://user:secret@127.0.0.1:1/name",
            r"store postgresql://user:\*\*\*@127.0.0.1:1/name: connection failed",
        ),
        ("sqlite:////proc/gongxu/store.db", "store /proc/gongxu/store.db: No such file"),
    ],
)
def test_unusable_stores_are_refused_in_one_line_without_passwords(url, message):
    with pytest.raises(StoreError, match=message) as caught:
        open_engine(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "store.db").write_text("certainly not a database, just some text")
    with pytest.raises(StoreError, match="file is not a database"):
        Store.open(f"sqlite:///{tmp_path / 'store.db'}")


def test_sqlite_writes_ahead_and_syncs(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'deep' / 'store.db'}")
    with engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2
    engine.dispose()


def test_a_failed_migration_leaves_nothing_behind(tmp_path):
    path = tmp_path / "store.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE events (x INTEGER)"))
    engine.dispose()
    with pytest.raises(StoreError, match="events already exists"):
        Store.open(f"sqlite:///{path}")
    engine = sa.create_engine(f"sqlite:///{path}")
    assert sa.inspect(engine).get_table_names() == ["events"]
    engine.dispose()
