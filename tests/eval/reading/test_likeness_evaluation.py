"""What is called the same or a kind is rarely wrong, on pairs that people judged."""

import os
from pathlib import Path

import pytest

from data.errors import InputError
from eval.reading.likeness_evaluation import JudgedPair, measure, read_judged_pairs


def test_precision_and_recall_count_what_is_called_alike():
    pairs = [
        JudgedPair("动力电池", "电池", "H"),
        JudgedPair("正极", "负极", "R"),
        JudgedPair("铝合金", "氧化铝", "H"),
        JudgedPair("长寿命", "寿命", "R"),
    ]
    assert measure(pairs) == {"pairs": 4.0, "called": 2.0, "precision": 0.5, "recall": 0.5}
    assert measure([]) == {"pairs": 0.0, "called": 0.0, "precision": 0.0, "recall": 0.0}


def test_a_file_without_the_columns_is_named(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks one of the columns"):
        read_judged_pairs(file)


def test_judged_pairs_are_called_alike_with_few_errors():
    shared = os.environ.get("GONGXU_SHARED_DATA")
    path = Path(shared or "") / "concepts" / "term_pairs.csv"
    if not shared or not path.is_file():
        pytest.skip("judged pairs absent: set GONGXU_SHARED_DATA to the folder of the shared data")
    pairs = read_judged_pairs(path)
    figures = measure(pairs)
    assert figures["precision"] >= 0.9
    assert figures["recall"] >= 0.6
    assert measure(pairs, lists=False)["precision"] >= 0.9
