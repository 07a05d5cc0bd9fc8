"""docs/features.md is what the declarations say."""

from pathlib import Path

from matcher.features.document import feature_document
from matcher.features.table import FEATURE


def test_the_page_is_up_to_date():
    page = Path(__file__).parents[3] / "docs" / "features.md"
    assert page.read_text(encoding="utf-8") == feature_document(), (
        "run python -m matcher.features.document >docs/features.md"
    )


def test_every_feature_has_a_chinese_label_of_its_own():
    labels = [one.label for one in FEATURE.values()]
    assert len(set(labels)) == len(labels)
    assert all(any("一" <= character <= "鿿" for character in label) for label in labels)
