"""The contextual encoder that ships: its size, that it means something, and what it costs."""

import time

import numpy as np
import pytest

from models.encoder.base import CONTEXTUAL_DIRECTORY, Encoder, load_encoder

MIB = 2**20
ALIKE = [
    ("低温污泥干化设备", "污泥低温干燥装置"),
    ("锂离子电池正极材料制备", "动力电池三元正极材料合成技术"),
    ("小麦抗病育种", "抗条锈病小麦新品种选育"),
    ("轴承故障诊断", "旋转机械振动信号的故障识别方法"),
    ("工业废水脱氮", "污水厌氧氨氧化处理工艺"),
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(str(CONTEXTUAL_DIRECTORY))


def test_it_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in CONTEXTUAL_DIRECTORY.iterdir()) <= 16 * MIB


def test_texts_of_one_meaning_are_nearer_than_others(encoder: Encoder) -> None:
    left, right = (encoder.encode(side, "query") for side in zip(*ALIKE, strict=True))
    assert ((left @ right.T).argmax(axis=1) == np.arange(len(ALIKE))).all()


def test_the_card_tells_how_it_was_made() -> None:
    card = (CONTEXTUAL_DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert "gongxu lab encoder distil" in card
    assert "Nothing else" in card


def test_a_text_of_100_characters_takes_few_milliseconds(encoder: Encoder) -> None:
    text = (
        "针对高浓度有机废水处理过程中能耗高、污泥产量大等问题，研究开发了基于厌氧氨氧化的新型脱氮工艺与成套装备，" * 2
    )
    taken = []
    for _ in range(50):
        started = time.thread_time()
        encoder.encode([text[:100]], "query")
        taken.append(time.thread_time() - started)
    assert np.median(taken) < 0.02  # 6 ms measured; a test machine may be slow, a change of the network is not
