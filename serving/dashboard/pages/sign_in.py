"""Signing in and out, and an operator's own password."""

from datetime import UTC, datetime
from functools import partial
from math import ceil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from data.errors import InputError
from data.store.keys import AuditEntry
from data.store.store import Store
from serving.access.gate import LOOPBACK
from serving.access.rates import RateLimit
from serving.dashboard.accounts.access import Role, hash_password, password_matches, require_password
from serving.dashboard.accounts.oidc import SIGN_IN_TIME, OidcError, Provider, provider_of
from serving.dashboard.accounts.sessions import (
    COOKIE,
    LONGEST,
    SignedIn,
    sign_in,
    sign_in_at_provider,
    sign_out,
    utc_now,
)
from serving.dashboard.page import Page, address, at_length, field, operator_of, see_other
from serving.dashboard.rendering import render
from serving.runtime.services import services_of

ATTEMPT = "gongxu_sign_in"  # the cookie of who is at the provider
ATTEMPTS = 1.0  # passwords a second and address, bursts of twice that: the hash is slow on purpose
STEPS = 5.0  # steps to and from the provider a second and address, of which a sign-in takes two
WRONG = "用户名或密码不正确，或该账户已停用、已因多次输错暂时锁定。"
NOT_SECURE = "为保护密码，登录须经 HTTPS 访问（或在服务器本机打开）。"

_rates = RateLimit(ATTEMPTS)
_provider_rates = RateLimit(STEPS)


async def login_page(request: Request) -> Response:
    """Show the login form, or what to do where there is nobody to sign in."""
    if request.state.operator is not None:
        return RedirectResponse(_target(request, request.query_params.get("next", "")), 303)
    services = services_of(request)
    operators = await services.in_store(lambda store: len(store.operators.all()))
    return _form(
        request,
        "" if _secure_enough(request) else NOT_SECURE,
        200,
        request.query_params.get("next", ""),
        nobody=operators == 0 and services.settings.password_login,
    )


def _form(request: Request, failure: str, status: int, wanted: str, *, nobody: bool = False) -> Response:
    settings = services_of(request).settings
    return render(
        request,
        "login.html",
        status=status,
        next=wanted,
        failure=failure,
        nobody=nobody,
        passwords=settings.password_login,
        provider=bool(settings.oidc_issuer),
    )


def _refusal(request: Request, wanted: str, rates: RateLimit) -> Response | None:
    """Refuse who comes over plain http from afar, or too often."""
    client = request.client
    if not _secure_enough(request):
        return _form(request, NOT_SECURE, 403, wanted)
    wait = rates.wait(client.host if client else "")
    return _form(request, f"尝试过于频繁，请 {ceil(wait)} 秒后再试。", 429, wanted) if wait > 0 else None


async def login(request: Request) -> Response:
    """Begin a session."""
    wanted = field(request, "next")
    if not services_of(request).settings.password_login:
        return _form(request, "本平台不使用密码登录，请用统一身份登录。", 403, wanted)
    if (refused := _refusal(request, wanted, _rates)) is not None:
        return refused
    work = partial(
        sign_in,
        name=field(request, "name").strip(),
        password=field(request, "password"),
        now=utc_now(),
        request_id=request.state.request_id,
    )
    cookie = await at_length(request, work)  # the hash is slow on purpose
    if cookie is None:
        return _form(request, WRONG, 401, wanted)
    return _begun(request, cookie, wanted)


def _begun(request: Request, cookie: str, wanted: str) -> Response:
    """Return the answer that begins a session and leads to where its owner wanted to go."""
    response = RedirectResponse(_target(request, wanted), 303)
    _set_cookie(request, response, COOKIE, cookie, int(LONGEST.total_seconds()), request.scope["root_path"])
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, seconds: int, path: str) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="lax")


async def leave_for_provider(request: Request) -> Response:
    """Send the browser to the provider to sign in there."""
    wanted = request.query_params.get("next", "")
    provider = _provider(request)
    if (refused := _refusal(request, wanted, _provider_rates)) is not None:
        return refused
    try:
        url, cookie = await provider.begin(_redirect_uri(request), _target(request, wanted))
    except OidcError as error:
        return _failed(request, error, wanted)
    response = RedirectResponse(url, 303)
    _set_cookie(request, response, ATTEMPT, cookie, SIGN_IN_TIME, _attempt_path(request))
    return response


