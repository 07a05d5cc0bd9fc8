"""Digests, quiet hours, retries and signatures: pure functions of moments."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.dates import CHINA_STANDARD_TIME
from data.errors import InputError
from data.standing.schedule import RETRIES, due_at, next_attempt
from data.standing.signing import headers, new_secret, secret_bytes, signature
from data.standing.types import Digest, QuietHours

NIGHT = QuietHours(time(22), time(8))


def china(day, hour, minute=0):
    return datetime(2026, 6, day, hour, minute, tzinfo=CHINA_STANDARD_TIME)


@pytest.mark.parametrize(
    ("found", "digest", "quiet", "due"),
    [
        (china(1, 15), Digest.AT_ONCE, None, china(1, 15)),
        (china(1, 23), Digest.AT_ONCE, NIGHT, china(2, 8)),
        (china(1, 3), Digest.AT_ONCE, NIGHT, china(1, 8)),
        (china(1, 8), Digest.AT_ONCE, NIGHT, china(1, 8)),
        (china(1, 13), Digest.AT_ONCE, QuietHours(time(12), time(14)), china(1, 14)),
        (china(1, 8), Digest.DAILY, None, china(1, 9)),
        (china(1, 9), Digest.DAILY, None, china(2, 9)),
        (china(1, 10), Digest.DAILY, QuietHours(time(8), time(10, 30)), china(2, 10, 30)),
        (china(1, 10), Digest.WEEKLY, None, china(8, 9)),  # 1 June 2026 is a Monday
        (china(3, 10), Digest.WEEKLY, None, china(8, 9)),
    ],
)
def test_news_are_due_by_digest_and_quiet_hours_in_china(found, digest, quiet, due):
    assert due_at(found.astimezone(UTC), digest, quiet) == due


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 30)), st.sampled_from(Digest), st.times(), st.times())
def test_news_are_never_due_early_nor_in_quiet_hours(found, digest, begin, end):
    begin, end = begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    quiet = None if begin == end else QuietHours(begin, end)
    due = due_at(found.replace(tzinfo=UTC), digest, quiet)
    assert due >= found.replace(tzinfo=UTC)
    assert due - found.replace(tzinfo=UTC) <= timedelta(days=9)
    if quiet is not None:
        assert not quiet.hold(due.astimezone(CHINA_STANDARD_TIME).time())


def test_pauses_grow_as_the_specification_proposes_and_end():
    now = china(1, 9)
    pauses = [next_attempt(failed, now, 0.0) - now for failed in range(1, len(RETRIES) + 1)]
    assert pauses == list(RETRIES)
    assert pauses == sorted(pauses)
    assert next_attempt(len(RETRIES) + 1, now, 0.0) is None
    assert next_attempt(1, now, 0.5) - now == timedelta(seconds=5.5)
    assert next_attempt(1, now, 0.0, timedelta(minutes=2)) - now == timedelta(minutes=2)
    assert next_attempt(1, now, 0.0, timedelta(days=99)) - now == timedelta(days=1)


def test_signatures_are_those_of_the_specification():
    # The vector that the specification's reference libraries test themselves by.
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime.fromtimestamp(1614265330, UTC)
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body) == expected
    sent = headers(secret, "m1", at, body)
    assert sent["webhook-timestamp"] == "1614265330"
    assert signature(secret, "m2", at, body) != sent["webhook-signature"]
    assert len(secret_bytes(new_secret())) == 32


@pytest.mark.parametrize(
    "secret", ["", "abc", "whsec_", "whsec_!!!", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_an_unusable_secret_is_refused(secret):
    with pytest.raises(InputError, match="secret"):
        secret_bytes(secret)
