"""Files of declared kinds: found by name or columns, every particular mapped, what cannot be read noted."""

from datetime import UTC, datetime

import pytest

from data.errors import InputError
from data.files.importer import ImportOptions, import_paths
from data.files.previews.preview import preview_paths
from data.files.table_kinds import kind_named
from data.settings import settings
from data.store.store import Store

SERVICES = (
    "服务编号,服务名称,服务内容,机构名称,服务类型,服务周期,价格下限(元),价格上限(元),资质证书,支持创新券,所在地区,状态,备注\n"
    "S1,污泥含水率检测,按国标检测,某中心,检验检测,5个工作日,500,2000,CMA；CNAS,是,浙江杭州余杭区,已发布,x\n"
    "S2,专利导航分析,,某公司,知识产权,2-4周,1万元,5万元,,否,重庆市渝北区,停用,\n"
    "S3,中试代工,,某基地,做中试,约1个月,面议,,ISO9001,支持,火星,有效,\n"
    "S4,无,,,,,,,,,,,\n"
)
FILES = {
    "服务清单.csv": ("service", SERVICES),
    "列表.csv": ("service", SERVICES),  # nothing but its columns tells
    "专家库.csv": (
        "expert",
        "姓名,工作单位,职称,研究方向,回避单位,同时受理上限\n张三,某大学,教授,污泥干化,甲公司；乙厂,三项\n李四,某大学,副教授,污泥干化,,5\n",
    ),
    "equipment.csv": ("equipment", "仪器名称,主要技术指标,收费标准,所属单位\n透射电镜,分辨率0.1nm,800元/小时,某大学\n"),
    "惠企政策.csv": (
        "policy",
        "政策名称,主管部门,申报条件,文号,发文日期,有效期至\n首台套奖补,工信厅,本省注册,工信〔2025〕1号,2025年3月1日,2026年\n",
    ),
    "贷款.csv": (
        "finance_product",
        "产品名称,金融机构,准入条件,贷款额度,贷款期限,年化利率\n科创贷,某银行,高企,1000万元,3年,4.5%\n",
    ),
}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    with Store.open(f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened
    settings.cache_clear()


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_kind_is_found_and_goes_in_once(name, store, tmp_path):
    kind, text = FILES[name]
    path = write(tmp_path, name, text)
    (table,) = preview_paths([path], ImportOptions()).tables
    assert table.kind.value == kind
    (result,) = import_paths(store, [path]).files
    assert (result.kind.value, result.rejected) == (kind, kind == "service")
    assert result.inserted == len(text.splitlines()) - 1 - result.rejected
    assert store.kinds.counts() == {kind: result.inserted}
    (again,) = import_paths(store, [path]).files
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, result.inserted)


def test_amounts_and_numbers_of_firms_that_are_ranges_or_bounds_stay_such(store, tmp_path):
    firms = (
        "企业名称,统一社会信用代码,注册资本,资产总额,净资产,职工人数\n"
        "甲公司,F1,500-1000万元,不低于2000万元,3000万元以下,80余人\n乙公司,F2,1亿元,,,85\n"
    )
    import_paths(store, [write(tmp_path, "企业名单.csv", firms)])
    facts = store.firms.get("F1").facts
    known = (facts.registered_capital, facts.total_assets, facts.net_assets, facts.staff)
    assert [(one.value, one.low, one.high) for one in known] == [
        (None, 500, 1000), (None, 2000, None), (None, None, 3000), (None, 80, None)
    ]  # fmt: skip
    exact = store.firms.get("F2").facts
    assert (exact.registered_capital.value, exact.staff.value) == (10_000, 85)


