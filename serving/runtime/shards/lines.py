"""Lines between the processes that ask and the shards: one TCP connection a thread and shard, both ends knowing the token.

Ray places, names and restarts the actors; questions go past it, since a call through it passes five threads and takes
milliseconds. What goes over a line is trusted as far as the token is, as with Ray itself.
"""

import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from multiprocessing.context import AuthenticationError
from threading import Thread
from typing import Any

import structlog

Address = tuple[str, int]
CLOSED = (EOFError, OSError, AuthenticationError)
"""Errors that say that the other end is gone, or is not whom it should be."""
BACKLOG = 128

log = structlog.get_logger("gongxu.shards")


class Broken:
    """The answer of a shard that failed over a question, with what was wrong."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Exchange:
    """The shard's end: takes lines and answers each one's questions in turn, every line in a thread of its own."""

    def __init__(self, host: str, token: str, answer: Callable[..., Any]) -> None:
        """Listen on a free port of `host`; `answer` is called with the parts of each question."""
        self._token = token.encode()
        self._answer = answer
        self._listener = Listener((host, 0), family="AF_INET", backlog=BACKLOG)
        Thread(target=self._accept, name="lines", daemon=True).start()

    @property
    def address(self) -> Address:
        """Where it listens."""
        host, port = self._listener.address
        return str(host), int(port)

    def _accept(self) -> None:
        while True:
            try:
                line = self._listener.accept()
            except OSError as error:
                log.warning("a line was not taken", reason=str(error))
                continue
            Thread(target=self._serve, args=(line,), name="line", daemon=True).start()

    def _serve(self, line: "Connection[Any, Any]") -> None:
        try:
            deliver_challenge(line, self._token)
            answer_challenge(line, self._token)
            _send_at_once(line)
            while True:
                line.send(self._answered(line.recv()))
        except CLOSED:
            line.close()

    def _answered(self, question: tuple[Any, ...]) -> Any:
        try:
            return self._answer(*question)
        except Exception as error:  # the line goes on, and who asked says what was wrong
            log.exception("a question failed", question=question[:2])
            return Broken(f"{type(error).__name__}: {error}")


def open_line(address: Address, token: str) -> "Connection[Any, Any]":
    """Return a line to a shard's exchange.

    Raises:
        OSError, EOFError, AuthenticationError: nobody answers there, or without the token (`CLOSED`).

    """
    line: Connection[Any, Any] = Client(address, family="AF_INET")
    try:
        answer_challenge(line, token.encode())
        deliver_challenge(line, token.encode())
        _send_at_once(line)
    except CLOSED:
        line.close()
        raise
    return line


def _send_at_once(line: "Connection[Any, Any]") -> None:
    """Have small parts of messages sent without waiting for the other end's acknowledgement of those before."""
    with socket.socket(fileno=os.dup(line.fileno())) as end:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
