"""What the store's keys and audit trail must do, on SQLite and on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest

from data.errors import InputError, NotFoundError
from data.store.keys import ApiKey, AuditEntry
from data.store.store import Store

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def keys(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path / 'store.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("new_postgresql")()
    )
    with Store.open(url) as store:
        yield store.api_keys


def key(name="平台", number=1, **fields):
    return ApiKey(f"{number:012x}", name, "backend", "d" * 64, NOON, **fields)


def test_keys_come_back_as_they_were(keys):
    made = [key("乙", 1), key("甲", 2, expires_at=NOON + timedelta(days=1))]
    for one in made:
        keys.add(one)
    assert sorted(keys.all(), key=lambda one: one.key_id) == made


def test_a_name_is_taken_once(keys):
    keys.add(key())
    with pytest.raises(InputError, match="平台"):
        keys.add(key(number=2))
    assert len(keys.all()) == 1


def test_revoked_and_expired_keys_are_not_valid(keys):
    keys.add(key(expires_at=NOON + timedelta(hours=2)))
    assert [keys.all()[0].valid(NOON + timedelta(hours=hours)) for hours in (1, 2, 3)] == [True, False, False]
    keys.revoke("平台", NOON)
    keys.revoke("平台", NOON + timedelta(hours=1))
    assert keys.all()[0].revoked_at == NOON
    assert not keys.all()[0].valid(NOON)


def test_unknown_name_names_near_ones(keys):
    keys.add(key("backend-1"))
    with pytest.raises(NotFoundError, match="backend-1"):
        keys.revoke("backend-2", NOON)


def test_trail_newest_first(keys):
    entries = [AuditEntry(NOON, "admin", "keys.add", f"第{n}个", "r") for n in range(3)]
    for entry in entries:
        keys.note(entry)
    assert keys.trail() == entries[::-1]
    assert keys.trail(limit=1) == entries[-1:]
