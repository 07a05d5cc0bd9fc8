"""Signatures of webhooks by the Standard Webhooks specification (symmetric, version 1)."""

import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error
from datetime import datetime
from hashlib import sha256

from data.errors import InputError

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64


def new_secret() -> str:
    """Return a fresh secret of 32 random bytes, as receivers are given it."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """Return the key that a secret holds.

    Raises:
        InputError: it is not `whsec_` and 24 to 64 bytes in Base64.

    """
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except Error as error:
        raise InputError("the secret is not Base64 behind whsec_", "密钥须为 whsec_ 加 Base64") from error
    if not secret.startswith(PREFIX) or not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise InputError(
            f"the secret holds {len(key)} bytes behind {secret[:6]!r}; it must be whsec_ and {LEAST_BYTES} to {MOST_BYTES}",
            f"密钥须为 whsec_ 加 {LEAST_BYTES}–{MOST_BYTES} 字节的 Base64",
        )
    return key


def signature(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """Return the value of the header `webhook-signature` for a body sent at a moment."""
    signed = f"{message_id}.{int(at.timestamp())}.".encode() + body
    return "v1," + b64encode(hmac.new(secret_bytes(secret), signed, sha256).digest()).decode()


def headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that the specification asks for."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature(secret, message_id, at, body),
    }
