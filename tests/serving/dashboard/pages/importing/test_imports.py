"""Files are uploaded, looked at, corrected, imported and taken back on the dashboard; nobody else reads them meanwhile."""

import csv
import io
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Event
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from data.errors import ConflictError, InputError, NotFoundError
from data.settings import Settings
from data.store.store import Store
from serving.access.rates import RateLimit
from serving.dashboard.accounts.access import Role
from serving.dashboard.pages import sign_in
from serving.runtime.importing import runner, undoing, uploads
from serving.runtime.importing.runner import ImportRunner
from serving.runtime.importing.undoing import UndoRunner
from serving.runtime.importing.uploads import Uploads, UploadState
from tests.serving.conftest import wait_for
from tests.serving.dashboard.conftest import ORIGIN, Person, add_operators, serving

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ACHIEVEMENTS = "成果编号,成果名称,情况\nA1,低温污泥干化,含水率降到40%以下\nA2,,缺名称\nA3,高效换热器,节能三成\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("imports"), threads=1, serve_threads=1, serve_poll=0.05)
    with Store.open(settings.store_url) as store:
        add_operators(store)
    return settings


@pytest.fixture(scope="module")
def site(own):
    with serving(own) as client:
        yield client


@pytest.fixture(scope="module")
def people(site):
    sign_in._rates = RateLimit(10_000.0)
    return {role.value: Person(site, role.value) for role in Role}


def send(person, *files, csrf=None):
    person.site.cookies.clear()
    headers = {"Cookie": f"gongxu_session={person.cookie}"} | ORIGIN
    sent = [("files", (name, content if isinstance(content, bytes) else content.encode())) for name, content in files]
    form = {"csrf": person.csrf if csrf is None else csrf}
    return person.site.post("/dashboard/imports/upload", data=form, files=sent, headers=headers)


def sent(person, *files):
    answer = send(person, *files)
    assert answer.status_code == 303, answer.text[-800:]
    return re.search(r"id=([0-9a-f-]+)", answer.headers["location"])[1]


def form_of(person, upload, place=0):
    """Return the fields of a table's form as a browser would send them."""
    page = person.get(f"/imports/preview?id={upload}").text
    form = re.findall(r'action="/dashboard/imports/table">(.*?)</form>', page, flags=re.S)[place]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    for name, options in re.findall(r'<select name="([\w-]+)".*?>(.*?)</select>', form, flags=re.S):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = chosen[1]
    fields.pop("csrf")
    return fields


def imported(person, upload, **fields):
    assert person.post("/imports/start", id=upload, **fields).status_code == 303
    done = wait_for(
        lambda: "/imports/report" in person.get(f"/imports/preview?id={upload}").headers.get("location", ""), 30
    )
    assert done
    return int(re.search(r"number=(\d+)", person.get(f"/imports/preview?id={upload}").headers["location"])[1])


def undone(person, number):
    assert person.post("/imports/undo", number=number, sure="1").status_code == 303
    assert wait_for(lambda: 'class="chip">已撤销<' in person.get(f"/imports/report?number={number}").text, 30)
    assert "data-poll" not in person.get("/imports/undoing").text


def test_from_upload_to_report_and_back(people, own):
    manager, record_encoder = people["manager"], people["viewer"]
    upload = sent(manager, ("成果.csv", ACHIEVEMENTS.encode("gb18030")))
    page = manager.get(f"/imports/preview?id={upload}").text
    assert "必填，不能为空" in page
    assert "原样保留" in page
    form = form_of(manager, upload)
    assert (form["kind"], form["column-0"], form["column-2"]) == ("achievements", "auto", "auto")
    assert manager.post("/imports/table", **(form | {"column-2": "content"})).status_code == 303
    assert form_of(manager, upload)["column-2"] == "content"
    with Store.open(own.store_url) as store:
        assert store.counts().achievements == 0  # nothing is written by looking
    folder = own.home / "uploads"
    kept = [path for path in (folder / upload).rglob("*") if path.suffix == ".csv"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, *kept)] == [0o700, 0o600]

    number = imported(manager, upload)
    report = record_encoder.get(f"/imports/report?number={number}").text
    assert "操作员 manager" in report
    assert not list((folder / upload).rglob("*.csv"))
    link = re.search(r'href="/dashboard(/tables/reject_rows/export[^"]+)"', report)[1].replace("&amp;", "&")
    rows = list(csv.reader(io.StringIO(record_encoder.get(link).text.removeprefix("\ufeff"))))
    assert rows[1:] == [["成果.csv", "3", "成果名称", "", "必填，不能为空"]]
    with Store.open(own.store_url) as store:
        assert store.achievement("A1").content == "含水率降到40%以下"
        assert store.counts().achievements == 2
    assert "编号" in record_encoder.get("/imports").text
    assert record_encoder.get("/tables/imports").text.count("成果.csv") == 1

    today = record_encoder.get("/").text
    assert re.search(r"导入时被拒绝的行</span></h2>\s*<p class=\"count-big\">1", today)
    assert f'href="/dashboard/imports/report?number={number}"' in today

    assert "撤销整次导入" not in report  # the viewer may not
    assert "删除新增的 <b>2</b> 项" in manager.get(f"/imports/report?number={number}").text
    assert manager.post("/imports/undo", number=number).status_code == 422  # not confirmed
    undone(manager, number)
    assert manager.post("/imports/undo", number=number, sure="1").status_code == 422
    assert "导入时被拒绝的行" not in record_encoder.get("/").text
    assert "已撤销" in manager.get(f"/imports/report?number={number}").text
    with Store.open(own.store_url) as store:
        assert store.counts().achievements == 0
        trail = {entry.action: entry for entry in store.api_keys.trail(50)}
    assert trail["imports.upload"].subject == "成果.csv"
    assert trail["imports.finish"].subject == f"导入 {number}：读取 3，新增 2，更新 0，未变 0，拒绝 1"
    assert trail["imports.undo"].subject == f"导入 {number}：恢复 0 项，删除 2 项，收回事件 0 条，0 项此后有改动而未动"
    assert trail["imports.start"].actor == "operator manager"


