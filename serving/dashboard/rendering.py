"""From a template to a page: escaping by default, Chinese formats, and what every page shows."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from math import isnan
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from data.dates import CHINA_STANDARD_TIME
from knowledge_graph.taxonomy.regions import load_regions
from serving.dashboard import wording
from serving.dashboard.accounts.access import ROLE_NAMES, Role
from serving.dashboard.accounts.sessions import SignedIn
from serving.dashboard.page import address

FOLDER = Path(__file__).parent
# Address, name, least role: in the order of the menu.
MENU = (
    ("/", "今日待办", "today", Role.VIEWER),
    ("/matches", "匹配看板", "board", Role.VIEWER),
    ("/dispatch", "派单", "dispatch", Role.VIEWER),
    ("/orders", "订单", "orders", Role.VIEWER),
    ("/providers", "服务方", "providers", Role.VIEWER),
    ("/standing", "新匹配", "standing", Role.VIEWER),
    ("/overview", "经营概况", "overview", Role.VIEWER),
    ("/quality", "匹配质量", "quality", Role.VIEWER),
    ("/browse", "匹配", "browse", Role.VIEWER),
    ("/review", "审核队列", "review", Role.REVIEWER),
    ("/gaps", "供需缺口", "gaps", Role.VIEWER),
    ("/chains", "产业链", "chains", Role.VIEWER),
    ("/kinds", "资源与政策", "kinds", Role.VIEWER),
    ("/imports", "数据导入", "imports", Role.VIEWER),
    ("/health", "数据健康", "health", Role.VIEWER),
    ("/models", "模型", "models", Role.VIEWER),
    ("/audit", "操作记录", "audit", Role.MANAGER),
)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates' environment."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number,
        "percent": percent,
        "decimal": decimal,
        "day": day,
        "moment": moment,
        "region": region,
        "money": money,
        "say": wording.say,
        "json": lambda value: json.dumps(value, ensure_ascii=False),
    }
    made.globals |= {"wording": wording, "new_token": lambda: secrets.token_hex(12)}
    return made


@lru_cache(maxsize=16)
def static_address(name: str) -> str:
    """Return the path of a static file, with the digest of its content: it may be cached without expiry."""
    digest = sha256((FOLDER / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Return a page made from a template; `values` are what it shows."""
    who: SignedIn | None = getattr(request.state, "operator", None)
    theme = request.cookies.get("gongxu_theme", "")
    common: Mapping[str, Any] = {
        "at": lambda path, **query: address(request, path, **query),
        "query": lambda **changes: _query(request, changes),
        "asked": request.query_params,
        "asset": lambda name: address(request, static_address(name)),
        "who": who,
        "csrf": who.csrf if who else "",
        "role_name": ROLE_NAMES[who.role] if who else "",
        "menu": [entry for entry in MENU if who and who.role.covers(entry[3])],
        "may": lambda role: who is not None and who.role.covers(Role(role)),
        "theme": theme if theme in ("light", "dark") else "",
        "here": request.scope["path"].removeprefix(request.scope["root_path"]),
        "status": status,
        "fragment": "x-fragment" in request.headers,
        "notice": wording.NOTICES.get(request.query_params.get("notice", ""), ""),
        "active": "",
        "charted": False,
        "title": "",
    }
    return HTMLResponse(environment().get_template(template).render({**common, **values}), status)


def _query(request: Request, changes: Mapping[str, object]) -> str:
    """Return the query of the page's own address with some values changed; None takes one out."""
    values: dict[str, object] = dict(request.query_params) | dict(changes)
    values.pop("notice", None)
    return "?" + urlencode({name: value for name, value in values.items() if value is not None})


def number(value: float | None) -> str:
    """Show a count: 12,345; – for none."""
    return "–" if value is None else f"{value:,.0f}"


def decimal(value: float | None, places: int = 2) -> str:
    """Show a figure; – for none."""
    return "–" if value is None or isnan(value) else f"{value:,.{places}f}"


def percent(value: float | None, places: int = 1) -> str:
    """Show a share of 1 as percent; – for none."""
    return "–" if value is None or isnan(value) else f"{100 * value:.{places}f}%"


def day(value: date | datetime | None) -> str:
    """Show a day in China; – for none."""
    if isinstance(value, datetime):
        value = _in_china(value).date()
    return "–" if value is None else value.isoformat()


def moment(value: datetime | None) -> str:
    """Show a moment, in China's time; – for none."""
    return "–" if value is None else _in_china(value).strftime("%Y-%m-%d %H:%M")


def region(code: str | int | None) -> str:
    """Show a region's name with its province: 河南郑州; a code of two digits is a province."""
    text = str(code or "")
    if not text.isdigit():
        return text or "–"
    return load_regions().full_name(int(text.ljust(6, "0"))) or text


def money(low: float | None, high: float | None = None) -> str:
    """Show a sum or a range in 万元."""
    known = [value for value in (low, high) if value is not None]
    if not known:
        return "未说明"
    return f"{known[0]:g} 万元" if len(set(known)) == 1 else f"{known[0]:g}–{known[1]:g} 万元"


def _in_china(value: datetime) -> datetime:
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(CHINA_STANDARD_TIME)
