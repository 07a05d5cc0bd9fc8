"""No answer of the API tells a caller six characters in a row of what is hidden from them; grants open what they say."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from data.store.store import Store
from data.taxonomy.industry_chain import Chain, ChainNode
from matcher.engine import Engine
from serving.access.credentials import add_key
from serving.access.disclosure.grams import RUN
from serving.access.roles import Role
from tests.serving.conftest import wait_for
from tests.some import some

NEED = "污泥低温干化，含水率降到40%以下，处理能力每日10吨"
GB2312 = [bytes((high, low)).decode("gb2312") for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFA)]
LEVELS = ("摘要公开", "授权", "保密")
NOBODY = {"Gongxu-Viewer": "nobody"}
PARAMETERS = {
    "kind": "expert",
    "number": "1",
    "term": "污泥干化",
    "state": None,
    "as_of": "2026-05-01",
    "broker_id": "B1",
    "demands": "1",
    "name": "某大学",
    "source_id": "henan",
    "chain_id": "c",
    "node_id": "n",
}


class Planted:
    """Records whose hidden fields hold random text beside what the engine reads."""

    def __init__(self, level, seed):
        self.level, self.random = level, random.Random(seed)
        self.secrets = []
        mark = "ABC"[LEVELS.index(level)]
        self.ids = {"demand": f"D-{mark}", "achievement": f"A-{mark}", "expert": f"E-{mark}", "firm": f"F-{mark}"}
        shown = "污泥低温干化" if level != "保密" else self.secret()
        common = {"title": shown, "visibility": level, "region": "410100"}
        text = {"content": f"{NEED}。{self.secret()}", "extra": {"备注": self.secret()}}
        words = [self.secret()] if level != "摘要公开" else []
        self.bodies = {
            "/v1/demands/": common | text | {"kpis": f"{NEED}，{self.secret()}", "keywords": words},
            "/v1/achievements/": common
            | text
            | {"indicators": f"含水率35%，{self.secret()}", "experts": [self.secret()]},
            "/v1/records/expert/": common
            | text
            | {"person_name": self.secret(), "outputs": f"{NEED}\n{self.secret()}"},
            "/v1/records/firm/": common | text | {"main_products": self.secret()},
        }
        if level == "授权":
            self.bodies["/v1/records/expert/"]["academic_title"] = self.secret()

    def secret(self):
        text = "".join(self.random.choices(GB2312, k=14))
        self.secrets.append(text)
        return text

    def write(self, client):
        ids = {"/v1/demands/": "demand", "/v1/achievements/": "achievement"}
        for path, body in self.bodies.items():
            kind = ids.get(path, path.split("/")[-2])
            own = {f"{kind}_id": self.ids[kind]} if path in ids else {}
            answer = client.put(path + self.ids[kind], json=body | own)
            assert answer.status_code == 200, answer.text
        order = {"demand_id": self.ids["demand"], "client": self.secret(), "operator": "张三", "note": self.secret()}
        number = client.post("/v1/orders", json=order | {"token": self.level}).json()["number"]
        listed = {"action": "shortlist", "kind": "expert", "record_id": self.ids["expert"], "operator": "张三"}
        assert client.post(f"/v1/orders/{number}/steps", json=listed | {"token": f"{self.level}-1"}).status_code == 200

    def leaks(self, said):
        return [s[i : i + RUN] for s in self.secrets for i in range(len(s) - RUN + 1) if s[i : i + RUN] in said]


@pytest.fixture(scope="module")
def server(platform, tmp_path_factory):
    from tests.serving.conftest import copy_of, running

    site = copy_of(platform, tmp_path_factory.mktemp("disclosure") / "home")
    site = site.model_copy(update={"evidence": "restricted"})
    with running(site) as client:
        planted = [Planted(level, seed) for seed, level in enumerate(LEVELS)]
        for one in planted:
            one.write(client)
        with Store.open(site.store_url) as store:
            store.chains.put(Chain("c", "环保", (ChainNode("n", "污泥低温干化"),)), datetime.now(UTC))
            client.keys = {role: add_key(store, role.value, role) for role in Role}
        client.planted, client.store_url = planted, site.store_url
        wait_for(lambda: client.get("/v1/kinds").status_code == 401)
        wait_for(lambda: found(client, "D-B"))
        yield client


def as_role(client, role):
    client.headers["Authorization"] = f"Bearer {client.keys[role]}"
    return client


def found(client, demand_id):
    answer = as_role(client, Role.ADMIN).get(f"/v1/demands/{demand_id}/similar")
    return answer.status_code == 200


def bodies(ids):
    """Return a body for each operation that takes one."""
    pair = {"demand_id": ids["demand"], "achievement_id": ids["achievement"]}
    by_text, full = {"text": NEED}, {"explain": "full", "top_k": 200}
    event = pair | {"event_id": "x1", "kind": "click", "occurred_at": "2026-01-01T09:00:00+08:00"}
    return {
        "recommend_achievements": pair | full | {"gaps": True},
        "recommend_demands": pair | full,
        "batch_achievements": {"requests": [by_text | full, {"demand_id": ids["demand"]} | full]},
        "batch_demands": {"requests": [by_text | full, {"achievement_id": ids["achievement"]} | full]},
        "recommend_several": {"for": by_text, "kinds": {"expert": 10, "achievement": 10}},
        "post_clarification": {"question_id": "budget", "answer": "100万元"},
        "post_eligibility": {"as_of": "2026-05-01", "firm": ids["firm"]},
        "structure_demand": by_text,
        "post_outcomes": [event | {"record_id": ids["expert"]}],
        "put_firm": {},
        "act_on_match": pair | {"kind": "move", "value": "sent", "operator": "张三", "token": "t1"},
        "undo_action": pair | {"operator": "张三"},
        "dispatch_demands": {"operator": "张三", "dry_run": True, "demand_ids": [ids["demand"]]},
        "hand_over_assignments": {"broker_id": "B1", "to": "B2", "operator": "张三"},
        "publish_order": {
            "demand_id": ids["demand"],
            "operator": "张三",
            "token": f"o-{ids['demand']}",
            "client": "甲",
        },
        "step_order": {
            "action": "order",
            "kind": "expert",
            "record_id": ids["expert"],
            "operator": "张三",
            "token": "o2",
        },
        "step_assignment": {"state": "accepted", "operator": "张三", "token": "t2"},
        "post_events": [event],
        "reload": {},
        "ask_disclosure": {"kind": "demand", "record_id": ids["demand"], "purpose": "合作"},
        "decide_disclosure": {"decision": "deny"},
        "export_person": {"name": "张三"},
        "post_evaluations": [
            {"token": "t1", "provider": "甲", "evaluator": "乙", "at": "2026-01-01T09:00:00Z"}
            | dict.fromkeys(("result", "response", "skill", "conduct"), 4)
        ],
        "put_source": {"name": "某省"},
        "post_batch": {"cursor": 1, "records": []},
        "review_providers": {"dry_run": True},
        "act_on_provider": {"name": "甲", "action": "confirm"},
        "erase_person_data": {"name": "张三", "records": []},
    }


WRITES = ("put_achievement", "put_demand", "put_record")  # they echo an id, and what they get is the caller's own


def operations(client):
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/") and operation["operationId"] not in WRITES:
                yield method, path, operation


def example_of(content):
    """Return the example of a body that `bodies` does not know, an empty one if there is none."""
    named = [one["value"] for one in content.get("examples", {}).values() if isinstance(one, dict) and "value" in one]
    return next(iter([*named, *content["schema"].get("examples", [])]), content.get("example", {}))


def ask(client, method, path, operation, ids, headers):
    values = {"demand_id": ids["demand"], "achievement_id": ids["achievement"], "record_id": ids["expert"]}
    values |= {"firm_id": ids["firm"]} | PARAMETERS
    query = {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", str(values.get(name, "1")))
        elif values.get(name) is not None:
            query[name] = values[name]
        elif name == "limit" or name == "top_k":
            query[name] = 5 if operation["operationId"].startswith("export") else 20
        elif name == "explain":
            query[name] = "full"
    sent = {}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = bodies(ids).get(operation["operationId"], example_of(content["application/json"]))
        if operation["operationId"] in ("recommend_achievements", "recommend_demands"):
            side = "demand_id" if operation["operationId"].endswith("achievements") else "achievement_id"
            other = {"demand_id", "achievement_id"} - {side}
            body = {name: value for name, value in body.items() if name not in other}
        sent["json"] = body
    elif content:
        sent |= {"content": "{}", "headers": headers | {"content-type": "application/x-ndjson"}}
    return client.request(method, path, params=query, **({"headers": headers} | sent))


def test_no_route_tells_what_is_hidden(server, monkeypatch):
    """A backend's key may use every route; asking for a user without any grant it sees what level 0 sees."""
    few = [one.ids[kind] for one in server.planted for kind in ("demand", "achievement")]
    monkeypatch.setattr(Engine, "ids", lambda _, side: [one for one in few if one[0] == side[0].upper()])
    client = as_role(server, Role.ADMIN)
    asked = 0
    for method, path, operation in some(operations(client)):
        name = operation["operationId"]
        for subject in client.planted[1:]:
            if method == "delete" or name == "reload":
                continue
            answer = ask(client, method, path, operation, subject.ids, NOBODY)
            assert answer.status_code < 500, (name, answer.text)
            asked += answer.status_code == 200
            for one in client.planted:
                assert not one.leaks(answer.text), (name, one.level, answer.text[:2000])
            if name.startswith("batch"):
                break
    assert asked > 40


