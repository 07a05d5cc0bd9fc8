"""Which bundle serves: none, a new one, a damaged one; and the records written since it was built."""

import gc
import shutil
import subprocess
import sys
import time
from pathlib import Path

from data.records import Achievement
from data.store.store import Store
from matcher.bundle import set_current
from tests.serving.conftest import quick, running, wait_for

URL = "/v1/recommendations/achievements"


def ready(client):
    return client.get("/readyz").json()


def test_without_a_bundle_503_until_there_is_one(site):
    bundles = site.bundles
    aside = bundles.with_name("aside")
    bundles.rename(aside)
    with running(site) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        answer = client.post(URL, json={"text": "污泥干化"})
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:gongxu:problem:no-bundle"
        assert int(answer.headers["Retry-After"]) > 0
        aside.rename(bundles)
        wait_for(lambda: client.get("/readyz").status_code == 200)
        assert client.post(URL, json={"text": "污泥干化"}).status_code == 200


def test_new_bundle_is_swapped_in(client, site, platform):
    assert ready(client)["bundle_version"] == platform.trained.name
    set_current(site.bundles, platform.built.name)
    wait_for(lambda: ready(client)["bundle_version"] == platform.built.name)
    assert ready(client)["status"] == "degraded"  # no ranker
    answer = client.post(URL, json={"text": "污泥干化设备"}).json()
    assert answer["degraded"]
    assert answer["bundle_version"] == platform.built.name


def test_damaged_bundle_leaves_the_old_one_serving(client, site, platform):
    copy = site.bundles / "99990101-000000"
    shutil.copytree(platform.built, copy)
    victim = max((path for path in copy.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    set_current(site.bundles, copy.name)
    rejected = wait_for(lambda: ready(client)["rejected_bundle"])
    assert rejected["version"] == copy.name
    assert victim.name in rejected["reason"]
    assert str(site.home) not in rejected["reason"]
    assert ready(client)["bundle_version"] == platform.trained.name
    assert client.post(URL, json={"text": "污泥干化设备"}).status_code == 200
    set_current(site.bundles, platform.trained.name)
    wait_for(lambda: ready(client)["rejected_bundle"] is None)


def test_pointer_to_nothing_is_reported(client, site, platform):
    set_current(site.bundles, "20990101-000000")
    assert wait_for(lambda: ready(client)["rejected_bundle"])["version"] == "20990101-000000"
    assert ready(client)["bundle_version"] == platform.trained.name


NEW = Achievement(achievement_id="A-新", title="石墨烯海水淡化膜组件", content="石墨烯膜，脱盐率99.8%，海水淡化")


def found(client, record_id):
    items = client.post(URL, json={"text": "石墨烯膜海水淡化，脱盐率高", "top_k": 20}).json()["items"]
    return record_id in [item["id"] for item in items]


def test_records_of_another_process_are_found_forgotten_and_survive_restarts(site):
    with running(site) as client, Store.open(site.store_url) as store:
        assert not found(client, NEW.achievement_id)
        store.upsert_achievements([NEW])
        started = time.monotonic()
        wait_for(lambda: found(client, NEW.achievement_id))
        assert time.monotonic() - started < 1.0
    with running(site) as client:
        assert found(client, NEW.achievement_id)  # replayed before the first request
        before = ready(client)["achievements"]
        with Store.open(site.store_url) as store:
            store.delete_achievement(NEW.achievement_id)
        wait_for(lambda: not found(client, NEW.achievement_id))
        assert ready(client)["achievements"] == before - 1
    with running(site) as client:
        assert not found(client, NEW.achievement_id)


def test_records_written_since_are_in_the_new_bundles_engine_too(client, site, platform):
    with Store.open(site.store_url) as store:
        store.upsert_achievements([NEW])
    wait_for(lambda: found(client, NEW.achievement_id))
    set_current(site.bundles, platform.built.name)
    wait_for(lambda: ready(client)["bundle_version"] == platform.built.name)
    assert found(client, NEW.achievement_id)


def break_store(site):
    """Put a folder where the database should be, so that it cannot be opened; return a function that mends it."""
    database, aside = site.home / "store.db", site.home / "aside.db"
    database.rename(aside)
    database.mkdir()

    def mend():
        database.rmdir()
        aside.rename(database)

    return mend


def test_store_that_goes_away_leaves_texts_answered_and_comes_back(client, site):
    mend = break_store(site)
    client.app.state.services.access.close()
    wait_for(lambda: ready(client)["store"] == "unreachable")
    assert client.get("/readyz").status_code == 200
    assert client.post(URL, json={"text": "污泥干化设备"}).status_code == 200
    answer = client.post(URL, json={"demand_id": "D000001"})
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:gongxu:problem:store-unavailable"
    assert str(site.home) not in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    mend()
    wait_for(lambda: client.post(URL, json={"demand_id": "D000001"}).status_code in (200, 404))
    wait_for(lambda: ready(client)["store"] == "ok")


def test_nobody_is_served_before_the_keys_could_be_read(site):
    mend = break_store(site)
    with running(site) as client:
        assert client.get("/healthz").status_code == 200
        assert client.post(URL, json={"text": "污泥干化设备"}).status_code == 503
        mend()
        wait_for(lambda: client.post(URL, json={"text": "污泥干化设备"}).status_code == 200)


ONLY_TRAINING = (
    *("torch", "mlflow", "sentence_transformers", "training", "lightgbm", "sklearn"),
    *("matplotlib", "optuna", "bm25s", "jieba"),  # pyarrow imports pandas wherever that is installed
)


def test_server_imports_nothing_that_only_training_needs(platform):
    program = (
        "import sys\n"
        "from fastapi.testclient import TestClient\n"
        "from serving.launch.process import app_of_process\n"
        "with TestClient(app_of_process(), base_url='http://localhost', client=('127.0.0.1', 1)) as client:\n"
        f"    answer = client.post('{URL}', json={{'text': '污泥干化设备', 'explain': 'full'}})\n"
        "assert answer.status_code == 200, answer.text\n"
        f"unwanted = {ONLY_TRAINING!r}\n"
        "print(*[name for name in unwanted if name in sys.modules])\n"
    )
    environment = {"GONGXU_HOME": str(platform.settings.home), "GONGXU_THREADS": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == ""


def test_settings_of_the_server_can_be_read(site):
    assert quick(site).serve_poll == 0.05


def test_a_server_that_ended_holds_no_file_of_its_bundle(site):
    def held() -> list[str]:
        links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return [link for link in links if link.startswith(str(site.bundles))]

    with running(site) as client:
        assert client.get("/v1/demands").status_code == 200
        assert held()
    gc.collect()
    assert held() == []
