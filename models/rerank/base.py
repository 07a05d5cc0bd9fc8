"""A reranker as the rest of the project sees it: one interface, one function that opens any implementation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data.settings import Settings
from models.remote.configured import make_endpoint
from models.rerank.remote import RemoteReranker


class Reranker(Protocol):
    """Scores texts against a query."""

    @property
    def identity(self) -> str:
        """What decides the scores: address and model, or the digest of the files. A weight is fitted for one identity."""

    def scores(self, query: str, texts: Sequence[str], seconds: float) -> NDArray[np.float64]:
        """Return (n,) finite scores, more for a better match.

        Raises:
            ModelUnavailableError: they are not there after `seconds`, or the model fails.

        """


def open_reranker(settings: Settings) -> Reranker | None:
    """Return the reranker of the setting `GONGXU_RERANK`: a URL with a model, or the directory of a CrossEncoder.

    Raises:
        SettingsError: the address cannot be used, or its host is not allowed.
        EncoderError: the directory holds no such model.

    """
    value = settings.rerank
    if not value:
        return None
    if value.startswith(("http://", "https://")):
        return RemoteReranker(make_endpoint("rerank", value, settings, settings.rerank_key_file))
    from models.rerank.local import LocalReranker

    return LocalReranker(Path(value).expanduser())