def test_a_mapping_is_saved_and_found_again(people):
    manager = people["manager"]
    text = "代号,叫法\nB1,一项技术\n"
    upload = sent(manager, ("清单.csv", text))
    page = manager.get(f"/imports/preview?id={upload}").text
    assert "请选择种类" in page
    assert re.search(r"<button class=\"primary\" disabled>开始导入", page)
    assert manager.post("/imports/start", id=upload).status_code == 422
    form = form_of(manager, upload) | {"kind": "achievements"}
    assert manager.post("/imports/table", **(form | {"save_as": "x"})).status_code == 422  # no title yet
    assert manager.post("/imports/table", **form).status_code == 303
    assert manager.post("/imports/table", **form).status_code == 409  # made for the table as it was before
    form = form_of(manager, upload) | {"column-0": "achievement_id", "column-1": "title"}
    assert manager.post("/imports/table", **(form | {"save_as": "../x"})).status_code == 422
    assert manager.post("/imports/table", **(form | {"save_as": "省平台"})).status_code == 303
    again = sent(manager, ("又一份.csv", text))
    assert "已套用保存的列对应“省平台”" in manager.get(f"/imports/preview?id={again}").text
    assert form_of(manager, again)["column-1"] == "title"
    for one in (upload, again):
        assert manager.post("/imports/discard", id=one).status_code == 303
        assert manager.get(f"/imports/preview?id={one}").status_code == 404


def test_several_files_one_of_which_cannot_be_read(people, own):
    manager = people["manager"]
    upload = sent(
        manager,
        ("../../坏.xlsx", b"PK\x03\x04 no workbook"),
        ("需求.csv", "需求编号,需求名称\nD1,<script>alert(1)</script>\n"),
        ("说明.pdf", b"%PDF"),
        ("~$成果.xlsx", b"x"),
        ("空.csv", b""),
    )
    page = manager.get(f"/imports/preview?id={upload}").text
    assert page.count("未读取") == 4
    assert "坏.xlsx" in page
    assert ".." not in re.findall(r"<h2>(.*?)</h2>", page)[0]
    assert "<script>alert" not in page
    assert str(own.home) not in page
    assert manager.post("/imports/table", **(form_of(manager, upload) | {"file": "7"})).status_code == 404
    number = imported(manager, upload)
    assert "需求.csv" in manager.get(f"/imports/report?number={number}").text


def test_a_table_can_be_left_out_and_fields_emptied_only_when_asked(people, own):
    manager = people["manager"]
    first = "成果编号,成果名称,完成单位\nC1,甲,某大学\n"
    imported(manager, sent(manager, ("成果.csv", first)))
    imported(manager, sent(manager, ("成果.csv", "成果编号,成果名称\nC1,乙\n")))
    with Store.open(own.store_url) as store:
        assert (store.achievement("C1").title, store.achievement("C1").holder) == ("乙", "某大学")
    upload = sent(manager, ("成果.csv", "成果编号,成果名称\nC1,丙\n"), ("需求.csv", "需求编号,需求名称\nD9,丁\n"))
    form = form_of(manager, upload, 1)
    assert manager.post("/imports/table", **form, left_out="1").status_code == 303
    number = imported(manager, upload, replace="1")
    report = manager.get(f"/imports/report?number={number}").text
    assert "需求.csv" not in report
    assert re.search(r'class="chip">完成单位 1<', report)
    with Store.open(own.store_url) as store:
        assert (store.achievement("C1").title, store.achievement("C1").holder) == ("丙", "")
        with pytest.raises(NotFoundError):
            store.demand("D9")
    undone(manager, number)
    with Store.open(own.store_url) as store:
        assert (store.achievement("C1").title, store.achievement("C1").holder) == ("乙", "某大学")


