"""Policies as they are kept: JSON lines of proposals and approvals, and approved documents of the store."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data.errors import InputError
from data.store.eligibility.policy_criteria import WITHDRAWN, ApprovedDocument
from matcher.eligibility.policy import StatedPolicy

CACHED = 4_096


def read_cards(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place, card) of a JSON-lines or CSV file of policy cards or finance products.

    Raises:
        InputError: the file is missing or a line is no object; file and line are named.

    """
    if not path.is_file():
        raise InputError(f"no file at {path}")
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                yield f"{path} line {number}", {name: value for name, value in row.items() if name}
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{where}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise InputError(f"{where}: {row!r} is no object")
        yield where, row


def read_policies(path: Path) -> list[StatedPolicy]:
    """Return the policies of a JSON-lines file of proposals or approvals.

    Raises:
        InputError: the file is missing or a line is no policy; file and line are named.

    """
    found = []
    for where, row in read_cards(path):
        try:
            found.append(StatedPolicy.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{where}: no policy: {place}: {first['msg']}") from error
    return found


def write_policies(policies: Iterable[StatedPolicy], path: Path) -> int:
    """Write policies as JSON lines; return how many."""
    lines = [policy.model_dump_json(exclude_defaults=True) for policy in policies]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return len(lines)


@lru_cache(maxsize=CACHED)
def _parsed(document: str) -> StatedPolicy:
    return StatedPolicy.model_validate_json(document)


def parsed(documents: Iterable[ApprovedDocument]) -> list[StatedPolicy]:
    """Return the policies of approved documents; each document is parsed once."""
    return [_parsed(document.document) for document in documents]


def approved(policy: StatedPolicy) -> StatedPolicy:
    """Return the policy as approved."""
    return policy.model_copy(update={"status": "approved"})


def document_of(policy: StatedPolicy, by: str, at: datetime, *, withdrawn: bool = False) -> ApprovedDocument:
    """Return the row that approves (or withdraws) a policy's version, with who did it and when."""
    stated = ApprovedDocument(
        policy_id=policy.policy_id,
        valid_from=policy.valid_from,
        valid_until=policy.valid_until,
        text_digest=policy.text_digest,
        document=approved(policy).model_dump_json(exclude_defaults=True),
        approved_by=by,
        approved_at=at,
    )
    return ApprovedDocument(**(stated.__dict__ | {"status": WITHDRAWN})) if withdrawn else stated


def changes(before: StatedPolicy, after: StatedPolicy) -> list[str]:
    """Return what differs between two readings of one policy, criterion by criterion, as lines: - gone, + new."""
    old = {(c.quote, json.dumps(c.test, ensure_ascii=False, sort_keys=True), c.kind, c.branch) for c in before.criteria}
    new = {(c.quote, json.dumps(c.test, ensure_ascii=False, sort_keys=True), c.kind, c.branch) for c in after.criteria}
    gone = [f"- {kind} {quote} {test}" for quote, test, kind, _ in sorted(old - new)]
    return gone + [f"+ {kind} {quote} {test}" for quote, test, kind, _ in sorted(new - old)]
