"""API keys: how they are made, recognised and held in memory."""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from data.errors import InputError
from data.store.keys import ApiKey, AuditEntry
from data.store.store import Store
from serving.access.roles import SCOPES, Role, Scope

MAX_DAYS = 3650
_KEY = re.compile(r"gx_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[\w.\-]{1,100}")


@dataclass(frozen=True)
class Principal:
    """Who sent a request."""

    name: str
    role: Role
    withheld: frozenset[Scope] = frozenset()

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the sender may do."""
        return SCOPES[self.role] - self.withheld


# Whoever is at this machine before the first key exists: no administrator, for nobody can be sure who that is.
LOCAL = Principal("local", Role.ADMIN, frozenset({Scope.CHANGE_MODELS}))


def digest_of(key: str) -> str:
    """Return the SHA-256 of a key: with 256 random bits in it, nothing slower is needed against guessing."""
    return sha256(key.encode()).hexdigest()


def make_key(name: str, role: Role, now: datetime, days: int | None = None) -> tuple[str, ApiKey]:
    """Return a new key, to be shown once, and what is to be stored of it; it expires after `days`, None: never.

    Raises:
        InputError: the name is empty, longer than 100 characters or holds others than letters, digits, `.`, `_`, `-`;
            `days` is not 1-3650.

    """
    if not _NAME.fullmatch(name):
        raise InputError(f"key name {name[:100]!r} may have 1-100 letters, digits, dots, hyphens and underscores")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InputError(f"--days is {days}; it must be 1 to {MAX_DAYS}")
    key_id = secrets.token_hex(6)
    key = f"gx_{key_id}_{secrets.token_urlsafe(32)}"
    expires_at = None if days is None else now + timedelta(days=days)
    return key, ApiKey(key_id, name, role.value, digest_of(key), now, expires_at)


def add_key(store: Store, name: str, role: Role, days: int | None = None) -> str:
    """Make and store a key and return it; it cannot be shown again.

    Raises:
        InputError: the name or `days` cannot be used, or the name is taken.

    """
    now = datetime.now(UTC)
    key, stored = make_key(name, role, now, days)
    store.api_keys.add(stored)
    store.api_keys.note(AuditEntry(now, "command line", "keys.add", f"{name}（{role.value}）"))
    return key


def revoke_key(store: Store, name: str) -> None:
    """Make a key useless; running servers know within a second or two.

    Raises:
        NotFoundError: no key has this name.

    """
    now = datetime.now(UTC)
    store.api_keys.revoke(name, now)
    store.api_keys.note(AuditEntry(now, "command line", "keys.revoke", name))


class KeyRing:
    """The store's keys in memory, refreshed in the background; the last known ones hold while the store is away."""

    def __init__(self) -> None:
        self._keys: Mapping[str, ApiKey] | None = None

    def refresh(self, store: Store) -> None:
        """Read the keys again."""
        self._keys = {key.key_id: key for key in store.api_keys.all()}

    @property
    def known(self) -> bool:
        """Whether the keys could be read at least once."""
        return self._keys is not None

    @property
    def empty(self) -> bool:
        """Whether it is known that no key was ever made."""
        return self._keys is not None and not self._keys

    def principal(self, key: str) -> Principal | None:
        """Return whom a key belongs to, or None if it is not valid; takes as long for a nearly right key as for any."""
        match = _KEY.fullmatch(key)
        stored = (self._keys or {}).get(match.group(1)) if match else None
        # The id is no secret; the digests are compared in constant time, also when there is nothing to compare with.
        same = hmac.compare_digest(digest_of(key), stored.digest if stored else "0" * 64)
        if stored is None or not same or not stored.valid(datetime.now(UTC)):
            return None
        return Principal(stored.name, Role(stored.role))
