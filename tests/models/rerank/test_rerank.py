"""Rerankers: every dialect of the protocol, whatever is no score refused."""

import numpy as np
import pytest

from data.errors import EncoderError, ModelUnavailableError, SettingsError
from data.settings import Settings
from models.rerank.base import open_reranker
from tests.models.remote.scripted import scripted

TEXTS = ["甲", "乙", "丙"]
ROWS = [
    {"index": 2, "relevance_score": 0.9},
    {"index": 0, "relevance_score": 0.2},
    {"index": 1, "relevance_score": 0.1},
]
TEI = [{"index": row["index"], "score": row["relevance_score"]} for row in ROWS]


@pytest.mark.parametrize(
    ("ending", "path", "answer"),
    [
        ("", "/v1/rerank", {"results": ROWS}),
        ("/rerank", "/v1/rerank", TEI),
        ("/services/text-rerank", "/v1/services/text-rerank", {"output": {"results": ROWS}}),
    ],
)
def test_the_dialects_of_the_protocol(tmp_path, ending, path, answer):
    with scripted(answer) as script:
        reranker = open_reranker(Settings(home=tmp_path, rerank=f"{script.url}{ending}#bge"))
        np.testing.assert_array_equal(reranker.scores("问", TEXTS, 2.0), [0.2, 0.1, 0.9])
        reranker.endpoint.close()
        sent_to, body, _ = script.requests[0]
    assert (sent_to, body["model"]) == (path, "bge")
    assert body.get("input", body)["documents"] == TEXTS


@pytest.mark.parametrize(
    "answer",
    [
        {"results": ROWS[:2]},
        {"results": [*ROWS, {"index": 3, "relevance_score": 1.0}]},
        {"results": [*ROWS[:2], {"index": 1, "relevance_score": None}]},
        {"results": [{"index": -1, "relevance_score": 1.0}, *ROWS]},
        {"message": "no such model"},
        {"results": "0.9"},
    ],
)
def test_what_is_no_score_for_each_text_is_refused(tmp_path, answer):
    with scripted(answer) as script:
        reranker = open_reranker(Settings(home=tmp_path, rerank=f"{script.url}#m"))
        with pytest.raises(ModelUnavailableError) as error:
            reranker.scores("问", TEXTS, 2.0)
        reranker.endpoint.close()
    assert error.value.outcome == "broken"


def test_settings_that_name_no_reranker(tmp_path):
    assert open_reranker(Settings(home=tmp_path)) is None
    with pytest.raises(EncoderError, match="neither a URL"):
        open_reranker(Settings(home=tmp_path, rerank=str(tmp_path)))
    with pytest.raises(SettingsError, match="GONGXU_RERANK"):
        open_reranker(Settings(home=tmp_path, rerank="http://127.0.0.1/rerank"))
