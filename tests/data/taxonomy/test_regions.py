import pytest

from data.taxonomy.industries import industry_code, nearest_industries
from data.taxonomy.regions import region_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *[
            (spelling, "410100")
            for spelling in ("410100", "4101", "410100000000", "410100.0", "４１０１００", "郑州", "河南 郑州")
        ],
        *[
            ("41", "410000"),
            ("河南省", "410000"),
            ("410100 郑州市", "410100"),
            ("410199", "410199"),
            ("台湾", "710000"),
        ],
        *[("北京市海淀区", "110108"), ("海淀区", "110108"), ("上海浦东", "310115"), ("广东省深圳市南山区", "440305")],
        *[
            ("内蒙古包头", "150200"),
            ("延边州", "222400"),
            ("恩施土家族苗族自治州", "422800"),
            ("吉林市", "220200"),
            ("吉林", "220000"),
        ],
        *[("昆山市", "320583"), ("浙江义乌", "330782"), ("济源", "419001"), ("东莞", "441900")],
        *[
            ("苏州工业园区", "320500"),
            ("合肥市高新技术产业开发区", "340100"),
            ("陕西省西咸新区", "610100"),
            ("雄安新区", "130600"),
        ],
        *[("鼓楼区", None), ("朝阳区", None), ("全国", None), ("999999", None), ("41.01", None), ("", None)],
    ],
)
def test_a_text_tells_its_most_exact_place(text, code):
    assert region_code(text) == code


def test_industries_have_one_spelling_and_near_ones_are_named():
    assert {industry_code(text) for text in ("C35", "35", "c 35", "专用设备制造业", "C-35")} == {"35"}
    assert nearest_industries("专用设备")[0].startswith("3")
    assert industry_code("C99") is None
    assert all(label[0] == "C" or label[:2].isdigit() for label in nearest_industries("C99"))
