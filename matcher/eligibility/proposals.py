"""Proposals: what the texts of a policy card or a finance product say, as criteria for an operator to approve."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from data.errors import InputError
from knowledge_graph.criteria import read_criteria, write_test
from knowledge_graph.criteria.figures import find_figures, mask
from knowledge_graph.criteria.types import Criterion, leaves
from knowledge_graph.taxonomy.regions import load_regions
from matcher.eligibility.policy import PolicyAmount, ProductTerms, StatedCriterion, StatedPolicy

IDS = ("policy_id", "programme_id", "product_id", "id")
# fields that state conditions; of a policy the first that holds a text is read
SOURCES = ("conditions", "condition_text", "admission_conditions", "standard_text")
GIVES = ("content", "subsidy", "amount_and_term_text")
_RETAIL = re.compile(
    r"自然人|周岁|年龄|婚姻|农户|个人(?!独资)|公务员|公职人员|工作人员|在编|家庭|收入人群|消费(?:贷款|资金)|居民|按揭|对人才"
)
# what is asked of the people behind a firm does not make a product one for persons
_BEHIND = re.compile(r"(?:法定代表人|实际控制人|股东|负责人|企业主|高管)[^，,。；;]{0,24}")
_TERMS_ONLY = re.compile(r"额度|利率|期限|授信|贷款|贴息|补贴|风险分担|提供|质押率")
_DAY = re.compile(r"((?:19|20)\d\d)\s?[年./-]\s?(\d{1,2})\s?[月./-](?:\s?(\d{1,2})\s?日?)?")
_LASTS = re.compile(r"有效期\s?([一二三四五六七八九十\d]{1,2})\s?年")
_YEARS = {char: number for number, char in enumerate("零一二三四五六七八九十")} | {"两": 2}
_MONEY = re.compile(r"(\d+(?:\.\d+)?)\s?(亿|万)元")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def identity_of(row: Mapping[str, Any]) -> str:
    """Return the id of a card.

    Raises:
        InputError: none of the fields `IDS` holds one.

    """
    for name in IDS:
        if row.get(name):
            return str(row[name])
    raise InputError(f"no id; give one of {', '.join(IDS)}")


def region_of(row: Mapping[str, Any]) -> int:
    """Return the GB/T 2260 code that a card is for: its region, else the place that its issuer or name tells; 0 for none."""
    stated = str(row.get("region") or "")
    if re.fullmatch(r"\d{6}", stated):
        return int(stated)
    names = " ".join(str(row.get(name) or "") for name in ("region", "issuer", "name", "target", "basis_document"))
    return load_regions().find(names)


def source_of(row: Mapping[str, Any]) -> str:
    """Return the field that states a card's conditions."""
    return next((name for name in SOURCES if str(row.get(name) or "").strip()), SOURCES[0])


def propose(row: Mapping[str, Any]) -> StatedPolicy:
    """Return the policy or product of a card with the criteria that its text states, as proposed.

    Raises:
        InputError: the card has no id.
        ValueError: its text is too long.

    """
    identity = identity_of(row)
    source = source_of(row)
    text = str(row.get(source) or "")
    product = _terms(row) if row.get("product_id") or "applicable_to" in row or "term_max_months" in row else None
    found = [_stated(number, one) for number, one in enumerate(read_criteria(text, source, region_of(row)), start=1)]
    if product is not None:
        found += _structured(row, len(found))
    start, end = _validity(row)
    return StatedPolicy(
        policy_id=identity,
        name=str(row.get("name") or row.get("title") or "")[:500],
        kind="policy" if product is None else "finance_product",
        valid_from=start,
        valid_until=end,
        text_digest=sha256(text.encode()).hexdigest(),
        criteria=tuple(found),
        amount=_amount(row),
        product=product,
    )


def _stated(number: int, one: Criterion) -> StatedCriterion:
    return StatedCriterion(
        number=number, kind=one.kind, role=one.role, branch=one.branch[:500], test=write_test(one.test),
        quote=one.quote[:4_000], quote_from=one.source, start=one.start, end=one.end,
    )  # fmt: skip


def _validity(row: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """Return the first and the last day that a card names; 有效期3年 counts from the first."""
    stated = str(row.get("valid_time") or "")
    start = _day(str(row.get("valid_from") or "")) or _day(stated) or _day(str(row.get("published") or ""))
    end = _day(str(row.get("valid_until") or ""))
    lasts = _LASTS.search(stated)
    if end is None and start is not None and lasts:
        years = int(lasts[1]) if lasts[1].isdigit() else _YEARS.get(lasts[1], 0)
        end = _years_later(start, years) - timedelta(days=1) if years else None
    return (None, end) if start and end and start > end else (start, end)


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _day(text: str) -> date | None:
    match = _DAY.search(text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3] or 1))
    except ValueError:
        return None


