"""Who may see and do what on the dashboard, and how a password is kept."""

import re
import secrets
from enum import StrEnum
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from data.errors import InputError

MIN_PASSWORD, MAX_PASSWORD = 10, 200
_NAME = re.compile(r"[\w.@+\-]{1,90}")  # the audit trail has room for that and what it puts before
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another


class Role(StrEnum):
    """What an operator may do; each role may do all that those before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    MANAGER = "manager"

    def covers(self, needed: "Role") -> bool:
        """Tell whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


ROLE_NAMES = {Role.VIEWER: "查看", Role.REVIEWER: "审核", Role.MANAGER: "管理"}


def require_name(name: str) -> str:
    """Return an operator's name.

    Raises:
        InputError: it is empty, longer than 90 characters, or holds others than letters, digits, `.`, `_`, `-`, `+`, `@`.

    """
    if not _NAME.fullmatch(name):
        raise InputError(f"operator name {name[:100]!r} may have 1-90 letters, digits and any of . _ - + @")
    return name


def require_password(password: str) -> str:
    """Return a password that may be used.

    Raises:
        InputError: it has fewer than 10 or more than 200 characters.

    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InputError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; this one has {len(password)}")
    return password


def new_password() -> str:
    """Return a random password of 20 characters (more than 115 bits)."""
    return "".join(secrets.choice(_LETTERS) for _ in range(20))


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password, with its salt and parameters."""
    return _hasher().hash(password)


def password_matches(password: str, stored: str | None) -> bool:
    """Tell whether a password is the stored one; takes as long when there is none to compare with."""
    try:
        return _hasher().verify(stored or _dummy(), password[:MAX_PASSWORD]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # RFC 9106's second choice: 64 MiB, 3 rounds


@lru_cache(maxsize=1)
def _dummy() -> str:
    return hash_password(new_password())
