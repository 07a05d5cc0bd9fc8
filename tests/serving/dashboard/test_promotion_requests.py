"""A promotion asked for on the dashboard, whose server died: it is shown as such and does not block the next one."""

import os
from datetime import UTC, datetime

from data.locks import taken
from serving.dashboard import promotion

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_promotion_that_died_is_no_running_one(tmp_path):
    request = promotion.Request(
        number="20260501-000000-abcdef", action="promote", version="v", who="operator an", why="", asked_at=NOW
    )
    lock = taken(tmp_path / promotion.FOLDER / f".{request.number}.lock")
    promotion._write(tmp_path, request)
    assert promotion.requests(tmp_path)[0].state == promotion.RUNNING
    os.close(lock)  # as the system does when a process ends, however it ends
    (told,) = promotion.requests(tmp_path)
    assert (told.state, told.message) == (promotion.FAILED, promotion.DIED)
    promotion._write(tmp_path, request.model_copy(update={"state": promotion.DONE}))
    assert promotion.requests(tmp_path)[0].state == promotion.DONE