def test_each_level_shows_what_it_says_and_nobody_is_told_of_what_is_secret(server):
    client = as_role(server, Role.OPERATOR)
    summary, named, secret = client.planted
    shown = client.get("/v1/demands/D-A").json()
    assert (shown["title"], shown["content"], shown["kpis"], shown["extra"]) == ("污泥低温干化", "", "", {})
    shown = client.get("/v1/achievements/A-B").json()
    assert (shown["title"], shown["keywords"], shown["experts"], shown["indicators"]) == ("污泥低温干化", [], [], "")
    gone, unknown = client.get("/v1/demands/D-C"), client.get("/v1/demands/D-Z")
    assert (gone.status_code, gone.json()["detail"]) == (404, unknown.json()["detail"].replace("D-Z", "D-C"))
    assert "D-C" not in unknown.json()["nearest_ids"]
    listed = {one["demand_id"] for one in client.get("/v1/demands?limit=500").json()["items"]}
    assert {"D-A", "D-B"} <= listed
    assert "D-C" not in listed
    as_role(server, Role.BACKEND)
    assert secret.secrets[0] in client.get("/v1/demands/D-C").json()["title"]
    assert named.secrets[0] in client.get("/v1/demands/D-B").text
    assert summary.secrets[0] in client.get("/v1/demands/D-A").text


