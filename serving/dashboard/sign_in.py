"""Signing in and out, and an operator's own password."""

from datetime import UTC, datetime
from functools import partial
from math import ceil

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from data.errors import InputError
from data.keys import AuditEntry
from data.store import Store
from serving.dashboard.access import Role, hash_password, password_matches, require_password
from serving.dashboard.page import Page, address, at_length, field, operator_of, see_other, services_of
from serving.dashboard.rendering import render
from serving.dashboard.sessions import COOKIE, LONGEST, SignedIn, sign_in, sign_out, utc_now
from serving.gate import LOOPBACK
from serving.rates import RateLimit

ATTEMPTS = 1.0  # attempts a second and address, bursts of twice that: the hash is slow on purpose
WRONG = "用户名或密码不正确，或该账户已停用、已因多次输错暂时锁定。"
NOT_SECURE = "为保护密码，登录须经 HTTPS 访问（或在服务器本机打开）。"

_rates = RateLimit(ATTEMPTS)


async def login_page(request: Request) -> Response:
    """Show the login form, or what to do where there is nobody to sign in."""
    if request.state.operator is not None:
        return RedirectResponse(_target(request, request.query_params.get("next", "")), 303)
    operators = await services_of(request).in_store(lambda store: len(store.operators.all()))
    return render(
        request,
        "login.html",
        next=request.query_params.get("next", ""),
        failure="" if _secure_enough(request) else NOT_SECURE,
        nobody=operators == 0,
    )


async def login(request: Request) -> Response:
    """Begin a session."""
    wanted, client = field(request, "next"), request.client
    if not _secure_enough(request):
        return render(request, "login.html", status=403, next=wanted, failure=NOT_SECURE, nobody=False)
    wait = _rates.wait(client.host if client else "")
    if wait > 0:
        failure = f"尝试过于频繁，请 {ceil(wait)} 秒后再试。"
        return render(request, "login.html", status=429, next=wanted, failure=failure, nobody=False)
    work = partial(
        sign_in,
        name=field(request, "name").strip(),
        password=field(request, "password"),
        now=utc_now(),
        request_id=request.state.request_id,
    )
    cookie = await at_length(request, work)  # the hash is slow on purpose
    if cookie is None:
        return render(request, "login.html", status=401, next=wanted, failure=WRONG, nobody=False)
    response = RedirectResponse(_target(request, wanted), 303)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(LONGEST.total_seconds()),
        path=request.scope["root_path"],
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


async def logout(request: Request) -> Response:
    """End the session."""
    await services_of(request).in_store(partial(sign_out, cookie=request.cookies[COOKIE]))
    response = see_other(request, "/login")
    response.delete_cookie(COOKIE, path=request.scope["root_path"])
    return response


async def account(request: Request) -> Response:
    """Show who is signed in."""
    return render(request, "account.html", title="我的账户", failure="")


async def change_password(request: Request) -> Response:
    """Change the operator's own password; all their sessions end."""
    old, new, again = (field(request, name) for name in ("old", "new", "again"))
    if new != again:
        return render(request, "account.html", status=422, title="我的账户", failure="两次输入的新密码不一致。")
    try:
        require_password(new)
    except InputError:
        return render(request, "account.html", status=422, title="我的账户", failure="新密码须为 10 至 200 个字符。")
    who = operator_of(request)
    work = partial(_change_password, who=who, old=old, new=new, request_id=request.state.request_id)
    if not await at_length(request, work):
        return render(request, "account.html", status=422, title="我的账户", failure="当前密码不正确。")
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
    Page("/logout", logout, Role.VIEWER, post=True),
    Page("/account", account),
    Page("/account", change_password, Role.VIEWER, post=True),
)
