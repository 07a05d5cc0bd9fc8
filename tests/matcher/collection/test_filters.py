import pytest
from pydantic import ValidationError

from data.records import Achievement
from matcher.collection.columns import RecordColumns
from matcher.collection.filters import Filters

STATED = {"A1": ("C3511",), "A2": ("3511",), "A3": ("通用设备制造业",), "A4": ("I65",), "A5": (), "A6": ("C",)}


@pytest.fixture(scope="module")
def cards():
    return RecordColumns.from_records(
        [Achievement(achievement_id=name, title="题", industries=codes) for name, codes in STATED.items()]
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("C35", {"A1", "A2"}),
        ("35", {"A1", "A2"}),
        ("专用设备制造业", {"A1", "A2"}),
        ("c3511", {"A1", "A2"}),
        ("C", {"A1", "A2", "A3", "A6"}),
        ("34", {"A3"}),
        ("I", {"A4"}),
    ],
)
def test_an_industry_is_found_in_any_spelling(cards, asked, found):
    mask = Filters(industries=(asked,)).allowed(cards)
    assert {name for name, allowed in zip(STATED, mask, strict=True) if allowed} == found


def test_codes_of_earlier_bundles_keep_their_letter(cards):
    known = Achievement(achievement_id="A1", title="题").model_copy(update={"industries": ("C3511",)})
    assert RecordColumns.from_records([known]).has_industry(["35"]).tolist() == [True]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"industries": ("C99",)}, "没有行业“C99”；最接近的是"),
        ({"industries": ("专用设备业制造",)}, "最接近的是 .*35 专用设备制造业"),
        ({"statuses": ("已发布",)}, "没有状态“已发布”；最接近的是 .*发布"),
        ({"statuses": ("发布", "zzz")}, "没有状态“zzz”"),
    ],
)
def test_an_unknown_value_is_an_error_with_the_nearest(conditions, message):
    with pytest.raises(ValidationError, match=message):
        Filters(**conditions)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("990000", "没有地区“990000”；最接近的是 "),
        ("419900", "最接近的是 410000 河南省"),
        ("火星", "没有地区“火星”"),
        ("浙江", "地区请写六位代码：“浙江”是 330000"),
        ("4101", "“4101”是 410100"),
        ("", "没有地区"),
    ],
)
def test_an_unknown_region_is_named_with_the_nearest(asked, said):
    with pytest.raises(ValidationError) as raised:
        Filters(regions=(asked,))
    assert said in str(raised.value)
    assert raised.value.errors()[0]["loc"] == ("regions", 0)


def test_known_regions_are_kept():
    assert Filters(regions=("410000", " 410100 ", "500112", "330110")).regions == (
        "410000",
        "410100",
        "500112",
        "330110",
    )
