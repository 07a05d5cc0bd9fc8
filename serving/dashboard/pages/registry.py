"""All pages and tables of the dashboard."""

from serving.dashboard.page import Page
from serving.dashboard.pages import (
    audit,
    browse,
    clarify,
    experiments,
    gaps,
    health,
    models,
    overview,
    quality,
    records,
    served,
)
from serving.dashboard.pages.chains import page as chains
from serving.dashboard.pages.daily import dispatch, matches, orders, providers, review, standing, today
from serving.dashboard.pages.endpoints import table as endpoints
from serving.dashboard.pages.importing import prepare, reports
from serving.dashboard.pages.kinds import cards, criteria, eligibility, firms
from serving.dashboard.pages.kinds import records as kind_records
from serving.dashboard.pages.matching import desk, find, handout
from serving.dashboard.pages.measured import errors
from serving.dashboard.tables import TableSpec

_MODULES = (
    today,
    matches,
    dispatch,
    orders,
    providers,
    standing,
    overview,
    quality,
    errors,
    experiments,
    desk,
    browse,
    handout,
    find,
    review,
    gaps,
    chains,
    prepare,
    reports,
    health,
    endpoints,
    clarify,
    models,
    records,
    cards,
    kind_records,
    firms,
    eligibility,
    criteria,
    served,
    audit,
)
ALL_PAGES: tuple[Page, ...] = tuple(page for module in _MODULES for page in module.PAGES)
ALL_TABLES: dict[str, TableSpec] = {spec.name: spec for module in _MODULES for spec in module.TABLES}
