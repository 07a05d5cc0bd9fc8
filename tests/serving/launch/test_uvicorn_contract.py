"""What the workers use of uvicorn's internals (`serving/launch/workers.py`): a new release that changes one fails here.

Used are: `uvicorn.config.STARTUP_FAILURE`; of `Config` `backlog`, `bind_socket` and `http_protocol_class`; of `Server`
`startup`, `shutdown`, `should_exit`, `config`, `lifespan.state` and `server_state.tasks`; and that a protocol made of
`config`, `server_state` and `app_state` serves an accepted connection.
"""

import asyncio
import inspect
from socket import AF_UNIX, SOCK_STREAM, socket, socketpair

import pytest
import uvicorn
from uvicorn.config import STARTUP_FAILURE


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def config():
    return uvicorn.Config(app, host="127.0.0.1", port=0, backlog=7, log_config=None, http="httptools")


def test_a_worker_that_cannot_start_ends_with_a_code_of_its_own():
    assert isinstance(STARTUP_FAILURE, int)
    assert STARTUP_FAILURE not in (0, 1, 2)


def test_a_configuration_binds_without_listening_and_names_its_backlog(config):
    assert config.backlog == 7
    bound = config.bind_socket()
    with bound, socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(bound.getsockname())


@pytest.mark.parametrize("name", ["startup", "shutdown"])
def test_a_server_starts_and_stops_with_sockets_given(name):
    method = getattr(uvicorn.Server, name)
    assert inspect.iscoroutinefunction(method)
    assert list(inspect.signature(method).parameters) == ["self", "sockets"]


def test_a_protocol_serves_an_accepted_connection_of_a_server_that_listens_nowhere(config):
    async def served() -> bytes:
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[])
        assert server.servers == []
        assert server.should_exit is False
        assert isinstance(server.server_state.tasks, set)
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        theirs.setblocking(False)
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(
            lambda: server.config.http_protocol_class(
                config=server.config, server_state=server.server_state, app_state=server.lifespan.state
            ),
            theirs,
        )
        await loop.sock_sendall(ours, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = b""
        while part := await loop.sock_recv(ours, 4096):
            answer += part
        await server.shutdown(sockets=[])
        ours.close()
        return answer

    answer = asyncio.run(asyncio.wait_for(served(), 20))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"ok")
