"""A model's endpoint on this machine that does what its script says, good or bad."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SLOW, HANG, BROKEN, DROP = "slow", "hang", "broken", "drop"
Step = Any
"""A JSON object to answer, a status, one of the words above, or a function from path and request to one of these."""


class Scripted:
    """Answers each request by the next step; the last one stays."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.url = ""
        self.released = threading.Event()
        self._lock = threading.Lock()

    def next(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Step:
        with self._lock:
            self.requests.append((path, body, headers))
            step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return step(path, body) if isinstance(step, Callable) else step


@contextmanager
def scripted(*steps: Step, certificate: Path | None = None) -> Iterator[Scripted]:
    """Yield an endpoint with these steps; with a file of a certificate and its key it speaks TLS."""
    script = Scripted(*steps)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            step = script.next(self.path, body, {name.lower(): value for name, value in self.headers.items()})
            if step == DROP:
                self.close_connection = True
                return
            if step == HANG:
                script.released.wait(30)
                self.close_connection = True
                return
            content = b"{not json" if step == BROKEN else json.dumps({} if isinstance(step, int) else step).encode()
            if step == SLOW:
                content = b'{"slow": "' + b"." * 200 + b'"}'
            try:
                self.send_response(step if isinstance(step, int) else 200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                for place in range(len(content)) if step == SLOW else ():
                    self.wfile.write(content[place : place + 1])
                    self.wfile.flush()
                    time.sleep(0.02)
                self.wfile.write(b"" if step == SLOW else content)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    script.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield script
    finally:
        script.released.set()
        server.shutdown()
        server.server_close()
