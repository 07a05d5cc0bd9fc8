import pytest

from data.locks import BusyError, exclusive, held, in_turn, taken


def test_one_at_a_time_and_who_it_is(tmp_path):
    path = tmp_path / "home" / "work.lock"
    assert not held(path)
    with exclusive(path, "build", "构建"):
        assert held(path)
        with (
            pytest.raises(BusyError, match=r"another build is running \(process \d+ since") as caught,
            exclusive(path, "build", "构建"),
        ):
            pytest.fail("both hold it")
        assert "另一项构建正在进行" in caught.value.chinese
    assert not held(path)
    with in_turn(path):
        assert held(path)
    assert not held(path)


def test_a_lock_that_is_taken_is_given_back_by_closing(tmp_path):
    import os

    path = tmp_path / "lock"
    first = taken(path)
    assert first is not None
    assert taken(path) is None
    os.close(first)
    second = taken(path)
    assert second is not None
    os.close(second)