def test_a_services_particulars_are_read(store, tmp_path):
    (result,) = import_paths(store, [write(tmp_path, "服务.csv", SERVICES)]).files
    first, second, third = store.kinds.all("service")
    assert first.attributes == {
        "service_class": "检验检测认证",
        "lead_time_days": 5,
        "price_min": 0.05,
        "price_max": 0.2,
        "qualifications": ("CMA", "CNAS"),
        "voucher": True,
    }
    assert (first.provider, first.region, first.status, first.extra) == ("某中心", "330110", "有效", {"备注": "x"})
    assert (second.attributes["lead_time_days"], second.attributes["price_max"], second.status) == (28, 5.0, "暂停")
    assert second.region == "500112"
    assert third.attributes == {"lead_time_days": 30, "qualifications": ("ISO9001",), "voucher": True}
    assert third.extra == {"服务类型": "做中试", "所在地区": "火星"}, "what cannot be read is kept as written"
    notes = result.notes_file.read_text(encoding="utf-8-sig")
    assert "做中试,不在允许的值之内" in notes
    assert "S4" not in [record.id for record in store.kinds.all("service")]
    assert "名称没有实际内容" in result.rejects_file.read_text(encoding="utf-8-sig")


def test_other_kinds_particulars_are_read(store, tmp_path):
    import_paths(store, [write(tmp_path, name, FILES[name][1]) for name in ("专家库.csv", "惠企政策.csv", "贷款.csv")])
    experts = {record.attributes["person_name"]: record for record in store.kinds.all("expert")}
    assert experts["张三"].attributes["conflicts"] == ("甲公司", "乙厂")
    assert (experts["张三"].attributes["open_limit"], experts["李四"].attributes["open_limit"]) == (3, 5)
    (policy,) = store.kinds.all("policy")
    assert (str(policy.published_at), str(policy.valid_until)) == ("2025-03-01", "2026-12-31")
    (loan,) = store.kinds.all("finance_product")
    assert (loan.attributes["amount_max"], loan.attributes["term_months"]) == (1000.0, 36)


def test_a_partial_file_leaves_the_rest_and_replace_empties_it(store, tmp_path):
    import_paths(store, [write(tmp_path, "服务.csv", SERVICES)])
    update = write(tmp_path, "服务更新.csv", "服务编号,服务名称,状态\nS1,污泥含水率检测,下架\n")
    (result,) = import_paths(store, [update]).files
    assert (result.updated, dict(result.changed_fields)) == (1, {"status": 1})
    record = store.kinds.get("service", "S1")
    assert (record.status, record.provider, record.attributes["lead_time_days"]) == ("暂停", "某中心", 5)
    import_paths(store, [update], options=ImportOptions(replace=True))
    assert store.kinds.get("service", "S1").attributes == {}


def test_an_import_of_a_kind_is_undone(store, tmp_path):

    number = import_paths(store, [write(tmp_path, "服务.csv", SERVICES)]).number
    assert store.imports.undo(number, datetime.now(UTC)).removed == 3
    assert store.kinds.counts() == {}


def test_a_platforms_own_kind_is_imported_and_an_unknown_one_named(store, tmp_path):
    own = tmp_path / "home" / "kinds"
    own.mkdir(parents=True)
    (own / "incubator.toml").write_text(
        'name = "incubator"\nlabel = "孵化空间"\nrole = "supply"\n[aliases]\ntitle = ["空间名称"]\n'
        '[[fields]]\nname = "desks"\nlabel = "工位数"\ntype = "integer"\nunit = "个"\nrequired = true\n',
        encoding="utf-8",
    )
    path = write(tmp_path, "x.csv", "空间名称,工位数\n甲,30个\n乙,很多\n")
    (result,) = import_paths(store, [path], options=ImportOptions(kind=kind_named("incubator"))).files
    assert (result.inserted, result.rejected) == (1, 1)
    assert next(store.kinds.all("incubator")).attributes == {"desks": 30}
    with pytest.raises(InputError, match=r"--kind 'spaceship' is unknown; use one of achievements, .*incubator"):
        kind_named("spaceship")


def test_other_files_are_no_declared_kind(store, tmp_path):
    for name, kind in (("专家评分.csv", "judgements"), ("企业技术需求.csv", "demands"), ("成果.csv", "achievements")):
        header = "需求编号,成果编号,评分\nD1,A1,3\n" if kind == "judgements" else "名称,简介,所属单位\n甲,乙,丙\n"
        (result,) = import_paths(store, [write(tmp_path, name, header)]).files
        assert result.kind.value == kind
