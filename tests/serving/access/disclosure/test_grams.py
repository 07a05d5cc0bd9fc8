import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.access.disclosure.grams import RUN, HiddenRuns, distinct, without_runs
from tests.some import some

TEXTS = st.text(alphabet="甲乙丙丁戊己ABcd12", max_size=40)
NOTHING = np.zeros(0, dtype=np.uint64)


def runs(text):
    return {text[start : start + RUN].lower() for start in range(len(text) - RUN + 1)}


def cleared(hidden, said, revealed=NOTHING, own=NOTHING):
    masks = HiddenRuns([distinct([text]) for text in hidden]).marks(said, revealed, own)
    return [text if mask is None else without_runs(text, mask, "■") for text, mask in zip(said, masks, strict=True)]


@given(hidden=st.lists(TEXTS, max_size=4), said=st.lists(TEXTS, min_size=1, max_size=5))
def test_no_run_of_a_hidden_text_is_left_and_nothing_else_goes(hidden, said):
    secret = set().union(*map(runs, hidden)) if hidden else set()
    for text, kept in some(zip(said, cleared(hidden, said), strict=True)):
        assert not runs(kept) & secret
        if not runs(text) & secret:
            assert kept == text


@given(first=TEXTS, second=TEXTS)
def test_a_grant_reveals_its_own_record_only(first, second):
    (kept,) = cleared([first, second], [first], revealed=distinct([first]))
    assert not runs(kept) & runs(second)
    if not runs(first) & runs(second):
        assert kept == first


def test_what_the_caller_sent_is_no_disclosure_and_spelling_is_no_way_round():
    secret = "含水率由八十降至三十以下"
    assert cleared([secret], [secret], own=distinct([secret])) == [secret]
    assert cleared(["Ｘ２０００型膜組件参数"], ["x2000型膜组件参数"]) == ["■"]
    assert cleared([secret], ["报价", f"据称{secret[2:9]}。"]) == ["报价", "据称■。"]
