"""Structured logs: one JSON object a line on stderr, without texts, keys or other data of people."""

import logging
import sys
from contextlib import suppress
from typing import BinaryIO, cast

import orjson
import structlog


class _Lenient:
    """A file whose writing never fails a request: on a full disk the line is lost, the answer is not."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> int:
        """Write a line if that is possible."""
        with suppress(OSError):
            return self._file.write(line)
        return 0

    def flush(self) -> None:
        """Pass on what was written if that is possible."""
        with suppress(OSError):
            self._file.flush()


def configure_logs(level: str = "INFO") -> None:
    """Let structlog and the libraries' logging write JSON lines to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
    ]
    threshold = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[*shared, *render, structlog.processors.JSONRenderer(serializer=orjson.dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(cast(BinaryIO, _Lenient(sys.stderr.buffer))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *render,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").setLevel(threshold)
