"""Where a model is: `https://host/v1#model`, and which hosts texts may be sent to."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from socket import AF_UNSPEC, SOCK_STREAM, gaierror, getaddrinfo
from urllib.parse import urlsplit

from data.errors import SettingsError


@dataclass(frozen=True)
class Address:
    """Base URL without a trailing slash, and the model's name there."""

    url: str
    model: str

    @property
    def host(self) -> str:
        """Host name or address."""
        return urlsplit(self.url).hostname or ""


def parse_address(value: str, setting: str) -> Address:
    """Return the address that a setting holds.

    Raises:
        SettingsError: it is no http(s) URL with a host and a model after `#`, or it holds a user name or a query.

    """
    base, _, model = value.partition("#")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or not model.strip():
        raise SettingsError(f"{setting}={value[:200]!r} must be a URL and a model: http://127.0.0.1:8080/v1#model")
    if parts.username or parts.password or parts.query:
        raise SettingsError(f"{setting} holds a user name or a query; put the key into a file of its own")
    return Address(base.rstrip("/"), model.strip())


def is_allowed(host: str, listed: Collection[str]) -> bool:
    """Tell whether texts may be sent to a host: it is listed, or all its addresses are private or of this machine.

    Link-local addresses, behind which clouds offer their machines' credentials, are not private. Raises gaierror if an
    unlisted name has no address.
    """
    if host.lower() in listed:
        return True
    try:
        addresses = {str(ip_address(host))}
    except ValueError:
        addresses = {str(found[4][0]) for found in getaddrinfo(host, None, AF_UNSPEC, SOCK_STREAM)}
    return bool(addresses) and all(_is_private(address) for address in addresses)


def require_allowed(address: Address, listed: Collection[str], setting: str) -> None:
    """Refuse at start what no call would be allowed to reach; a name without an address is left to the calls.

    Raises:
        SettingsError: the host is neither listed nor private.

    """
    try:
        allowed = is_allowed(address.host, listed)
    except gaierror:
        return
    if not allowed:
        raise SettingsError(
            f"{setting} names the host {address.host!r}, which is not a private one; texts are sent to private hosts only, "
            "unless GONGXU_MODEL_HOSTS lists others"
        )


def _is_private(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_private and not (address.is_link_local or address.is_unspecified or address.is_multicast)
