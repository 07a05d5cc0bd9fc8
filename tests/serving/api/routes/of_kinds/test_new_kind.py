"""A kind declared by one file is imported, indexed, recommended, filtered, explained and shown like the others."""

import re
from datetime import UTC, datetime

import pytest

from data.errors import InputError
from data.files.importer import import_paths
from data.kinds.registry import load_kinds
from data.settings import settings as environment
from data.store.operators import Operator
from data.store.store import Store
from serving.dashboard.accounts.access import Role, hash_password
from tests.serving.conftest import copy_of, running, wait_for

INCUBATOR = """
name = "incubator"
label = "孵化空间"
role = "supply"
lifetime_days = 365
reason = "该空间"

[aliases]
title = ["空间名称"]
provider = ["运营单位"]

[[fields]]
name = "desks"
label = "工位数"
type = "integer"
unit = "个"

[[fields]]
name = "rent"
label = "工位租金"
type = "number"
unit = "元/月"
filtered = true
against = "budget"

[[fields]]
name = "stage"
label = "入驻阶段"
type = "label"
choices = ["苗圃", "孵化", "加速"]
matched = true
filtered = true

[[fields]]
name = "used"
label = "已用工位"
type = "integer"
unit = "个"
at_most = "desks"
"""
TABLE = (
    "空间名称,运营单位,简介,工位数,工位租金,入驻阶段,已用工位,所在地区,发布日期\n"
    "海创新材料孵化器,海创公司,提供新材料中试场地和检测平台,120,800元/月,孵化,60,浙江杭州余杭区,2024年3月1日\n"
    "满员新材料孵化器,满员公司,提供新材料中试场地和检测平台,50,500元/月,孵化,50,浙江杭州余杭区,2024年3月1日\n"
    "云谷软件加速器,云谷公司,软件企业办公与投融资对接,300,1500元/月,加速,10,北京市海淀区,2024年3月1日\n"
)


@pytest.fixture(scope="module")
def home(platform, tmp_path_factory):
    """A copy of the platform that declares the kind and has imported a table of it."""
    folder = tmp_path_factory.mktemp("incubators")
    site = copy_of(platform, folder / "home")
    (site.home / "kinds").mkdir()
    (site.home / "kinds" / "incubator.toml").write_text(INCUBATOR, encoding="utf-8")
    (folder / "空间清单.csv").write_text(TABLE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, Store.open(site.store_url) as store:
        patch.setenv("GONGXU_HOME", str(site.home))
        environment.cache_clear()
        (result,) = import_paths(store, [folder / "空间清单.csv"], rejects=folder).files
        store.operators.add(Operator("manager", Role.MANAGER.value, hash_password("right-password"), datetime.now(UTC)))
    environment.cache_clear()
    assert (result.kind.value, result.inserted, result.rejected) == ("incubator", 3, 0)  # recognised by its columns
    return site


@pytest.fixture(scope="module")
def client(home):
    with running(home) as client:
        yield client


def spaces(client, **more):
    asked = {"for": {"text": "需要新材料中试场地"}, "kinds": {"incubator": 3}, "as_of": "2024-06-30"} | more
    answer = client.post("/v1/recommendations", json=asked).json()
    return answer["kinds"][0]["items"]


def test_it_is_recommended_with_reasons_and_rules(client):
    wait_for(lambda: spaces(client))
    items = spaces(client)
    assert [item["title"] for item in items] == ["海创新材料孵化器", "云谷软件加速器"]  # the full one takes nobody more
    assert "中试" in items[0]["reasons"][0]
    assert items[0]["reasons"][0].startswith("该空间")
    assert items[0]["attributes"]["desks"] == 120
    assert spaces(client, as_of="2025-06-30") == []  # 365 days after its day


def test_lists_are_narrowed_and_requirements_are_shown(client):
    assert [item["title"] for item in spaces(client, conditions={"stage": "加速"})] == ["云谷软件加速器"]
    assert [item["title"] for item in spaces(client, conditions={"rent": 1000})] == ["海创新材料孵化器"]
    first, second = spaces(client, requirements={"stage": "孵化", "desks": 200})
    assert [(one["field"], one["status"]) for one in first["requirements"]] == [("stage", "met"), ("desks", "met")]
    assert [one["status"] for one in second["requirements"]] == ["missed", "missed"]
    assert second["requirements"][1]["text"] == "工位数300 个：不满足（要求不超过200 个）"
    asked = {"for": {"demand": {"demand_id": "X", "title": "新材料中试场地", "budget_max": 900}}}
    rents = [item["requirements"][0]["status"] for item in spaces(client, **asked)]
    assert rents == ["met", "missed"]  # what the demand itself states
    answer = client.post(
        "/v1/recommendations",
        json={"for": {"text": "中试"}, "kinds": {"incubator": 1}, "requirements": {"colour": "red"}},
    )
    assert answer.status_code == 422


def test_it_is_listed_read_and_written(client):
    kinds = {kind["name"]: kind for kind in client.get("/v1/kinds").json()["kinds"]}
    assert (kinds["incubator"]["label"], kinds["incubator"]["records"]) == ("孵化空间", 3)
    assert kinds["achievement"]["records"] == 80
    assert client.put("/v1/records/incubator/N1", json={"title": "空间", "stage": "退出"}).status_code == 422
    assert "/v1/achievements" in client.get("/v1/records/achievement/A0000001").json()["detail"]


def test_the_dashboard_shows_it(client):
    origin = {"Origin": "http://localhost"}
    sent = {"name": "manager", "password": "right-password"}
    client.post("/dashboard/login", data=sent, headers=origin, follow_redirects=False)
    assert "孵化空间" in client.get("/dashboard/kinds").text
    listed = client.get("/dashboard/kinds/records", params={"kind": "incubator"}).text
    assert "工位租金（元/月）" in listed
    assert "海创新材料孵化器" in listed
    record_id = re.search(r"kind=incubator&amp;id=(auto-[0-9a-f]+)", listed)[1]
    record = client.get("/dashboard/kinds/record", params={"kind": "incubator", "id": record_id}).text
    assert "入驻阶段" in record
    asked = {"text": "需要新材料中试场地", "kind": "incubator", "as_of": "2024-06-30"}
    found = client.get("/dashboard/kinds", params=asked).text
    assert "没有符合条件的记录" in client.get("/dashboard/kinds", params=asked | {"as_of": "2025-06-30"}).text
    assert "该空间与需求都提到" in found


def test_achievements_answer_beside_it_as_they_do_alone(client):
    alone = client.post("/v1/recommendations/achievements", json={"demand_id": "D000003", "top_k": 5}).json()
    asked = {"for": {"demand_id": "D000003"}, "kinds": {"achievement": 5, "incubator": 1}}
    beside = client.post("/v1/recommendations", json=asked).json()["kinds"][0]
    assert [(item["id"], item["probability"]) for item in beside["items"]] == [
        (item["id"], item["probability"]) for item in alone["items"]
    ]
    assert beside["answered"] == alone["answered"]


def test_a_platform_may_not_take_a_table_of_its_own(tmp_path):
    (tmp_path / "incubator.toml").write_text(INCUBATOR.replace('role = "supply"', 'role = "supply"\nown_table = true'))
    with pytest.raises(InputError, match="own_table is for the kinds that ship"):
        load_kinds(tmp_path)