async def back_from_provider(request: Request) -> Response:
    """Begin a session of who comes back from the provider."""
    provider = _provider(request)
    if (refused := _refusal(request, "", _provider_rates)) is not None:
        return refused
    cookie = request.cookies.get(ATTEMPT, "")
    try:
        who, wanted = await provider.finish(request.query_params, cookie, _redirect_uri(request))
        work = partial(sign_in_at_provider, who=who, now=utc_now(), request_id=request.state.request_id)
        response = _begun(request, await services_of(request).in_store(work), wanted)
    except OidcError as error:
        response = _failed(request, error, "")
    response.delete_cookie(ATTEMPT, path=_attempt_path(request))
    return response


def _provider(request: Request) -> Provider:
    settings = services_of(request).settings
    if not settings.oidc_issuer:
        raise HTTPException(404)
    return provider_of(settings)


def _redirect_uri(request: Request) -> str:
    own = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}/login/callback"
    return services_of(request).settings.oidc_redirect_uri or own


def _attempt_path(request: Request) -> str:
    return f"{request.scope['root_path']}/login"


def _failed(request: Request, error: OidcError, wanted: str) -> Response:
    request.state.failure = error.reason  # for the log alone
    return _form(request, error.text, error.status, wanted)


async def logout(request: Request) -> Response:
    """End the session."""
    await services_of(request).in_store(partial(sign_out, cookie=request.cookies[COOKIE]))
    response = see_other(request, "/login")
    response.delete_cookie(COOKIE, path=request.scope["root_path"])
    return response


async def account(request: Request) -> Response:
    """Show who is signed in."""
    return await _account(request)


async def _account(request: Request, failure: str = "") -> Response:
    who = operator_of(request)
    found = await services_of(request).in_store(lambda store: store.operators.find(who.name))
    own = found is not None and bool(found.password_hash)
    status = 422 if failure else 200
    return render(request, "account.html", status=status, title="我的账户", failure=failure, own_password=own)


async def change_password(request: Request) -> Response:
    """Change the operator's own password; all their sessions end."""
    old, new, again = (field(request, name) for name in ("old", "new", "again"))
    if new != again:
        return await _account(request, "两次输入的新密码不一致。")
    try:
        require_password(new)
    except InputError:
        return await _account(request, "新密码须为 10 至 200 个字符。")
    who = operator_of(request)
    work = partial(_change_password, who=who, old=old, new=new, request_id=request.state.request_id)
    if not await at_length(request, work):
        return await _account(request, "当前密码不正确。")
    return see_other(request, "/login")


def _change_password(store: Store, who: SignedIn, old: str, new: str, request_id: str) -> bool:
    operator = store.operators.find(who.name)
    if operator is None or not password_matches(old, operator.password_hash):
        return False
    store.operators.change(who.name, password_hash=hash_password(new))
    store.api_keys.note(AuditEntry(datetime.now(UTC), who.actor, "operators.password", who.name, request_id))
    return True


def _secure_enough(request: Request) -> bool:
    """Tell whether a password may travel: over TLS, or within this machine."""
    return request.url.scheme == "https" or (request.url.hostname or "") in LOOPBACK


def _target(request: Request, wanted: str) -> str:
    """Return where to go after signing in: a page of the dashboard, never another site."""
    own = f"{request.scope['root_path']}/"
    return wanted if wanted.startswith(own) and "\\" not in wanted else address(request, "/")


PAGES = (
    Page("/login", login_page, needs=None),
    Page("/login", login, needs=None, post=True),
    Page("/login/provider", leave_for_provider, needs=None),
    Page("/login/callback", back_from_provider, needs=None),
    Page("/logout", logout, Role.VIEWER, post=True),
    Page("/account", account),
    Page("/account", change_password, Role.VIEWER, post=True),
)
