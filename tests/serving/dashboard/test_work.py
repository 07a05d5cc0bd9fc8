"""What operators do: judge and take back, agree or not, merge and restore, promote; all of it in the audit trail."""

import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from data.errors import InputError
from data.records import Achievement, Demand, EventKind
from data.settings import settings as environment
from data.store import duplicates
from data.store.judging import submit
from data.store.reviews import QueuedPair, Review
from data.store.store import Store
from serving.commands.operators import app as operators_app
from serving.dashboard import promotion
from serving.dashboard.figures.review import agreement, choose
from tests.serving.dashboard.conftest import Person

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        opened.upsert_demands([Demand(demand_id=f"D{n}", title=f"需求{n}") for n in range(9)])
        opened.upsert_achievements([Achievement(achievement_id=f"A{n}", title=f"成果{n}") for n in range(9)])
        yield opened


def pair(number, stratum="random"):
    return QueuedPair(f"D{number}", f"A{number}", stratum, 0.5, None, "v1")


def judged(number, who, level, at=NOW, stratum="random"):
    return Review(f"D{number}", f"A{number}", who, level, ("partial",), "", stratum, 0.5, "v1", 2.0, at)


def test_a_judgement_can_be_taken_back_until_it_is_an_event(store):
    assert store.reviews.queue([pair(0), pair(1), pair(1)], NOW) == 2
    store.reviews.judge(judged(0, "an", 4))
    assert [found.demand_id for found in store.reviews.next_pairs("an", 9)] == ["D1"]
    store.reviews.undo("an", NOW)
    assert {found.demand_id for found in store.reviews.next_pairs("an", 9)} == {"D0", "D1"}
    assert submit(store, NOW + timedelta(hours=1)) == 0

    store.reviews.judge(judged(0, "an", 3))
    assert submit(store, NOW) == 0  # may still be taken back
    assert submit(store, NOW + timedelta(seconds=1)) == 1
    assert submit(store, NOW + timedelta(hours=1)) == 0
    with pytest.raises(InputError, match="nothing left to undo"):
        store.reviews.undo("an", NOW)
    (event,) = store.events()
    assert (event.kind, event.level, event.grade, event.demand_id) == (EventKind.JUDGEMENT, 3, 2, "D0")
    assert store.reviews.queue([pair(0)], NOW) == 0  # judged pairs do not come back


def test_events_are_sent_once_even_if_the_note_of_it_was_lost(store):
    store.reviews.judge(judged(0, "an", 3))
    later = NOW + timedelta(hours=1)
    store.append_events(event for _, event in store.reviews.pending(later))  # and then the server died
    assert submit(store, later) == 1
    assert store.counts().events == 1


def test_a_second_opinion_is_asked_of_others_and_agreement_is_a_known_value(store):
    first, second = [4, 3, 2, 1, 4, 1], [4, 3, 1, 1, 3, 2]
    for number, level in enumerate(first):
        store.reviews.judge(judged(number, "an", level))
    assert store.reviews.next_pairs("an", 9, "second") == []
    assert len(store.reviews.next_pairs("bo", 9, "second")) == 6
    for number, level in enumerate(second):
        store.reviews.judge(judged(number, "bo", level))
    assert store.reviews.next_pairs("bo", 9, "second") == []
    twice, kappa = agreement(store.reviews.all())
    assert twice == 6
    assert kappa == pytest.approx(0.8235, abs=5e-4)  # as sklearn.metrics.cohen_kappa_score(weights="quadratic") says
    assert agreement(store.reviews.all()[:3]) == (0, None)


def test_the_same_pair_twice_and_unknown_reasons_are_refused(store):
    store.reviews.judge(judged(0, "an", 3))
    with pytest.raises(InputError, match="already"):
        store.reviews.judge(judged(0, "an", 4))
    wrong = Review(**(vars(judged(1, "an", 3)) | {"reasons": ("because",)}))
    with pytest.raises(InputError, match="unknown reason"):
        store.reviews.judge(wrong)


