import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
from knowledge_graph.taxonomy import chains, fields, industries, regions, trl

INDUSTRIES = industries.load_industries()
REGIONS = regions.load_regions()
FIELDS = fields.load_fields()
CHAINS = chains.load_chains()
CITIES = st.sampled_from(sorted(REGIONS.names))
CODES = st.sampled_from(["A", "C", "01", "26", "261", "2614", "38", "3841", "384", "C26"])


def distance(one, other):
    return float(industries.industry_distance(INDUSTRIES.encode([one]), INDUSTRIES.encode([other])[None])[0])


def test_the_standard_has_20_sections_and_97_divisions():
    letters = [code for code in INDUSTRIES.names if code.isalpha()]
    assert len(letters) == 20
    assert len(INDUSTRIES.names) - len(letters) == 97


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("2614", "2614", 0),
        ("2614", "2613", 1),
        ("2614", "2621", 2),
        ("2614", "3841", 3),
        ("2614", "0111", 4),
        ("26", "26", 1),
    ],
)
def test_industry_distance(one, other, expected):
    assert distance(one, other) == expected


@given(CODES, CODES)
def test_industry_distance_is_symmetric_and_bounded(one, other):
    assert distance(one, other) == distance(other, one)
    assert 0 <= distance(one, other) <= industries.FURTHEST


@given(st.lists(st.text(max_size=6), max_size=5))
def test_any_industry_codes_can_be_encoded(codes):
    encoded = INDUSTRIES.encode(codes)
    assert encoded.shape == (industries.PER_RECORD, 4)
    assert INDUSTRIES.encode(["不是代码", "2614"])[0, 1] == 26


def test_full_tables_can_be_loaded(tmp_path):
    path = tmp_path / "full.csv"
    path.write_text("code,parent,name\nC,,制造业\n26,C,化学原料\n261,26,基础化学\n", encoding="utf-8")
    assert industries.load_industries(path).name("2614") == "基础化学"
    path.write_text("code,name\nC,制造业\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 'parent'"):
        industries.load_industries(path)
    with pytest.raises(InputError, match="does not exist"):
        industries.load_industries(tmp_path / "none.csv")


def apart(one, other):
    return float(regions.region_distance(REGIONS, one, np.array([other], dtype=np.int32))[0])


def test_31_provinces_and_two_regions_and_taiwan_with_their_neighbours():
    assert sum(code % 10_000 == 0 for code in REGIONS.names) == 34
    assert REGIONS.hops[41, 13] == 1
    assert REGIONS.hops[41, 44] == 3  # 河南 湖北 湖南 广东
    assert (REGIONS.hops == REGIONS.hops.T).all()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (410105, 410100, 0),  # a district and its city
        (410100, 410300, 1),  # two cities of 河南
        (410000, 410300, 0.5),
        (410100, 140500, 1),  # 晋城 is in the same agglomeration
        (410100, 610100, 2),  # neighbouring provinces
        (110105, 110000, 0),  # a municipality is one city
    ],
)
def test_region_distance(one, other, expected):
    assert apart(one, other) == expected


@given(CITIES, CITIES)
def test_region_distance_is_symmetric_and_zero_at_home(one, other):
    assert apart(one, other) == apart(other, one)
    assert apart(one, one) == 0


def test_unknown_regions_are_unknown():
    assert np.isnan(apart(0, 410100))
    assert np.isnan(apart(410100, 0))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("郑州大学", 410100),
        ("河南省洛阳市涧西区建设路154号", 410300),
        ("河南科技大学", 410000),
        ("吉林大学", 220000),
        ("中国科学院过程工程研究所", 0),
    ],
)
def test_region_from_address_text(text, code):
    assert REGIONS.find(text) == code


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("新材料", "新材料及其应用"),
        ("06", "新能源与高效节能"),
        ("资源与环境", "环境保护与资源综合利用"),
        ("现代农业技术领域", "农业"),
    ],
)
def test_field_labels(label, name):
    assert FIELDS.names[FIELDS.number(label)] == name


def test_eleven_fields_and_their_distance():
    assert len(FIELDS.names) == 11
    assert FIELDS.number("") == FIELDS.number("说不清") == fields.UNKNOWN_FIELD
    assert (FIELDS.distance == FIELDS.distance.T).all()
    values = fields.field_distance(FIELDS, 0, np.array([0, -1], dtype=np.int8))
    assert values[0] == 0
    assert np.isnan(values[1])
    assert np.isnan(fields.field_distance(FIELDS, -1, np.array([0], dtype=np.int8))[0])


def test_chains_are_complete():
    assert len(CHAINS.chains) >= 17
    for chain in CHAINS.chains:
        assert all(len(stage) >= 4 for stage in chain.stages)
        assert all(code in INDUSTRIES.names for code in chain.industries)
        assert chain.field in FIELDS.codes


def stages(*pairs):
    return chains.strongest(dict(pairs))


def test_chain_relation():
    asks, weights = stages((5, 1.0))  # midstream of the second chain
    others = [stages((5, 1.0)), stages((4, 1.0)), stages((6, 1.0)), stages((8, 1.0)), stages()]
    affinity, step = chains.chain_relation(
        asks, weights, np.stack([row[0] for row in others]), np.stack([row[1] for row in others])
    )
    np.testing.assert_allclose(affinity, [1.0, 0.5, 0.5, 0.0, np.nan])
    np.testing.assert_allclose(step, [0, -1, 1, np.nan, np.nan])


def test_readiness_ladder():
    assert [rung.level for rung in trl.load_ladder()] == list(range(1, 10))
    assert trl.readiness("已完成中试,正在产业化") == 9
    assert trl.readiness("没有说明") is None


def test_codes_are_named_for_people():
    assert INDUSTRIES.name("6510") == INDUSTRIES.name("I6510") == "软件和信息技术服务业"
    assert (INDUSTRIES.name("I"), INDUSTRIES.name("I9"), INDUSTRIES.name("99")) == (INDUSTRIES.names["I"],) * 2 + ("",)
    assert REGIONS.full_name(320505) == "江苏省苏州市"
    assert (REGIONS.full_name(110108), REGIONS.full_name(410000), REGIONS.full_name(990000)) == ("北京市", "河南省", "")
