"""Partitions in one process: their order, what is reported, and what is said where Ray is missing."""

import socket
import sys

import pytest

from data.cluster.ray_workers import open_workers
from data.cluster.workers import Workers
from data.errors import ClusterError, SettingsError


def joined(shared: str, part: str) -> str:
    return f"{part}{shared}"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_results_come_in_the_order_of_the_partitions(size):
    reported = []
    workers = Workers(lambda done, total: reported.append((done, total)), size)
    parts = workers.parts("abcdefg")
    assert "".join(parts) == "abcdefg"
    assert "".join(workers.map(joined, parts, "")) == "abcdefg"
    assert reported == [(number, len(parts)) for number in range(1, len(parts) + 1)]
    assert {len(part) for part in parts[:-1]} <= {size}


def test_nothing_is_cut_into_no_partitions():
    assert Workers().parts([]) == []
    assert list(Workers().map(joined, [], "")) == []


def test_without_ray_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
        monkeypatch.setenv(name, "")  # what this sets of them is gone afterwards
    with pytest.raises(SettingsError, match=r"pip install 'gongxu\[cluster\]'"), open_workers("local", print):
        pytest.fail("there is no Ray to work on")


@pytest.mark.parametrize("address", ["somewhere", ":6379", "127.0.0.1:port", "127.0.0.1:70000"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SettingsError, match="give HOST:PORT"), open_workers(address, print):
        pytest.fail("there is no such address")


def test_where_nothing_listens_one_line_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    expected = rf"^no Ray cluster can be used at --cluster 127\.0\.0\.1:{port}: .*refused[^\n]*$"
    with open_workers(f"127.0.0.1:{port}", print) as workers:
        # What one partition holds needs no cluster, and none is asked for.
        assert list(workers.map(joined, [["a", "b"]], "-")) == [joined("-", ["a", "b"])]
        with pytest.raises(ClusterError, match=expected):
            list(workers.map(joined, [["a"], ["b"]], "-"))


def test_without_an_address_this_process_works():
    with open_workers("", print) as workers:
        assert type(workers) is Workers
