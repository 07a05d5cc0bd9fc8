"""Evidence of a record: who was shown what of it and when, with proofs that can be checked without this server."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.evidence.chain import Part
from data.records import Identifier
from data.store.trust.evidence import MAX_PROVEN, Proof
from serving.api.answers import json_response
from serving.api.routes.records import Writer
from serving.problems import COMMON, responses
from serving.runtime.evidence.log import EvidenceLog
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1", tags=["trust"])


class SaltedText(BaseModel):
    """Part of an entry: SHA-256 of the salt's bytes and the text is among the entry's `parts`; null once erased."""

    model_config = ConfigDict(frozen=True)

    digest: str
    salt: str | None
    text: str | None = Field(description="Canonical JSON")


class SiblingHash(BaseModel):
    """A sibling on the way from the entry's leaf to the day's root."""

    model_config = ConfigDict(frozen=True)

    digest: str
    left: bool


class EvidenceEntry(BaseModel):
    """An entry about the record, and what proves it."""

    model_config = ConfigDict(frozen=True)

    number: int
    at: str = Field(description="When it happened")
    action: str = Field(description="shown, exported, asked, granted, denied, withdrawn or person")
    day: str = Field(description="China's calendar day on which it was chained")
    entry: str = Field(description="The entry as canonical JSON (RFC 8785); its SHA-256 is `digest`")
    digest: str
    said: SaltedText = Field(description="What the entry says of this record")
    who: SaltedText = Field(description="Key, viewer, request")
    root: str = Field(description="Root of the day's Merkle tree (RFC 6962), whose leaves are the entries' digests")
    path: tuple[SiblingHash, ...]
    published: bool = Field(description="The root was written outside the store, and is the same there")


class RecordEvidence(BaseModel):
    """Entries about one record, in the order of the chain."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str
    entries: tuple[EvidenceEntry, ...]
    next_after: int | None = Field(description="Send it as `after` for more; null: these were the last")


@router.get(
    "/evidence/{kind}/{record_id:path}",
    response_model=RecordEvidence,
    responses=responses(*COMMON),
    summary="Evidence of a record",
)
async def record_evidence(
    kind: Annotated[str, Path(max_length=40, examples=["demand"])],
    record_id: Annotated[Identifier, Path(examples=["D000001"])],
    services: ServicesOf,
    _who: Writer,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="`next_after` of the page before")] = 0,
) -> Response:
    """Return who was shown, granted or exported what of a record and when, each entry with its inclusion proof.

    What happened within the last second may not be chained yet.
    """
    proofs = await services.in_store(lambda store: store.evidence.proofs(kind, record_id, after), patient=True)
    entries = [_entry(proof, services.evidence) for proof in proofs]
    following = proofs[-1].entry.number if len(proofs) == MAX_PROVEN else None
    return json_response({"kind": kind, "id": record_id, "entries": entries, "next_after": following})


def _entry(proof: Proof, log: EvidenceLog) -> dict[str, object]:
    entry = orjson.loads(proof.entry.text)
    published = log.published(proof.day)
    return EvidenceEntry(
        number=proof.entry.number,
        at=entry["at"],
        action=entry["action"],
        day=proof.day,
        entry=proof.entry.text,
        digest=proof.entry.digest,
        said=_salted(proof.said),
        who=_salted(proof.who),
        root=proof.root,
        path=tuple(SiblingHash(digest=step.digest, left=step.left) for step in proof.path),
        published=published is not None and published.root == proof.root,
    ).model_dump()


def _salted(part: Part) -> SaltedText:
    return SaltedText(digest=part.digest, salt=part.salt, text=part.text)
