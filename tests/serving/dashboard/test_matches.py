"""Acting on matches from the dashboard: states move, are undone, are shown on list, pair page, board and today's list."""

import re
from dataclasses import replace
from datetime import date, datetime

import pytest

from data.dates import CHINA_STANDARD_TIME
from data.records import Demand
from data.store.store import Store
from data.work.match_state import MatchState
from matcher.bundle import current_bundle
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer
from serving.dashboard.pages.daily.today import untouched
from tests.serving.dashboard.conftest import Person, add_operators, copied, serving


@pytest.fixture
def own(platform, tmp_path):
    """Yield the settings and two people of a server that the test may write to."""
    settings = copied(platform, tmp_path)
    with Store.open(settings.store_url) as store:
        add_operators(store)
    with serving(settings) as client:
        yield settings, Person(client, "manager"), Person(client, "reviewer"), Person(client, "viewer")


def pair_of(person: Person) -> dict[str, str]:
    """Return the form's hidden fields of the first match of the first demand with a list."""
    for number in range(1, 31):
        text = person.get(f"/browse/demand?id=D{number:06}").text
        found = re.search(r'action="[^"]*/matches/act">(.*?)</form>', text, re.S)
        if found:
            return dict(re.findall(r'name="(\w+)" value="([^"]*)"', found[1]))
    return pytest.fail("no demand has a list")


def act(person: Person, fields: dict[str, str], **changes: str):
    sent = {name: value for name, value in (fields | changes).items() if name != "csrf"}
    return person.post("/matches/act", **sent)


def test_a_match_is_moved_from_the_list_and_undone(own):
    settings, manager, _, _ = own
    fields = pair_of(manager)
    assert fields["value"] == "已推送"
    answer = act(manager, fields)
    assert answer.status_code in (200, 303)
    with Store.open(settings.store_url) as store:
        work = store.matches.work(fields["demand"], fields["achievement"])
        assert (work.state, work.changed_by) == (MatchState.SENT, manager.name)
    pair = manager.get(f"/browse/pair?demand={fields['demand']}&achievement={fields['achievement']}").text
    assert "进展为 已推送" in pair
    manager.post("/matches/undo", demand=fields["demand"], achievement=fields["achievement"], **{"from": "pair"})
    with Store.open(settings.store_url) as store:
        assert store.matches.work(fields["demand"], fields["achievement"]).state is MatchState.NEW


def test_the_board_and_todays_list_show_what_is_due(own):
    _, manager, _, _ = own
    fields = pair_of(manager)
    act(manager, fields, token="t1")
    act(manager, fields, kind="next_date", value="2020-01-01", token="t2")
    act(manager, fields, kind="assign", value=manager.name, token="t3")
    today = manager.get("/").text
    for queue in ("今天到期或逾期的跟进", "分派给我的匹配"):
        section = re.search(rf'aria-label="{queue}">(.*?)</section>', today, re.S)[1]
        assert re.search(r'count-big">1', section)
    board = manager.get("/matches?due=1").text
    assert re.search(r'aria-label="已推送"><h2>已推送 <span class="count">1<', board)
    assert "overdue" in board


def test_who_acts_on_what_another_changed_is_told(own):
    settings, manager, reviewer, _ = own
    fields = pair_of(manager)
    act(manager, fields, value="洽谈", token="t1")
    answer = act(reviewer, fields, value="已联系", token="t2")
    assert answer.status_code == 409
    assert "洽谈" in answer.text
    with Store.open(settings.store_url) as store:
        assert store.matches.work(fields["demand"], fields["achievement"]).state is MatchState.NEGOTIATION


def test_declining_needs_a_reason_and_viewers_cannot_act(own):
    _, manager, _, record_encoder = own
    fields = pair_of(manager)
    assert act(manager, fields, value="不合适", token="t1").status_code == 422
    assert act(manager, fields, value="不合适", reason="price", token="t1").status_code in (200, 303)
    assert act(record_encoder, fields, token="t2").status_code == 403


def test_new_matches_of_open_demands_wait_until_somebody_acts(own):
    settings, manager, _, _ = own
    model = MatchingModel.load(current_bundle(settings.bundles))
    engine = Engine(
        replace(model, scorer=Scorer(model.scorer.history, model.scorer.ranker, None))
    )  # answers everything
    with Store.open(settings.store_url) as store:
        first, *others = untouched(engine, store, date.min)
        assert others
        demand, match = first["demand"].demand_id, first["match"].id
        fields = {"demand": demand, "achievement": match, "kind": "move", "seen": "0", "from": "pair"}
        assert act(manager, fields, value="已推送", token="t1").status_code in (200, 303)
        assert store.matches.work(demand, match).state is MatchState.SENT
        waiting = [(one["demand"].demand_id, one["match"].id) for one in untouched(engine, store, date.min)]
    assert waiting
    assert (demand, match) not in waiting
    assert set(waiting) >= {(one["demand"].demand_id, one["match"].id) for one in others[:-1]}


def test_what_is_past_its_deadline_waits_to_be_mended_and_the_servers_address_leads_here(own):
    settings, manager, _, _ = own
    with Store.open(settings.store_url) as store:
        late = [Demand(demand_id=f"L{n}", title="晚了", deadline=date(2020, 1, n)) for n in (2, 3)]
        store.upsert_demands(late)
        before = len([d for d in store.demands() if d.status.value in ("发布", "对接中") and d.deadline])
    section = re.search(r'aria-label="过了截止日期仍开放的需求">(.*?)</section>', manager.get("/").text, re.S)[1]
    number, age = re.search(r'count-big">(\d+) <small>最久 (\d+) 天', section).groups()
    assert 2 <= int(number) <= before
    assert int(age) == (datetime.now(CHINA_STANDARD_TIME).date() - date(2020, 1, 2)).days
    answer = manager.site.get("/", headers={"Cookie": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/")


def test_the_page_of_new_matches_shows_pairs_to_act_on_or_says_that_there_are_none(own):
    text = own[1].get("/today/matches").text
    pairs = re.findall(r"demand=(D\d+)&amp;achievement=(A\d+)\"[^>]*>去处理", text)
    assert bool(pairs) != ("没有尚未处理的好匹配" in text)
