"""Bundles are swapped under load without anybody noticing. `SWAPS=100 pytest tests/e2e/test_serve_swaps.py` goes on longer."""

import os
import threading
import time

import httpx2

from matcher.bundle import set_current
from tests.e2e.servers import copy_of, served, wait_until

SWAPS = int(os.environ.get("SWAPS", "4"))
URL = "/v1/recommendations/achievements"


def test_swaps_under_load_fail_no_request_and_leave_no_cliff(platform, tmp_path):
    home = copy_of(platform, tmp_path / "home")
    versions: set[str] = set()
    failures: list[str] = []
    seconds: list[tuple[bool, float]] = []  # whether a swap was under way, time of the request
    swapping = threading.Event()
    over = threading.Event()

    def ask(url: str, side: str, explain: str) -> None:
        with httpx2.Client(base_url=url, timeout=60) as client:
            while not over.is_set():
                during, started = swapping.is_set(), time.perf_counter()
                answer = client.post(
                    f"/v1/recommendations/{side}", json={"text": "污泥低温干化设备", "explain": explain}
                )
                seconds.append((during or swapping.is_set(), time.perf_counter() - started))
                if answer.status_code != 200:
                    failures.append(answer.text)
                    return
                versions.add(answer.json()["bundle_version"])
                time.sleep(0.02)

    with served(home, serve_cache=0) as (url, _):
        work = [(url, "achievements", "none"), (url, "demands", "none"), (url, "achievements", "brief")]
        askers = [threading.Thread(target=ask, args=arguments) for arguments in work]
        for asker in askers:
            asker.start()
        time.sleep(1.0)
        for number in range(SWAPS):
            wanted = (platform.built, platform.trained)[number % 2].name
            swapping.set()
            set_current(home / "bundles", wanted)
            wait_until(lambda wanted=wanted: httpx2.get(f"{url}/readyz").json()["bundle_version"] == wanted, 120)
            swapping.clear()
            time.sleep(0.1)
        over.set()
        for asker in askers:
            asker.join(60)
    assert failures == []
    assert versions == {platform.built.name, platform.trained.name}
    quiet = sorted(taken for during, taken in seconds if not during)
    busy = sorted(taken for during, taken in seconds if during)
    for name, taken in (("without", quiet), ("during", busy)):
        p50, p99 = taken[len(taken) // 2], taken[int(0.99 * len(taken))]
        print(f"{name} a swap: {len(taken)} requests, p50 {p50:.3f} s, p99 {p99:.3f} s, slowest {taken[-1]:.3f} s")
    # A cliff is a request that waits for the loading or compiling of a bundle; a busy machine alone gives some tenths.
    assert busy[-1] < 2.0 + 5 * quiet[-1]
