"""`gongxu eligibility`: what a firm is eligible for on a day, by its facts and approved policies."""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from data.firms.facts import FirmFacts
    from matcher.eligibility.assess import Eligibility

SIGNS = {"met": "√", "missed": "×", "unknown": "?"}


def eligibility(
    as_of: Annotated[str, typer.Option(help="The day to judge by, as 2024-06-30; never the clock's.")],
    facts: Annotated[Path | None, typer.Option(help="JSON file with the firm's facts.")] = None,
    firm: Annotated[str | None, typer.Option(help="Id of a stored firm.")] = None,
    policies: Annotated[
        Path | None, typer.Option(help="JSON lines of approved policies; those of the store by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    details: Annotated[bool, typer.Option("--details", help="Print every criterion with its quote and fact.")] = False,
) -> None:
    """Say for every approved policy and product: eligible, needs judgement, needs facts, or not eligible.

    Every status has the quote and the fact that it rests on; what is not known is said to be unknown.

    Examples:
      gongxu eligibility --facts firm.json --policies approved.jsonl --as-of 2024-06-30 --details

      gongxu eligibility --firm 91330100MA0000000X --as-of 2024-06-30

    """
    from data.errors import InputError
    from data.settings import settings
    from data.store.store import Store
    from matcher.eligibility.assess import assess, eligibility_dict
    from matcher.eligibility.kept import parsed, read_policies

    if (facts is None) == (firm is None):
        raise InputError("give --facts FILE or --firm ID, exactly one of them")
    known = None if facts is None else read_firm(facts)
    stated = None if policies is None else read_policies(policies)
    if known is None or stated is None:
        with Store.open(settings().store_url) as store:
            known = known or store.firms.get(firm or "").facts
            stated = parsed(store.policy_criteria.latest()) if stated is None else stated
    found = assess(known, stated, _day(as_of))
    if as_json:
        typer.echo(json.dumps(eligibility_dict(found), ensure_ascii=False, indent=1))
        return
    _show(found, known, details=details)


def read_firm(path: Path) -> "FirmFacts":
    """Return the facts in a JSON file.

    Raises:
        InputError: the file is missing or holds no facts; the fault is named.

    """
    from pydantic import ValidationError

    from data.errors import InputError
    from data.firms.facts import FirmFacts

    if not path.is_file():
        raise InputError(f"no file at {path}; give a JSON file with the firm's facts")
    try:
        return FirmFacts.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error


def _day(text: str) -> date:
    from data.errors import InputError

    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--as-of is {text!r}; give a day as 2024-06-30") from error
    if not 1950 <= day.year <= 2100:
        raise InputError(f"--as-of is {text!r}; it must be from 1950 to 2100")
    return day


def _show(found: "Eligibility", firm: "FirmFacts", *, details: bool) -> None:
    from matcher.eligibility.assess import VERDICTS, eligibility_dict
    from matcher.eligibility.diagnosis import RULES, diagnose
    from matcher.eligibility.products import in_order

    body = eligibility_dict(found)
    counts = "，".join(f"{VERDICTS[verdict]} {count}" for verdict, count in body["counts"].items())
    typer.echo(f"截至 {found.as_of}：{counts}")
    places = {
        result.policy.policy_id: place for place, (result, _) in enumerate(in_order(found.results, firm.financing))
    }
    rows = sorted(body["results"], key=lambda row: places.get(row["policy_id"], -1))
    for row in rows:
        left = "" if row["days_left"] is None else f"，剩余 {row['days_left']} 天"
        amount = row["amount"]
        gives = f"，最高 {amount['max_wan']:g} 万元" if amount and amount["max_wan"] is not None else ""
        branch = f"（{row['branch']}）" if row["branch"] else ""
        typer.echo(f"[{row['verdict_text']}] {row['policy_id']} {row['name']}{branch}{gives}{left}")
        if row["nearest_miss"]:
            typer.echo(f"    最接近的差距：{row['nearest_miss']}")
        for item in row["criteria"] if details else ():
            facts = f" ← {'；'.join(item['facts'])}" if item["facts"] else ""
            kind = "" if item["kind"] == "hard" else "（需判断）"
            typer.echo(f"    {SIGNS[item['status']]} {item['quote']}{kind}{facts}")
    for one in diagnose(firm.firm_id, firm, found.results, found.as_of):
        typer.echo(f"差一步：{one.text}（{one.kind} {one.record_id}，{RULES[one.rule]}；依据：{one.evidence}）")
    if body["question"]:
        typer.echo(body["question"]["text"])
