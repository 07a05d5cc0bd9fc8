"""A sentence-transformers CrossEncoder in a directory, on the CPU. Imports torch: only for those who set one."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from data.errors import EncoderError, ModelUnavailableError, first_line
from models.encoder.directory import BROKEN_MODEL, directory_digest

_BATCH = 4  # texts between two looks at the clock


class LocalReranker:
    """One query at a time; who comes meanwhile is refused, as everybody who would get the scores too late."""

    def __init__(self, directory: Path) -> None:
        """Load the model.

        Raises:
            EncoderError: the directory holds no cross-encoder of one score.

        """
        if not (directory / "config.json").is_file():
            raise EncoderError(
                f"GONGXU_RERANK={directory} is neither a URL with a model nor a CrossEncoder's directory"
            )
        from sentence_transformers import CrossEncoder

        try:
            self._model: CrossEncoder = CrossEncoder(str(directory), device="cpu", local_files_only=True)
        except BROKEN_MODEL as error:
            raise EncoderError(f"the CrossEncoder in {directory} cannot be loaded: {first_line(error)}") from error
        if self._model.num_labels != 1:
            raise EncoderError(
                f"the CrossEncoder in {directory} gives {self._model.num_labels} numbers a pair instead of 1"
            )
        self.identity = directory_digest(directory)
        self._lock = Lock()

    def scores(self, query: str, texts: Sequence[str], seconds: float) -> NDArray[np.float64]:
        """Return (n,) finite scores, more for a better match.

        Raises:
            ModelUnavailableError: it is at work already, or not ready after `seconds`.

        """
        deadline = monotonic() + seconds
        if not self._lock.acquire(blocking=False):
            raise ModelUnavailableError("the reranker is at work already", "busy", "重排模型正忙")
        try:
            found: list[float] = []
            for start in range(0, len(texts), _BATCH):
                if monotonic() >= deadline:
                    raise ModelUnavailableError("the reranker was not ready in time", "late", "重排未能按时完成")
                part = [(query, text) for text in texts[start : start + _BATCH]]
                found += self._model.predict(part, batch_size=_BATCH, show_progress_bar=False).tolist()
        finally:
            self._lock.release()
        scores = np.array(found, dtype=np.float64)
        if not np.isfinite(scores).all():
            raise ModelUnavailableError("the reranker gave numbers that are none", "broken", "重排结果无效")
        return scores
