"""English demands are read through the lexicon, or the answer says that they are not understood."""

import pytest

from data.text.foreign import in_chinese, is_understood, load_lexicon
from tests.some import some


def test_the_lexicon_holds_a_small_technical_vocabulary():
    assert len(load_lexicon()) >= 1500
    assert all(term.strip() for term in load_lexicon().values())


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("low temperature sludge drying", ["低温污泥干化"]),
        ("lithium iron phosphate cathode material", ["磷酸铁锂", "正极材料"]),
        ("Treatment of dyeing wastewaters", ["印染废水"]),
        ("Vanadium redox flow batteries", ["全钒液流电池"]),
        ("We need a robot for automatic welding of steel plates", ["机器人", "焊接", "钢板"]),
    ],
)
def test_english_is_told_in_chinese_terms(text, terms):
    assert is_understood(text)
    for term in some(terms):
        assert term in in_chinese(text)


@pytest.mark.parametrize("text", ["hello how are you my dear friend", "qwer asdf zxcv poiu lkjh"])
def test_what_is_not_known_is_not_understood(text):
    assert not is_understood(text)
    assert in_chinese(text) == text


@pytest.mark.parametrize("text", ["COD 50mg/L", "GB/T 19001", "低温 sludge drying", "污泥干化", ""])
def test_chinese_and_symbols_stay_as_they_are(text):
    assert is_understood(text)
    assert in_chinese(text) == text
