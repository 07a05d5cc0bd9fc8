"""Signing in at the platform's OpenID Connect provider: authorization code with PKCE, state, nonce, and a verified ID token."""

import asyncio
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, ValidationError

from data.errors import SettingsError
from data.settings import Settings
from serving.access.gate import LOOPBACK
from serving.dashboard.accounts.access import Role

SIGN_IN_TIME = 600  # seconds from leaving for the provider to coming back
TIMEOUT = 8.0  # seconds for one answer of the provider
FRESH = 3600.0  # seconds for which the provider's description and keys are kept
RETRY = 30.0  # least seconds between two looks for a key that was not there
LEEWAY = 60  # seconds by which two clocks may differ
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
UNREACHABLE = "身份提供方暂时无法访问，请稍后重试，或联系管理员检查其地址。"
STALE = "登录已过期，或不是从本页发起的，请重新登录。"

log = structlog.get_logger("gongxu.dashboard")


class OidcError(Exception):
    """A sign-in that cannot be finished: `text` is for the person, `reason` for the log."""

    def __init__(self, text: str, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.text, self.reason, self.status = text, reason, status


@dataclass(frozen=True)
class Identity:
    """Who somebody is at the provider: issuer and subject, name, role here."""

    subject: str
    name: str
    role: Role


class _Metadata(BaseModel):
    """What is used of a provider's description (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class _Attempt(BaseModel):
    """What a browser carries, sealed, from leaving for the provider to coming back."""

    state: str
    nonce: str
    verifier: str
    next: str
    exp: int


def role_names(settings: Settings) -> dict[str, Role]:
    """Return what each value of the role claim means here; without a setting, the roles' own names.

    Raises:
        SettingsError: the setting names no pair, or an unknown role.

    """
    if not settings.oidc_roles.strip():
        return {role.value: role for role in Role}
    found = {}
    for part in settings.oidc_roles.split(","):
        value, _, role = part.strip().rpartition("=")
        if not value or role not in set(Role):
            raise SettingsError(
                f"GONGXU_OIDC_ROLES={settings.oidc_roles!r}: {part.strip()!r} is no pair such as platform-admins=manager; "
                f"roles: {', '.join(Role)}"
            )
        found[value] = Role(role)
    return found


def require_usable(settings: Settings) -> None:
    """Refuse settings under which nobody could sign in.

    Raises:
        SettingsError: an issuer without a client or over plain http, a role that is none, no way to sign in at all, or the
            packages are not installed.

    """
    if not settings.oidc_issuer:
        if not settings.password_login:
            raise SettingsError("GONGXU_PASSWORD_LOGIN is off, so GONGXU_OIDC_ISSUER has to name a provider")
        return
    if not settings.oidc_client_id or not settings.oidc_client_secret.get_secret_value():
        raise SettingsError("GONGXU_OIDC_ISSUER needs GONGXU_OIDC_CLIENT_ID and GONGXU_OIDC_CLIENT_SECRET")
    _require_safe(settings.oidc_issuer, "GONGXU_OIDC_ISSUER")
    role_names(settings)
    if missing := [name for name in ("authlib", "httpx2", "joserfc") if find_spec(name) is None]:
        raise SettingsError(f"GONGXU_OIDC_ISSUER needs {', '.join(missing)}: run pip install 'gongxu[oidc]'")


def _require_safe(url: str, what: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise SettingsError(f"{what}={url!r} has to be an https address")


@lru_cache(maxsize=8)
def provider_of(settings: Settings) -> "Provider":
    """Return the provider that the settings name; one for each process, which remembers its keys."""
    return Provider(settings)


class Provider:
    """An OpenID Connect provider and this server's account with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._roles = role_names(settings)
        self._reading = asyncio.Lock()
        self._metadata: _Metadata | None = None
        self._keys: Any = None
        self._read_at = -FRESH

    async def begin(self, redirect_uri: str, wanted: str) -> tuple[str, str]:
        """Return where the browser goes to sign in, and the sealed cookie that it has to bring back.

        Raises:
            OidcError: the provider does not answer.

        """
        metadata = await self._described()
        attempt = _Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next=wanted,
            exp=int(time()) + SIGN_IN_TIME,
        )
        async with self._client(redirect_uri, metadata) as client:
            url, _ = client.create_authorization_url(
                metadata.authorization_endpoint,
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url), self._sealed(attempt)

    async def finish(self, query: Mapping[str, str], cookie: str, redirect_uri: str) -> tuple[Identity, str]:
        """Return who came back from the provider, and where they wanted to go.

        Raises:
            OidcError: this browser did not leave for the provider or too long ago, the provider refused, its token is not
                what it has to be, or names nobody with a role here.

        """
        attempt = self._opened(cookie)
        if not hmac.compare_digest(query.get("state", "").encode(), attempt.state.encode()):
            raise OidcError(STALE, "state differs")
        if query.get("error"):
            raise OidcError("身份提供方没有批准这次登录。", f"provider says {query['error'][:100]!r}")
        metadata = await self._described()
        if query.get("iss", metadata.issuer) != metadata.issuer:
            raise OidcError("身份提供方的答复与配置的地址不符，登录被拒绝。", "answer of another issuer")
        token = await self._token(query.get("code", ""), attempt, redirect_uri, metadata)
        return self._identity(await self._claims(token, attempt.nonce, metadata)), attempt.next

    async def _token(self, code: str, attempt: _Attempt, redirect_uri: str, metadata: _Metadata) -> dict[str, Any]:
        from authlib.common.errors import AuthlibBaseError
        from httpx2 import HTTPError

        try:
            async with self._client(redirect_uri, metadata) as client:
                token = await client.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.verifier,
                )
        except (HTTPError, ValueError) as error:
            raise OidcError(UNREACHABLE, f"token: {error}", 502) from error
        except AuthlibBaseError as error:
            raise OidcError("身份提供方不接受这次登录，请重新登录。", f"token: {error}") from error
        if not isinstance(token.get("id_token"), str):
            raise OidcError("身份提供方没有给出身份令牌，请联系管理员。", "no id_token")
        return dict(token)

    async def _claims(self, token: dict[str, Any], nonce: str, metadata: _Metadata) -> dict[str, Any]:
        """Return what the ID token says, once signature, issuer, audience, times, nonce and token hash are right."""
        from authlib.oidc.core.claims import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import ExpiredTokenError, JoseError

        try:
            try:
                decoded = jwt.decode(token["id_token"], await self._keyset(), algorithms=ALGORITHMS)
            except (JoseError, ValueError) as error:
                keys = await self._keyset(anew=True)  # the provider may have changed its keys
                if keys is None:
                    raise
                log.info("keys of the provider read again", reason=str(error))
                decoded = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": metadata.issuer},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                    "nonce": {"essential": True, "value": nonce},
                },
                params={
                    "client_id": self._settings.oidc_client_id,
                    "nonce": nonce,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(int(time()), LEEWAY)
        except ExpiredTokenError as error:
            raise OidcError("身份令牌已过期，请重新登录；若总是如此，请检查两台服务器的时钟。", str(error)) from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise OidcError("身份令牌没有通过校验，登录被拒绝。", f"id_token: {error}") from error
        return dict(claims)

    def _identity(self, claims: dict[str, Any]) -> Identity:
        name = claims.get(self._settings.oidc_name_claim)
        if not isinstance(name, str) or not name.strip():
            claim = self._settings.oidc_name_claim
            raise OidcError(f"身份令牌里没有用户名（{claim}），请联系管理员。", f"no claim {claim}", 403)
        held: Any = claims
        for part in self._settings.oidc_role_claim.split("."):  # Keycloak: realm_access.roles
            held = held.get(part) if isinstance(held, dict) else None
        values = [held] if isinstance(held, str) else held if isinstance(held, list) else []
        roles = [self._roles[value] for value in values if isinstance(value, str) and value in self._roles]
        if not roles:
            text = f"{name.strip()[:100]} 在身份提供方没有可用于本仪表盘的角色，请联系管理员授予。"
            raise OidcError(text, f"{name.strip()[:100]!r} has no role here", 403)
        subject = f"{claims['iss']}#{claims['sub']}"
        return Identity(subject, name.strip(), max(roles, key=list(Role).index))

    async def _described(self) -> _Metadata:
        """Return the provider's description, read again when it is old."""
        async with self._reading:
            if self._metadata is None or monotonic() - self._read_at > FRESH:
                await self._read()
            if self._metadata is None:
                raise OidcError(UNREACHABLE, "no description", 502)
            return self._metadata

    async def _keyset(self, *, anew: bool = False) -> Any:
        """Return the provider's keys; `anew` reads them again, or gives None if that was done just now."""
        async with self._reading:
            if anew:
                if monotonic() - self._read_at < RETRY:
                    return None
                await self._read()
            return self._keys

    async def _read(self) -> None:
        from httpx2 import AsyncClient, HTTPError
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        issuer = self._settings.oidc_issuer
        try:
            async with AsyncClient(timeout=TIMEOUT) as client:
                answer = await client.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
                metadata = _Metadata.model_validate(answer.raise_for_status().json())
                if metadata.issuer.rstrip("/") != issuer.rstrip("/"):
                    raise OidcError(UNREACHABLE, f"{issuer} describes another issuer, {metadata.issuer!r}", 502)
                for url in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
                    _require_safe(url, "the provider's endpoint")
                keys = KeySet.import_key_set((await client.get(metadata.jwks_uri)).raise_for_status().json())
        except (HTTPError, ValidationError, ValueError, TypeError, KeyError, JoseError, SettingsError) as error:
            raise OidcError(UNREACHABLE, f"description: {error}", 502) from error
        self._metadata, self._keys, self._read_at = metadata, keys, monotonic()

    def _client(self, redirect_uri: str, metadata: _Metadata) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        methods = metadata.token_endpoint_auth_methods_supported
        basic = "client_secret_basic"
        return AsyncOAuth2Client(
            self._settings.oidc_client_id,
            self._secret,
            token_endpoint_auth_method=basic if basic in methods else "client_secret_post",
            scope=self._settings.oidc_scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT,
        )

    def _sealed(self, attempt: _Attempt) -> str:
        from joserfc import jwt

        return jwt.encode({"alg": "HS256"}, attempt.model_dump(), self._seal())

    def _opened(self, cookie: str) -> _Attempt:
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            attempt = _Attempt.model_validate(jwt.decode(cookie, self._seal(), algorithms=["HS256"]).claims)
        except (JoseError, ValueError) as error:
            raise OidcError(STALE, f"cookie: {error}") from error
        if attempt.exp < time():
            raise OidcError(STALE, "cookie is old")
        return attempt

    def _seal(self) -> Any:
        """Return the key of the cookie: every worker has it, nobody else."""
        from joserfc.jwk import OctKey

        digest = hmac.new(self._secret.encode(), b"gongxu sign-in", sha256).hexdigest()
        return OctKey.import_key(digest)