def test_pairs_are_chosen_for_all_the_reasons_there_are(home, model):
    from matcher.engine import Engine

    engine = Engine(model)
    with Store.open(home.store_url) as store:
        chosen = choose(store, engine, engine, seed=1)
        again = choose(store, engine, engine, seed=1)
    assert chosen == again
    strata = {found.stratum for found in chosen}
    assert {"uncertain", "random"} <= strata
    assert len({(found.demand_id, found.achievement_id) for found in chosen}) == len(chosen)


def test_judging_through_the_pages(site, home):
    reviewer, other = Person(site, "reviewer"), Person(site, "manager")
    with Store.open(home.store_url) as store:
        store.reviews.queue([QueuedPair("D000002", "A0000002", "random", 0.4, None, "v1")], NOW)
    page = reviewer.get("/review?stratum=random").text
    assert "D000002" in page
    assert "0.4" not in page.split("判断记录")[0]  # the model's word would sway the judge
    sent = {"demand": "D000002", "achievement": "A0000002", "level": "4", "reason": "same_problem", "seconds": "3.5"}
    assert reviewer.post("/review/judge", **sent).status_code == 303
    assert reviewer.post("/review/judge", **sent).status_code == 422
    assert reviewer.post("/review/judge", **(sent | {"level": "5"})).status_code == 422
    assert reviewer.post("/review/judge", **(sent | {"demand": "D999999"})).status_code == 404
    assert "D000002" in other.get("/review?stratum=second").text
    assert reviewer.post("/review/undo").headers["location"].endswith("notice=undone")
    assert reviewer.post("/review/undo").headers["location"].endswith("notice=nothing")
    assert reviewer.post("/review/judge", **(sent | {"note": "很合适"})).status_code == 303
    assert reviewer.post("/review/submit").headers["location"].endswith("notice=submitted")
    with Store.open(home.store_url) as store:
        found = [event for event in store.events([EventKind.JUDGEMENT]) if event.event_id.startswith("review-")]
        actions = [entry.action for entry in store.api_keys.trail(20) if entry.actor == "operator reviewer"]
        (review,) = store.reviews.all("D000002", "A0000002")
    assert [(event.demand_id, event.level) for event in found] == [("D000002", 4)]
    assert actions[:4] == ["reviews.submit", "reviews.judge", "reviews.undo", "reviews.judge"]
    assert (review.reasons, review.note, review.seconds, review.stratum) == (("same_problem",), "很合适", 3.5, "random")
    assert "很合适" in other.get("/browse/pair?demand=D000002&achievement=A0000002").text


def test_what_was_judged_is_what_training_reads(home, model):
    from training.outcomes.graded_pairs import graded_pairs

    with Store.open(home.store_url) as store:
        demand = store.demand("D000003")
        store.reviews.judge(Review("D000003", "A0000003", "trainer", 4, (), "", "random", None, "", 1.0, NOW))
        before = len(graded_pairs(store.events(), model.demands.base.cards, model.achievements.base.cards))
        submit(store, datetime.now(UTC), "trainer")
        after = graded_pairs(store.events(), model.demands.base.cards, model.achievements.base.cards)
    row = model.demands.base.cards.rows[demand.demand_id]
    assert len(after) > before or ((after.d == row) & (after.grade == 3)).any()


def test_merged_records_are_withdrawn_and_come_back(store):
    ids = ("A1", "A2", "A3")
    with pytest.raises(InputError, match="not of the group"):
        duplicates.merge(store, "achievements", "c1", ids, "A9", "an", NOW)
    duplicates.merge(store, "achievements", "c1", ids, "A2", "an", NOW)
    assert [store.achievement(one).status.value for one in ids] == ["撤回", "发布", "撤回"]
    assert store.achievement("A1").extra["merged_into"] == "A2"
    duplicates.dismiss(store, "demands", "c2", ("D1", "D2"), "an", NOW)
    dismissed, merged = duplicates.decisions(store)
    assert (merged.kept_id, dismissed.decision) == ("A2", "dismissed")
    before = Achievement(achievement_id="A1", title="成果1")
    duplicates.undo(store, merged.number, NOW)
    assert store.achievement("A1") == before
    duplicates.undo(store, dismissed.number, NOW)
    assert duplicates.decisions(store) == []
    with pytest.raises(InputError, match="taken back"):
        duplicates.undo(store, merged.number, NOW)


