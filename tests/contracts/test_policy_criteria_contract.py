"""What the store's approved criteria must do, on SQLite and on a real PostgreSQL."""

from datetime import UTC, date, datetime

import pytest

from data.store.eligibility.policy_criteria import WITHDRAWN, ApprovedDocument
from data.store.store import Store

NOW = datetime(2024, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path / 'store.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("new_postgresql")()
    )
    with Store.open(url) as opened:
        yield opened


def document(policy_id="P1", start=date(2024, 1, 1), body="{}", status="approved"):
    return ApprovedDocument(policy_id, start, None, "d" * 64, body, "张三", NOW, status)


def test_documents_come_back_as_they_were(store):
    written = [document(), document("P2", None, '{"a": "“条件”"}')]
    assert store.policy_criteria.append(written) == 2
    assert store.policy_criteria.latest() == written
    assert store.policy_criteria.latest("P2") == written[1:]
    assert store.policy_criteria.append([]) == 0


def test_the_last_approval_of_a_version_counts(store):
    store.policy_criteria.append([document(body="1"), document("P2"), document(start=date(2025, 1, 1), body="2")])
    store.policy_criteria.append([document(body="3"), document("P2", status=WITHDRAWN)])
    assert [one.document for one in store.policy_criteria.latest()] == ["2", "3"]
