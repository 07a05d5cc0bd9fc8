"""Endpoints as the settings describe them."""

from pathlib import Path

from data.errors import SettingsError
from data.settings import PREFIX, Settings
from models.remote.address import parse_address, require_allowed
from models.remote.endpoint import Endpoint, Limits
from models.remote.usage import Usage


def make_endpoint(name: str, value: str, settings: Settings, key_file: Path | None) -> Endpoint:
    """Return the endpoint that the setting `name` (encoder, chat) has the `value` of.

    Raises:
        SettingsError: the value is no address, its host is not allowed, or the key cannot be read.

    """
    setting = PREFIX + name.upper()
    address = parse_address(value, setting)
    listed = frozenset(host.strip().lower() for host in settings.model_hosts.split(",") if host.strip())
    require_allowed(address, listed, setting)
    limits = Limits(settings.model_timeout, settings.model_concurrency, settings.model_calls, listed)
    return Endpoint(name, address, limits, Usage(settings.home), key=_key(key_file))


def _key(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the key file {path} cannot be read: {error}") from error
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(f"the key file {path} must hold one key of printable ASCII characters")
    return key