def test_only_managers_upload_and_only_within_limits(people, site, own, monkeypatch):
    manager = people["manager"]
    for name in ("viewer", "reviewer"):
        assert send(people[name], ("成果.csv", ACHIEVEMENTS)).status_code == 403
        assert people[name].get("/imports").status_code == 200
    assert send(manager, ("成果.csv", ACHIEVEMENTS), csrf="0" * 64).status_code == 403
    assert send(manager).status_code == 422
    assert send(manager, *[(f"{n}.csv", "a") for n in range(uploads.MAX_FILES + 1)]).status_code == 422
    assert send(manager, *[(f"{n}.csv", "a") for n in range(60)]).status_code == 400
    assert manager.get("/imports/preview?id=../../etc").status_code == 404
    assert manager.get("/imports/report?number=99999").status_code == 404
    assert manager.get("/imports/report?number=x").status_code == 404
    monkeypatch.setattr(uploads, "MAX_WAITING", 0)
    assert "请先导入或放弃" in send(manager, ("成果.csv", ACHIEVEMENTS)).text


def test_an_upload_larger_than_allowed_is_refused_before_it_is_read(tmp_path):
    settings = Settings(home=tmp_path, threads=1, serve_threads=1, serve_max_upload=200_000)
    with Store.open(settings.store_url) as store:
        add_operators(store)
    with serving(settings) as client:
        manager = Person(client, "manager")
        assert send(manager, ("成果.csv", ACHIEVEMENTS + "x" * 150_000)).status_code == 303
        assert send(manager, ("成果.csv", ACHIEVEMENTS + "x" * 250_000)).status_code == 413
        assert len(Uploads(tmp_path).all()) == 1


def keep(home, *files, now=NOW):
    return Uploads(home).add("an", now, [(name, io.BytesIO(content)) for name, content in files])


def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 1_000_000)
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    upload = keep(tmp_path, ("成果.xlsx", packed.getvalue()))
    assert "解压后超过" in upload.files[0].problem
    assert not list((tmp_path / "uploads").rglob("*.xlsx"))


@pytest.mark.parametrize(
    ("name", "lies_as"),
    [
        ("成果.csv", "成果.csv"),
        ("../../x.csv", "x.csv"),
        ("C:\\桌面\\成果.csv", "成果.csv"),
        ("a\x00b\u202e.csv", "a_b_.csv"),
        ("字" * 200 + ".csv", "字" * 58 + ".csv"),
        (".csv", "csv"),
    ],
)
def test_names_of_files_lead_nowhere_else(tmp_path, name, lies_as):
    upload = keep(tmp_path, (name, ACHIEVEMENTS.encode()))
    path = Uploads(tmp_path).path(upload, 0)
    assert path.name == lies_as
    assert path.resolve().is_relative_to(tmp_path / "uploads" / upload.id)
    assert path.exists() or upload.files[0].problem


def test_uploads_are_gone_after_a_day(tmp_path):
    kept = Uploads(tmp_path)
    old = keep(tmp_path, ("成果.csv", ACHIEVEMENTS.encode()))
    new = keep(tmp_path, ("成果.csv", ACHIEVEMENTS.encode()), now=NOW + timedelta(hours=20))
    (tmp_path / "uploads" / "20260101-000000-deadbeef").mkdir()  # half made when its server died
    kept.expire(NOW + timedelta(hours=25))
    assert [one.id for one in kept.all()] == [new.id]
    with pytest.raises(NotFoundError):
        kept.get(old.id)


def many(count):
    return "成果编号,成果名称\n" + "".join(f"M{n:05d},第{n}项成果\n" for n in range(count))