def test_a_hidden_text_helps_to_find_and_its_reasons_are_kept_back(server):
    body = {"text": NEED, "top_k": 50, "explain": "full"}
    whole = as_role(server, Role.BACKEND).post("/v1/recommendations/achievements", json=body).json()
    seen = as_role(server, Role.OPERATOR).post("/v1/recommendations/achievements", json=body).json()
    of_all, of_caller = ({one["id"]: one for one in answer["items"]} for answer in (whole, seen))
    assert {"A-A", "A-B", "A-C"} <= of_all.keys()
    assert of_all.keys() - of_caller.keys() == {"A-C"}
    assert of_all["A-B"]["reasons"]
    assert (of_caller["A-B"]["reasons"], of_caller["A-B"]["requirements"]) == ([], [])
    assert of_caller["A-B"]["probability"] == of_all["A-B"]["probability"]
    open_ones = some(of_caller.keys() - {"A-A", "A-B"})
    assert [of_caller[one] for one in open_ones] == [of_all[one] for one in open_ones]


def test_a_grant_opens_one_record_to_one_viewer_until_it_ends(server):
    def seen(viewer):
        return as_role(server, Role.BACKEND).get("/v1/achievements/A-B", headers={"Gongxu-Viewer": viewer}).json()

    def decide(number, **decision):
        answer = as_role(server, Role.BACKEND).post(f"/v1/disclosures/{number}/decision", json=decision)
        return answer.status_code, answer.json()

    client = as_role(server, Role.BACKEND)
    asked = {"kind": "achievement", "record_id": "A-B", "access": "全文", "purpose": "拟合作开发"}
    first = client.post("/v1/disclosures", json=asked, headers={"Gongxu-Viewer": "u1"}).json()
    again = client.post("/v1/disclosures", json=asked, headers={"Gongxu-Viewer": "u1"}).json()
    assert (first["state"], first["viewer"], again["number"]) == ("asked", "u1", first["number"])
    assert seen("u1")["content"] == ""
    until = datetime.now(UTC) + timedelta(days=30)
    status, granted = decide(first["number"], decision="grant", expires_at=until.isoformat())
    assert (status, granted["state"], granted["in_force"]) == (200, "granted", True)
    content = next(one for one in client.planted if one.level == "授权").bodies["/v1/achievements/"]["content"]
    assert (seen("u1")["content"], seen("u1")["experts"], seen("u2")["content"]) == (content, [], "")
    mine = client.get("/v1/disclosures", headers={"Gongxu-Viewer": "u1"}).json()["disclosures"]
    others = client.get("/v1/disclosures", headers={"Gongxu-Viewer": "u2"}).json()["disclosures"]
    assert ([one["number"] for one in mine], others) == ([first["number"]], [])
    assert decide(first["number"], decision="deny")[0] == 422
    assert decide(first["number"], decision="withdraw")[1]["in_force"] is False
    assert seen("u1")["content"] == ""
    assert decide(first["number"], decision="grant", expires_at="2026-01-01T00:00:00Z")[0] == 422
    persons = client.post("/v1/disclosures", json=asked | {"access": "联系人"}, headers={"Gongxu-Viewer": "u3"}).json()
    assert decide(persons["number"], decision="grant")[1]["expires_at"] is None
    assert len(some(seen("u3")["experts"])) == 1
    denied = as_role(server, Role.OPERATOR).post(
        f"/v1/disclosures/{first['number']}/decision", json={"decision": "grant"}
    )
    assert denied.status_code == 403