def _amount(row: Mapping[str, Any]) -> PolicyAmount:
    """Return the greatest amount that the text of a policy gives, with the clause that says so."""
    best, quote = None, ""
    for name in GIVES:
        for clause in re.split(r"[。；;\n]", str(row.get(name) or "")):
            for match in _MONEY.finditer(clause):
                value = float(match[1]) * (1e4 if match[2] == "亿" else 1.0)
                if (best is None or value > best) and re.search(
                    r"最高|不超过|给予|补[助贴]|奖励|支持|资助|额度", clause
                ):
                    best, quote = value, clause.strip()[:400]
    stated = _figure(row, "amounts_max_wan") or _figure(row, "subsidy_max_wan")
    if stated is not None and best != stated:
        return PolicyAmount(max_wan=stated, quote=_clause_with(row, stated) or quote)
    return PolicyAmount(max_wan=best, quote=quote)


def _clause_with(row: Mapping[str, Any], amount: float) -> str:
    wanted = (f"{amount:g}万元", f"{amount / 1e4:g}亿元")
    clauses = (clause for name in GIVES for clause in re.split(r"[。；;\n]", str(row.get(name) or "")))
    return next((clause.strip()[:400] for clause in clauses if any(word in clause for word in wanted)), "")


def _figure(row: Mapping[str, Any], name: str) -> float | None:
    match = _NUMBER.search(str(row.get(name) if row.get(name) is not None else ""))
    return float(match.group()) if match else None


def _terms(row: Mapping[str, Any]) -> ProductTerms:
    words = " ".join(
        str(row.get(name) or "") for name in ("name", "intro", "applicable_to", "admission_conditions", "quote")
    )
    months = _figure(row, "term_max_months")
    return ProductTerms(
        provider=str(row.get("provider") or "")[:500],
        amount_min=_figure(row, "amount_min_wan"),
        amount_max=_figure(row, "amount_max_wan"),
        term_months=None if months is None else int(months),
        guarantee=str(row.get("guarantee") or "")[:500],
        rate=str(row.get("rate_text") or "")[:500],
        retail=bool(_RETAIL.search(_BEHIND.sub("", words))),
    )


def _structured(row: Mapping[str, Any], count: int) -> list[StatedCriterion]:
    """Return the admission rules that a product's own columns state, quoted from its text where that says the same."""
    quote = str(row.get("quote") or row.get("applicable_to") or "").strip()
    found: list[tuple[dict[str, Any], str]] = []
    age = re.match(r"\s*(≥|≤|>|<)\s*(\d+(?:\.\d+)?)", str(row.get("age_years") or ""))
    if age:
        op = {"≥": ">=", "≤": "<="}.get(age[1], age[1])
        found.append(({"field": "years_registered", "op": op, "value": float(age[2]), "unit": "年"}, "age_years"))
    for name, op in (("revenue_min_wan", ">="), ("revenue_max_wan", "<=")):
        value = _figure(row, name)
        if value is not None:
            found.append(({"field": "sales_last_year", "op": op, "value": value, "unit": "万元"}, name))
    names = [
        re.sub(r"\(.*?\)|（.*?）", "", part).strip()
        for part in re.split(r"\|", _outer(str(row.get("qualifications") or "")))
    ]
    held = [{"field": "qualifications", "op": "contains", "value": part, "unit": ""} for part in names if part]
    if held:
        found.append((held[0] if len(held) == 1 else {"any": held}, "qualifications"))
    if str(row.get("industry") or "").strip():
        industry = str(row["industry"]).strip()
        found.append(({"field": "industry", "op": "=", "value": industry, "unit": ""}, "industry"))
    source = "quote" if row.get("quote") else "applicable_to"
    stated = [
        StatedCriterion(
            number=number, kind="hard", test=test, quote=(quote or str(row.get(column)))[:4_000],
            quote_from=source if quote else column, start=0, end=len((quote or str(row.get(column)))[:4_000]),
        )
        for number, (test, column) in enumerate(found, start=count + 1)
    ]  # fmt: skip
    return stated if count or not quote else stated + _from_quote(quote, source, stated)


def _from_quote(quote: str, source: str, stated: list[StatedCriterion]) -> list[StatedCriterion]:
    """Return what a product's text asks for beyond its own columns; without anything, the text itself for a person."""
    known = {leaf.field for criterion in stated for leaf in leaves(criterion.rule)}
    read = [
        one
        for one in read_criteria(quote, source)
        if not _TERMS_ONLY.search(one.quote) and not known & {leaf.field for leaf in leaves(one.test)}
    ]
    if not read and not stated:
        rule = {"field": quote[:40], "op": "=", "value": True, "unit": ""}
        whole = quote[:4_000]
        return [
            StatedCriterion(
                number=1, kind="judgement", test=rule, quote=whole, quote_from=source, start=0, end=len(whole)
            )
        ]
    return [_stated(number, one) for number, one in enumerate(read, start=len(stated) + 1)]


def _outer(text: str) -> str:
    """Return a cell whose bars inside brackets are no separators: 专精特新(国家级3000|省级2000)."""
    return re.sub(r"\(([^()]*)\)", lambda match: "(" + match[1].replace("|", "、") + ")", text)


def unread_figures(row: Mapping[str, Any], policy: StatedPolicy) -> list[str]:
    """Return the passages with a bound that no criterion quotes: what an operator should look at."""
    text = str(row.get(source_of(row)) or "")
    spans = [(c.start or 0, c.end or 0) for c in policy.criteria]
    return [
        text[max(0, figure.start - 20) : figure.end]
        for figure in find_figures(mask(text))
        if not any(low <= figure.number < high for low, high in spans)
    ]