@pytest.mark.slow
def test_an_import_that_the_server_broke_off_goes_on_as_the_same_import(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_SAID", 0.0)
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        first = ImportRunner(tmp_path, lambda: store, lambda: None)
        upload = keep(tmp_path, ("成果.csv", many(30_000).encode()), now=datetime.now(UTC))
        first.begin(upload, "operator an", replace=False, request_id="")
        with pytest.raises(ConflictError):
            first.begin(upload, "operator an", replace=False, request_id="")
        with pytest.raises(ConflictError):
            first.uploads.discard(first.uploads.get(upload.id))
        wait_for(lambda: first.uploads.get(upload.id).done.get("0", 0) > 0)
        first.stop()
        broken = first.uploads.get(upload.id)
        assert broken.state is UploadState.INTERRUPTED
        assert 0 < store.counts().achievements < 30_000
        assert broken.startable

        second = ImportRunner(tmp_path, lambda: store, lambda: None)
        second.begin(broken, "operator an", replace=False, request_id="")
        wait_for(lambda: second.uploads.get(upload.id).state is UploadState.DONE, 60)
        assert second.uploads.get(upload.id).number == broken.number
        assert store.counts().achievements == 30_000
        assert [entry.number for entry in store.imports.latest()] == [broken.number]
        undo_in_two_parts(store, second, upload, broken.number, monkeypatch)


def undo_in_two_parts(store, imports, upload, number, monkeypatch):
    """Take an import back by a server that stops midway, and by the next one; nothing else is written meanwhile."""
    monkeypatch.setattr(undoing, "PATIENCE", 0.0)
    first, held_up = UndoRunner(imports.uploads, lambda: store, lambda: None), Event()
    show = first._show
    monkeypatch.setattr(first, "_show", lambda *so_far: held_up.wait(60) and show(*so_far))
    first.begin(number, "operator an", "")
    with pytest.raises(ConflictError, match="an undo is running"):
        first.begin(number, "operator an", "")
    with pytest.raises(ConflictError, match="being undone"):
        imports.begin(upload, "operator an", replace=False, request_id="")
    first._stop.set()
    held_up.set()
    wait_for(lambda: not first.latest().running)
    assert "再次撤销" in first.latest().message
    assert 0 < store.counts().achievements < 30_000
    assert store.imports.get(number).undone_at is None
    second = UndoRunner(imports.uploads, lambda: store, lambda: None)
    second.begin(number, "operator an", "")
    wait_for(lambda: not second.latest().running)
    assert (second.latest().kept, second.latest().message) == (0, "")  # what went before is no change of others
    assert store.counts().achievements == 0


KILLED = """
import sys, threading
from pathlib import Path
from data.store.store import Store
from serving.runtime.importing import runner
runner._SAID = 0.0
home = Path(sys.argv[1])
store = Store.open(f"sqlite:///{home / 'store.db'}")
imports = runner.ImportRunner(home, lambda: store, lambda: None)
imports.begin(imports.uploads.get(sys.argv[2]), "operator an", replace=False, request_id="")
threading.Event().wait()
"""


@pytest.mark.slow
def test_a_server_that_was_killed_leaves_an_import_that_can_go_on(tmp_path):
    """The lock died with it: nobody waits for an import that nobody runs."""
    kept = Uploads(tmp_path)
    upload = keep(tmp_path, ("成果.csv", many(20_000).encode()), now=datetime.now(UTC))
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), upload.id])
    try:
        wait_for(lambda: kept.get(upload.id).done.get("0", 0) > 0, 60)
    finally:
        process.kill()
        process.wait()
    broken = kept.get(upload.id)
    assert (broken.state, broken.number) == (UploadState.INTERRUPTED, 1)
    assert kept.running() is None
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        assert 0 < store.counts().achievements < 20_000
        ImportRunner(tmp_path, lambda: store, lambda: None).begin(broken, "operator an", replace=False, request_id="")
        wait_for(lambda: kept.get(upload.id).state is UploadState.DONE, 60)
        assert store.counts().achievements == 20_000
        assert [entry.number for entry in store.imports.latest()] == [1]
        assert store.imports.undo(1, NOW).removed == 20_000


def test_what_fails_says_so_and_can_be_tried_again(tmp_path):
    upload = keep(tmp_path, ("成果.csv", many(10).encode()))
    kept = Uploads(tmp_path)
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        first = ImportRunner(tmp_path, lambda: store, lambda: None)
        path = kept.path(upload, 0)
        path.rename(path.with_suffix(".away"))
        first.begin(upload, "operator an", replace=False, request_id="")
        wait_for(lambda: kept.get(upload.id).state is UploadState.FAILED)
        assert "请重新上传" in kept.get(upload.id).message
        path.with_suffix(".away").rename(path)
        first.begin(kept.get(upload.id), "operator an", replace=False, request_id="")
        wait_for(lambda: kept.get(upload.id).state is UploadState.DONE)
        with pytest.raises(ConflictError):
            first.begin(kept.get(upload.id), "operator an", replace=False, request_id="")


def test_nothing_but_problems_cannot_be_started(tmp_path):
    upload = keep(tmp_path, ("说明.pdf", b"%PDF"))
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store, pytest.raises(InputError):
        ImportRunner(tmp_path, lambda: store, lambda: None).begin(upload, "operator an", replace=False, request_id="")