def test_a_grant_ends_by_the_clock(tmp_path):
    from data.kinds.disclosure import Access
    from data.store.trust.disclosures import Disclosure, DisclosureState

    now = datetime(2026, 5, 1, tzinfo=UTC)
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        one = store.disclosures.ask(Disclosure("demand", "D1", "u1", Access.TEXTS, "", now))
        end = now + timedelta(days=1)
        store.disclosures.decide(one.number, DisclosureState.GRANTED, "platform", now, reason="", expires_at=end)
        assert store.disclosures.grants("u1", end - timedelta(seconds=1)) == {("demand", "D1"): Access.TEXTS}
        assert store.disclosures.grants("u1", end) == {}


def test_what_becomes_restricted_is_so_for_the_next_answer_and_stays_so_once_deleted(server):
    client = as_role(server, Role.BACKEND)
    record = {"achievement_id": "A-new", "title": "污泥低温干化", "content": f"{NEED}，暗纹密钥甲乙丙丁戊己"}
    client.put("/v1/achievements/A-new", json=record)
    wait_for(lambda: client.get("/v1/achievements/A-new/similar").status_code == 200)
    assert "暗纹密钥甲乙丙丁" in as_role(server, Role.OPERATOR).get("/v1/achievements/A-new").text
    as_role(server, Role.BACKEND).put("/v1/achievements/A-new", json=record | {"visibility": "登录可见"})
    assert "暗纹密钥甲乙丙丁" not in as_role(server, Role.OPERATOR).get("/v1/achievements/A-new").text
    as_role(server, Role.BACKEND).delete("/v1/achievements/A-new")
    body = {"text": NEED, "top_k": 50, "explain": "full"}
    assert "暗纹密钥" not in as_role(server, Role.OPERATOR).post("/v1/recommendations/achievements", json=body).text


