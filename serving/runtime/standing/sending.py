"""One attempt to hand a message to a receiver, to an address that was looked at, within a time that covers everything."""

import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import AF_UNSPEC, SHUT_RDWR, SOCK_STREAM, create_connection, gaierror, getaddrinfo
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from data.errors import InputError

MAX_URL = 1_000
# An IPv4 address behind a translator of IPv6 networks.
_TRANSLATED = IPv6Network("64:ff9b::/96")


class RefusedTargetError(Exception):
    """A receiver that nothing may be sent to."""


@dataclass(frozen=True)
class Answer:
    """Status of a receiver, and how long it asks to be left alone."""

    status: int
    retry_after: timedelta | None = None


def parse_target(url: str, listed: Collection[str]) -> SplitResult:
    """Return the parts of a receiver's address.

    Raises:
        InputError: it is no https URL of a host alone (http for listed hosts), or names a private address outright.

    """
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError as error:
        raise InputError(f"the webhook's URL {url[:200]!r} cannot be read", "推送地址无法识别") from error
    printable = url.isascii() and url.isprintable() and " " not in url
    if not printable or len(url) > MAX_URL or parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            f"the webhook's URL {url[:200]!r} must be an https URL of at most {MAX_URL} ASCII characters",
            f"推送地址须为不超过 {MAX_URL} 个字符的 https 网址",
        )
    if parts.username or parts.password or parts.fragment or not port_is_fine:
        raise InputError(
            "the webhook's URL holds a user name, a fragment or port 0", "推送地址不能含用户名、片段或端口 0"
        )
    if parts.hostname in listed:
        return parts
    if parts.scheme != "https":
        raise InputError(
            f"the webhook's host {parts.hostname!r} is reached by plain http; use https, or list it in GONGXU_WEBHOOK_HOSTS",
            "推送地址须使用 https（或由管理员把主机加入 GONGXU_WEBHOOK_HOSTS）",
        )
    try:
        literal = ip_address(parts.hostname)
    except ValueError:
        return parts
    if not is_public(literal):
        raise InputError(
            f"the webhook's host {parts.hostname!r} is not public; list it in GONGXU_WEBHOOK_HOSTS to allow it",
            "推送地址指向内网或本机，已拒绝（可由管理员加入 GONGXU_WEBHOOK_HOSTS）",
        )
    return parts


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the open internet, also where it wraps an IPv4 address."""
    if isinstance(address, IPv6Address):
        teredo = address.teredo
        wrapped = [address.ipv4_mapped, address.sixtofour, *(teredo or ())]
        if address in _TRANSLATED:
            wrapped.append(IPv4Address(int(address) & 0xFFFFFFFF))
        inner = [one for one in wrapped if one is not None]
        if inner:
            return all(is_public(one) for one in inner)
    return address.is_global and not address.is_multicast


def looked_up(host: str, port: int, listed: Collection[str]) -> str:
    """Return the address to connect to; the connection goes there and nowhere else, whatever the name says a moment later.

    Raises:
        RefusedTargetError: the host is not listed and one of its addresses is not public.
        gaierror: the name has no address.

    """
    found = [str(one[4][0]).partition("%")[0] for one in getaddrinfo(host, port, AF_UNSPEC, SOCK_STREAM)]
    if host not in listed and not all(is_public(ip_address(one)) for one in found):
        raise RefusedTargetError("the host has a private address")
    return found[0]


class _Connection(HTTPConnection):
    """A connection to one address that was looked at, under the host's own name."""

    def __init__(self, parts: SplitResult, address: str, port: int, seconds: float) -> None:
        super().__init__(parts.hostname or "", port, timeout=seconds)
        self._address = address
        self._tls = _context() if parts.scheme == "https" else None
        self.late = False

    def connect(self) -> None:
        """Open the connection."""
        self.sock = create_connection((self._address, self.port), self.timeout)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def break_off(self) -> None:
        """End whatever waits for the other side, from another thread."""
        connected, self.late = self.sock, True
        if connected is not None:
            try:
                connected.shutdown(SHUT_RDWR)
            except OSError:
                return  # it ended by itself


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def post(url: str, body: bytes, headers: Mapping[str, str], listed: Collection[str], seconds: float) -> Answer:
    """Send a message and return the receiver's status; its answer is not read. No proxy and no redirect is followed.

    Raises:
        RefusedTargetError: nothing may be sent there.
        OSError: it cannot be reached, or gave no answer within `seconds`.

    """
    try:
        parts = parse_target(url, listed)
    except InputError as error:
        raise RefusedTargetError(str(error)) from error
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = _Connection(parts, looked_up(parts.hostname or "", port, listed), port, seconds)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # Each read has a time of its own: a receiver that sends a byte now and then would never be given up without this.
    watch = Timer(seconds, connection.break_off)
    watch.daemon = True
    watch.start()
    try:
        sent = {"content-type": "application/json", "user-agent": "gongxu-webhooks/1", "connection": "close", **headers}
        connection.request("POST", path, body, sent)
        answer = connection.getresponse()
        if connection.late:  # what was broken off reads like headers that ended
            raise TimeoutError("no answer in time")
        return Answer(answer.status, _seconds(answer.getheader("retry-after")))
    except (HTTPException, OSError) as error:
        if connection.late:
            raise TimeoutError("no answer in time") from error
        if isinstance(error, OSError):
            raise
        raise OSError(f"the answer is no HTTP ({type(error).__name__})") from error
    finally:
        watch.cancel()
        connection.close()


def why_unreachable(error: OSError) -> str:
    """Return in Chinese why a receiver was not reached."""
    if isinstance(error, gaierror):
        return "域名没有地址"
    if isinstance(error, TimeoutError):
        return "未在限定时间内应答"
    return "证书无效" if isinstance(error, ssl.SSLError) else f"无法连接（{type(error).__name__}）"


def _seconds(text: str | None) -> timedelta | None:
    """Return what a header `Retry-After` in seconds says; a date or nonsense says nothing."""
    return timedelta(seconds=min(int(text), 10**6)) if text and text.isascii() and text.isdigit() else None
