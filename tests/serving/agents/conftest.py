"""One server for all tests of agents and of models behind endpoints: with MCP, keys of two roles, and a scripted model."""

from datetime import UTC, datetime

import pytest

from data.store.store import Store
from serving.access.credentials import make_key
from serving.access.roles import Role
from tests.models.remote.scripted import scripted
from tests.serving.conftest import copy_of, quick, running
from tests.serving.dashboard.conftest import add_operators


@pytest.fixture(scope="session")
def script():
    """The endpoint that the server's chat model is at; a test sets its `steps`."""
    with scripted(500) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def reranker():
    """The endpoint of the server's reranker."""
    with scripted(500) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def site(platform, tmp_path_factory):
    return copy_of(platform, tmp_path_factory.mktemp("agents") / "home")


@pytest.fixture(scope="session")
def server(site, script, reranker):
    """A server with a backend's and a scientist's key; the client uses none of them by itself."""
    now = datetime.now(UTC)
    made = {role: make_key(role.value, role, now) for role in (Role.BACKEND, Role.SCIENTIST)}
    with Store.open(site.store_url) as store:
        add_operators(store)
        for _, stored in made.values():
            store.api_keys.add(stored)
    changes = {"serve_mcp": True, "mcp_origins": "https://agents.example.cn", "model_timeout": 1.0}
    changes |= {"chat": f"{script.url}#scripted", "rerank": f"{reranker.url}#scripted"}
    with running(quick(site, **changes)) as client:
        client.follow_redirects = False
        client.secrets = {role: secret for role, (secret, _) in made.items()}
        yield client