def test_a_person_is_exported_and_erased_where_asked(server):
    client = as_role(server, Role.BACKEND)
    expert = {"title": "干化专家赵钱孙", "person_name": "赵钱孙", "content": "赵钱孙教授主持多项研究"}
    client.put("/v1/records/expert/P1", json=expert)
    client.put("/v1/records/expert/P2", json=expert)
    client.put("/v1/records/expert/P3", json=expert)
    client.delete("/v1/records/expert/P3")
    asked = {"kind": "expert", "record_id": "P1", "purpose": "联系"}
    client.post("/v1/disclosures", json=asked, headers={"Gongxu-Viewer": "zhao"})
    person = {"name": "赵钱孙", "viewer": "zhao"}
    found = client.post("/v1/persons:export", json=person).json()
    assert [(one["id"], one["deleted"]) for one in found["records"]] == [("P1", False), ("P2", False), ("P3", True)]
    assert (len(found["disclosures"]), "干化专家赵钱孙" in found["records"][0]["quotes"]) == (1, True)
    chosen = [{"kind": "expert", "id": one} for one in ("P1", "P3")]
    assert client.post("/v1/persons:erase", json=person | {"records": chosen}).json() == {
        "records": 2,
        "disclosures": 1,
    }
    left = client.post("/v1/persons:export", json=person).json()
    assert ([one["id"] for one in left["records"]], left["disclosures"]) == (["P2"], [])
    assert client.get("/v1/records/expert/P1").json()["content"] == "（已删除）教授主持多项研究"
    refused = client.post("/v1/persons:erase", json=person | {"records": chosen[:1]})
    assert refused.status_code == 422


def test_evidence_says_who_saw_what_and_each_entry_is_proven(server):
    from hashlib import sha256

    import orjson

    from data.evidence.chain import part_digest
    from data.evidence.merkle import PathStep, root_by

    client = as_role(server, Role.BACKEND)
    content = client.get("/v1/achievements/A-B", headers={"Gongxu-Viewer": "u9"})
    assert content.status_code == 200

    def entries():
        after, found = 0, []
        while after is not None:
            page = client.get(f"/v1/evidence/achievement/A-B?after={after}").json()
            found, after = found + page["entries"], page["next_after"]
        return [one for one in found if '"u9"' in (one["who"]["text"] or "")]

    (one,) = wait_for(entries)
    entry = orjson.loads(one["entry"])
    assert one["digest"] == sha256(one["entry"].encode()).hexdigest()
    assert root_by(one["digest"], [PathStep(**step) for step in one["path"]]) == one["root"]
    for part in some([one["said"], one["who"]]):
        assert part["digest"] in entry["parts"]
        assert part_digest(part["salt"], part["text"]) == part["digest"]
    assert orjson.loads(one["said"]["text"]) == {"kind": "achievement", "id": "A-B", "access": "公开部分"}
    assert (orjson.loads(one["who"]["text"])["operation"], one["action"]) == ("get_achievement", "shown")
    with Store.open(server.store_url) as store:
        actions = {orjson.loads(entry.text)["action"] for entry in store.evidence.entries()}
    assert actions >= {"shown", "exported", "asked", "granted", "withdrawn", "person"}