def test_a_promotion_that_cannot_be_is_refused_on_the_page(site, home):
    manager = Person(site, "manager")
    version = (home.bundles / "current").read_text().strip()
    assert manager.post("/models/promote", version="20010101-000000", sure="1").status_code == 404
    assert manager.post("/models/promote", version=version).status_code == 422  # not confirmed
    assert manager.post("/models/promote", version=version, sure="1", force="1").status_code == 422  # no reason
    if not (home.bundles / "previous").exists():
        assert manager.post("/models/rollback", sure="1").status_code == 422


def test_a_promotion_runs_beside_the_server_and_its_outcome_is_told(home, tmp_path):
    """The version that serves already: `gongxu promote` refuses it, in its own words."""
    import asyncio

    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copytree(home.home / "bundles", folder / "bundles")
    for path in home.home.glob("store.db*"):
        shutil.copy(path, folder)
    if (home.home / "candidates").is_dir():
        shutil.copytree(home.home / "candidates", folder / "candidates")
    own = home.model_copy(update={"home": folder})
    version = (folder / "bundles" / "current").read_text().strip()

    async def ask():
        promotion.begin(own, action="promote", version=version, who="operator an", why="测试", force=False, now=NOW)
        assert promotion.requests(folder)[0].state == promotion.RUNNING
        for _ in range(600):
            if promotion.requests(folder)[0].state != promotion.RUNNING:
                return
            await asyncio.sleep(0.1)

    asyncio.run(ask())
    (done,) = promotion.requests(folder)
    assert done.state == promotion.FAILED
    assert version in done.message


def test_operators_are_made_and_changed_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    environment.cache_clear()
    try:
        run = CliRunner().invoke
        made = run(operators_app, ["add", "zhang.wei", "--role", "manager"])
        assert made.exit_code == 0
        password = made.stdout.strip().splitlines()[-1]
        assert re.fullmatch(r"\w{20}", password)
        assert (
            run(operators_app, ["add", "li.na", "--role", "viewer", "--password-stdin"], input="short\n").exit_code == 1
        )
        assert run(operators_app, ["add", "a b", "--role", "viewer"]).exit_code == 1
        assert run(operators_app, ["add", "li.na", "--role", "king"]).exit_code == 1
        assert run(operators_app, ["role", "zhang.wei", "--role", "viewer"]).exit_code == 0
        assert run(operators_app, ["disable", "zhang.wei"]).exit_code == 0
        assert "停用" in run(operators_app, ["list"]).stdout
        assert '"role": "viewer"' in run(operators_app, ["list", "--json"]).stdout
        assert run(operators_app, ["enable", "zhang.wei"]).exit_code == 0
        assert run(operators_app, ["password", "zhang.wei"]).exit_code == 0
        with Store.open(environment().store_url) as store:
            actions = [entry.action for entry in store.api_keys.trail()]
            hashed = store.operators.find("zhang.wei").password_hash
        assert password not in hashed
        assert actions == [f"operators.{what}" for what in ("password", "enable", "disable", "role", "add")]
    finally:
        environment.cache_clear()


def test_judgements_become_events_by_themselves_in_time(store):
    store.reviews.judge(judged(0, "an", 3, at=datetime.now(UTC) - timedelta(minutes=9)))
    from data.store.judging import UNDO

    assert submit(store, datetime.now(UTC) - UNDO) == 0
    store.reviews.judge(judged(1, "an", 3, at=datetime.now(UTC) - timedelta(minutes=11)))
    assert submit(store, datetime.now(UTC) - UNDO) == 1
