"""The client is what the OpenAPI document says now."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CLIENT = ROOT / "serving" / "client"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Models and clients as `make client` would write them now."""
    folder = tmp_path_factory.mktemp("client")
    subprocess.run([sys.executable, str(CLIENT / "generate.py"), str(folder)], check=True, cwd=ROOT, timeout=300)
    return folder


@pytest.mark.parametrize("name", ["models.py", "sync_client.py", "async_client.py"])
def test_the_client_is_up_to_date(written, name):
    kept = (CLIENT / "gongxu_client" / name).read_text(encoding="utf-8")
    assert (written / name).read_text(encoding="utf-8") == kept, "the API changed: run make client"


def test_both_clients_have_every_operation():
    from gongxu_client import AsyncClient, Client
    from serving.app import create_app

    operations = {each["operationId"] for path in create_app().openapi()["paths"].values() for each in path.values()}
    assert len(operations) > 25
    for client in (Client, AsyncClient):
        assert operations <= set(vars(client))
