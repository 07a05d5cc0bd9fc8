"""Signing in and staying signed in: a random cookie whose digest is in the store, so that any worker knows it."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from data.errors import InputError
from data.store.keys import AuditEntry
from data.store.operators import Operator
from data.store.store import Store
from serving.dashboard.accounts.access import ROLE_NAMES, Role, password_matches, require_name
from serving.dashboard.accounts.oidc import Identity, OidcError

COOKIE = "gongxu_session"
NOBODY = "nobody"  # in the audit trail
LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=2)
TOUCH = timedelta(minutes=1)  # how exactly the last use of a session is known
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)


@dataclass(frozen=True)
class SignedIn:
    """Who sends a request, and what their forms have to carry."""

    name: str
    role: Role
    csrf: str

    @property
    def actor(self) -> str:
        """The operator's name in the audit trail."""
        return actor_of(self.name)


def actor_of(name: str) -> str:
    """Return how the audit trail names an operator."""
    return f"operator {name}"


def digest_of(cookie: str) -> str:
    """Return what the store keeps of a session's cookie."""
    return sha256(cookie.encode()).hexdigest()


def csrf_of(cookie: str) -> str:
    """Return what a form of this session has to carry: nobody can tell it without knowing the cookie."""
    return hmac.new(cookie.encode(), b"form", sha256).hexdigest()


def sign_in(store: Store, name: str, password: str, now: datetime, request_id: str) -> str | None:
    """Begin a session and return its cookie, None if name or password is wrong or the account is locked or disabled.

    The `MAX_FAILURES`-th wrong password in a row locks the account for `LOCK`, in which not even the right one helps. All
    refusals take the same time and say the same.
    """
    operator = store.operators.find(name) if len(name) <= 100 else None
    right = password_matches(password, operator.password_hash if operator else None)
    if operator is None or not right or _closed(operator, now):
        action, why = _failure(operator, now)
        store.api_keys.note(AuditEntry(now, NOBODY, action, f"{name[:100]}：{why}", request_id))
    if operator is None or _closed(operator, now):
        return None
    if not right:
        if store.operators.note_failure(name, now, MAX_FAILURES, LOCK):
            store.api_keys.note(AuditEntry(now, actor_of(name), "operators.locked", name, request_id))
        return None
    return _open(store, name, now, request_id)


def sign_in_at_provider(store: Store, who: Identity, now: datetime, request_id: str) -> str:
    """Begin a session of somebody whom the provider vouches for and return its cookie; a new operator is stored.

    The provider decides on the role each time; an operator keeps the name of the first time. A lock concerns passwords.

    Raises:
        OidcError: the account is disabled, or an operator with a password has the name.

    """
    operator = store.operators.of_subject(who.subject)
    if operator is not None and operator.disabled_at is not None:
        _refused(store, who, now, request_id, "账户已停用")
        raise OidcError("该账户已停用，请联系管理员。", "account disabled", 403)
    if operator is None:
        try:
            store.operators.add(Operator(require_name(who.name), who.role.value, "", now, subject=who.subject))
        except InputError as error:
            _refused(store, who, now, request_id, "用户名已被占用或不能使用")
            text = f"用户名 {who.name[:100]} 已被另一个账户占用，或含有不能用的字符，请联系管理员。"
            raise OidcError(text, str(error), 403) from error
        actor, subject = actor_of(who.name), f"{who.name}（{ROLE_NAMES[who.role]}）"
        store.api_keys.note(AuditEntry(now, actor, "operators.add", subject, request_id))
        return _open(store, who.name, now, request_id)
    if operator.role != who.role.value:
        store.operators.change(operator.name, role=who.role.value)
        subject = f"{operator.name}（{ROLE_NAMES[who.role]}）"
        store.api_keys.note(AuditEntry(now, actor_of(operator.name), "operators.role", subject, request_id))
    return _open(store, operator.name, now, request_id)


def _refused(store: Store, who: Identity, now: datetime, request_id: str, why: str) -> None:
    store.api_keys.note(AuditEntry(now, "provider", "operators.refused", f"{who.name}：{why}"[:500], request_id))


def _open(store: Store, name: str, now: datetime, request_id: str) -> str:
    cookie = secrets.token_urlsafe(32)
    store.operators.open_session(digest_of(cookie), name, now, now - LONGEST)
    store.api_keys.note(AuditEntry(now, actor_of(name), "operators.sign_in", name, request_id))
    return cookie


def signed_in(store: Store, cookie: str, now: datetime) -> SignedIn | None:
    """Return whose session a cookie belongs to, None if there is none or it was not used for too long."""
    session = store.operators.session(digest_of(cookie))
    if session is None:
        return None
    if now - session.created_at > LONGEST or now - session.seen_at > IDLE:
        store.operators.close_session(session.digest)
        return None
    if now - session.seen_at > TOUCH:
        store.operators.touch(session.digest, now)
    return SignedIn(session.operator, Role(session.role), csrf_of(cookie))


def sign_out(store: Store, cookie: str) -> None:
    """End a session."""
    store.operators.close_session(digest_of(cookie))


def _closed(operator: Operator, now: datetime) -> bool:
    return _locked(operator, now) or operator.disabled_at is not None


def _locked(operator: Operator, now: datetime) -> bool:
    return operator.locked_until is not None and now < operator.locked_until


def _failure(operator: Operator | None, now: datetime) -> tuple[str, str]:
    """Return what the audit trail calls a refused sign-in, and why it was refused."""
    if operator is None:
        return "operators.failed", "没有此账户"
    if operator.disabled_at is not None:
        return "operators.failed", "账户已停用"
    return ("operators.locked", "锁定期间尝试登录") if _locked(operator, now) else ("operators.failed", "密码错误")


def utc_now() -> datetime:
    """Return the moment."""
    return datetime.now(UTC)
