"""给企业的材料: the matches of a demand as a sheet or a PDF that can be handed to the firm."""

from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.work.match_state import MatchState, MatchWork
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.exports import FORMATS
from serving.dashboard.figures.matching.card import Card
from serving.dashboard.figures.matching.handout import Entry, Handout, as_pdf, as_sheet
from serving.dashboard.page import Page, at_length
from serving.dashboard.pages.browse import list_of
from serving.dashboard.tables import TableSpec
from serving.runtime.services import services_of

WRITERS = {"xlsx": as_sheet, "pdf": as_pdf}
TYPES = {"xlsx": FORMATS["xlsx"], "pdf": "application/pdf"}


async def download(request: Request) -> Response:
    """Return the matches of a demand as a file: the short list and what is under way, or else all but what was declined."""
    kind = request.query_params.get("format", "xlsx")
    if kind not in WRITERS:
        raise HTTPException(400, "材料的格式只有 xlsx 和 pdf。")
    wanted = request.query_params.get("demand", "")
    record = await services_of(request).in_store(lambda store: store.demand(wanted))
    listed = await list_of(request, record)
    kept = [entry for entry in map(partial(_entry, listed["work"]), listed["cards"]) if entry is not None]
    chosen = tuple(entry for entry in kept if entry.chosen) or tuple(kept)
    today = utc_now().astimezone(CHINA_STANDARD_TIME).date()
    body = await at_length(request, lambda _: WRITERS[kind](Handout(record, chosen, today)))
    name = quote(f"{record.title[:40]}-推荐成果-{today}.{kind}")
    headers = {"Content-Disposition": f"attachment; filename=\"matches.{kind}\"; filename*=UTF-8''{name}"}
    return Response(body, media_type=TYPES[kind], headers=headers)


def _entry(work: Mapping[str, MatchWork], card: Card) -> Entry | None:
    known = work[card.match.id]
    if known.state is MatchState.DECLINED:
        return None
    return Entry(card, known.shortlisted or known.state is not MatchState.NEW)


PAGES = (Page("/browse/handout", download),)
TABLES: tuple[TableSpec, ...] = ()
