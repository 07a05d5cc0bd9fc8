"""A criterion's test reads as a Chinese sentence, whatever it is made of."""

import pytest

from knowledge_graph.criteria.types import read_test
from matcher.eligibility.wording import rule_text

STAFF = {"field": "staff", "op": ">=", "value": 20, "unit": "人"}
HELD = {"field": "qualifications", "op": "contains", "value": "高新技术企业", "unit": ""}
LEGAL = {"field": "legal_person", "op": "=", "value": True, "unit": ""}


@pytest.mark.parametrize(
    ("test", "text"),
    [
        (STAFF, "职工人数 ≥ 20 人"),
        (HELD, "资质 含“高新技术企业”"),
        (LEGAL, "是否具有法人资格：是"),
        ({"any": [STAFF, HELD]}, "职工人数 ≥ 20 人 或 资质 含“高新技术企业”"),
        (
            {"all": [{"any": [STAFF, HELD]}, LEGAL]},
            "（职工人数 ≥ 20 人 或 资质 含“高新技术企业”） 且 是否具有法人资格：是",
        ),
    ],
)
def test_a_test_reads_as_a_sentence(test, text):
    assert rule_text(read_test(test)) == text
