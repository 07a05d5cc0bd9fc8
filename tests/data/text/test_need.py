"""What a demand rules out, and what it needs beside what its firm tells of itself."""

import pytest

from data.text.exclusions import Excluded, exclusions_of
from data.text.need import need_of


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("除了锂电池以外的储能技术，不考虑锂电池", {"锂电池"}),
        ("做不含甲醛的板材胶黏剂，不要酚醛树脂、不要脲醛树脂", {"酚醛树脂", "脲醛树脂"}),
        ("草莓白粉病厉害，不想打农药，求绿色防治的技术", {"农药"}),
        ("我们需要非锂电池的储能方案", {"锂电池"}),
        ("避免使用抗生素的养殖技术", {"抗生素"}),
        ("不采用焚烧、填埋方式处理垃圾", {"焚烧", "填埋"}),
        ("防水涂料不要聚氨酯类的", {"聚氨酯"}),
        ("除污泥焚烧之外的处置技术", {"污泥焚烧"}),
        ("污泥干化，不接受热风干化工艺", {"热风干化"}),
    ],
)
def test_what_is_ruled_out_is_found_and_leaves_the_need(text, things):
    need = need_of(text)
    assert set(need.exclusions) == things
    assert not any(thing in need.need for thing in things) or need.need == text


@pytest.mark.parametrize(
    "text",
    [
        "无溶剂环氧涂料，无铅焊料，非晶带材",
        "不含铅的焊料",
        "不锈钢表面处理",
        "非接触式测温，非金属材料，非线性控制",
        "除尘设备和除草剂",
        "除锂电池外，还需要铅酸电池回收",
        "避免二次污染的污泥处理技术",
        "不要影响生产，无需停机的在线检测",
        "抗拉强度不超过500MPa，不饱和树脂",
        "分别用于机床和汽车",
        "避免锂电池起火",
    ],
)
def test_technology_words_and_conditions_rule_out_nothing(text):
    assert exclusions_of(text) == []
    assert need_of(text).need == text


def test_a_record_of_the_excluded_thing_or_of_a_kind_of_it_is_told():
    excluded = Excluded(("锂电池", "农药"))
    assert excluded.matches("电动汽车 锂电池 维护")
    assert excluded.matches("锂离子 动力 电池 组")
    assert excluded.matches("高效 杀虫剂 制备")
    assert not excluded.matches("全钒 液流 电池")
    assert not excluded.matches("无 农药 草莓 栽培")


def test_the_firms_profile_is_background_and_its_trouble_is_not():
    profile = "我公司成立于2008年，位于产业集聚区，主要从事轮毂铸造，现有员工320人，通过IATF16949认证。"
    need = "目前人工看片漏检率高，希望采用机器视觉自动识别X光图像中的缺陷，检出率不低于99.5%。"
    contact = "合作方式可以是委托开发或联合开发，经费200万元，请尽快与我公司技术部联系，欢迎到现场考察。"
    read = need_of(profile + need + contact * 3 + "项目负责人高度重视，已成立专项小组。")
    assert read.need == need
    assert profile in read.background
    assert read.background.count("合作方式") == 1


def test_a_text_without_background_is_needed_as_it_stands():
    text = "需要一种低温污泥干化设备，含水率降到40%以下，处理量每天50吨。" * 8
    assert need_of(text).need == text
    assert need_of("").need == ""
