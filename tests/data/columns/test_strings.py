"""StringColumn kept in files: the same as lists and dictionaries, whatever they hold."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.columns.strings import StringColumn, StringIndex

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=6)
ON_DISK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ON_DISK
@given(st.lists(TEXTS, max_size=20), st.slices(20))
def test_strings_are_what_the_list_was(tmp_path, texts, part):
    StringColumn.of(texts).save(tmp_path / "strings.arrow")
    for strings in (StringColumn.of(texts), StringColumn.load(tmp_path / "strings.arrow")):
        assert len(strings) == len(texts)
        assert strings == texts
        assert [strings[place] for place in range(-len(texts), len(texts))] == texts * 2
        assert strings[part] == texts[part]
        with pytest.raises(IndexError):
            strings[len(texts)]


@ON_DISK
@given(st.dictionaries(TEXTS, st.integers(-1, 5), max_size=20), st.lists(TEXTS, max_size=8))
def test_numbers_are_what_the_dictionary_was(tmp_path, numbers, asked):
    StringIndex.of(numbers).save(tmp_path / "stem")
    for found in (StringIndex.of(numbers), StringIndex.load(tmp_path / "stem")):
        assert dict(found) == numbers
        assert list(found.values()) == sorted(numbers.values())
        assert found.largest == max([0, *numbers.values()])
        for text in [*asked, *numbers, "\ud800"]:
            assert found.get(text, 9) == numbers.get(text, 9)
            assert (text in found) == (text in numbers)
        assert found.found([*asked, *numbers]) == [numbers[text] for text in [*asked, *numbers] if text in numbers]
    assert found.found(["\ud800", *numbers]) == list(numbers.values())


def test_damaged_files_are_named(tmp_path):
    StringIndex.of({"甲": 0, "乙": 1}).save(tmp_path / "stem")
    np.save(tmp_path / "stem.numbers.npy", np.zeros(3, dtype=np.int32))
    with pytest.raises(ValueError, match="2 strings have 3 numbers"):
        StringIndex.load(tmp_path / "stem")
    (tmp_path / "stem.trie").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="cannot be read"):
        StringIndex.load(tmp_path / "stem")
    (tmp_path / "stem.trie").unlink()
    with pytest.raises(OSError, match="stem"):
        StringIndex.load(tmp_path / "stem")
