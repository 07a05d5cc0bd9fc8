"""A rerank endpoint, as TEI, vLLM, Xinference, Jina, Cohere and DashScope speak it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.remote.endpoint import Endpoint

_NATIVE = "/text-rerank"  # how DashScope's own path ends


class RemoteReranker:
    """Sends a query with its texts. The address is that of the endpoint, `/rerank` is added unless it is there."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        url = endpoint.address.url
        self._native = url.endswith(_NATIVE)
        self._path = "" if self._native or url.endswith(("/rerank", "/reranks")) else "/rerank"

    @property
    def identity(self) -> str:
        """Address and model."""
        return f"{self.endpoint.address.url}#{self.endpoint.address.model}"

    def scores(self, query: str, texts: Sequence[str], seconds: float) -> NDArray[np.float64]:
        """Return (n,) finite scores, more for a better match.

        Raises:
            ModelUnavailableError: they are not there after `seconds`, or the answer is of another form.

        """
        model, listed = self.endpoint.address.model, list(texts)
        body: dict[str, Any] = {"model": model, "query": query, "documents": listed, "texts": listed}
        if self._native:
            body = {"model": model, "input": {"query": query, "documents": listed}}
        return self.endpoint.post(self._path, body, lambda found: _scores(found, len(listed)), seconds=seconds)


def _scores(found: Any, number: int) -> NDArray[np.float64]:
    """Return the scores in the order of the texts; ValueError, KeyError or TypeError unless there is one for each."""
    if isinstance(found, dict):
        found = found["output"]["results"] if "output" in found else found["results"]
    scores = np.full(number, np.nan)
    for row in found:
        place = int(row["index"])
        if not 0 <= place < number:
            raise ValueError(f"a score for text {place} of {number}")
        scores[place] = float(row["relevance_score"] if "relevance_score" in row else row["score"])
    if not np.isfinite(scores).all():
        raise ValueError("texts without a finite score")
    return scores
