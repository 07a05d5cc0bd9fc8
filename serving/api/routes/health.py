"""Whether the process lives, and whether it can answer."""

from fastapi import APIRouter
from starlette.responses import Response

from serving.api.answers import json_response
from serving.api.schemas import ReadyReport, RejectedBundle
from serving.runtime.services import ServicesOf

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    """Answer as long as the process can answer anything."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="The server can answer recommendations",
    response_model=ReadyReport,
    responses={503: {"model": ReadyReport, "description": "No bundle is loaded"}},
)
async def readyz(services: ServicesOf) -> Response:
    """Tell what is served: 200 with a bundle, 503 without one.

    `degraded` means that answers are given, but without ranker, knowledge graph or store (then stored records cannot be
    asked for and nothing can be written), or that a newer bundle was refused.
    """
    live, rejected = services.holder.live, services.holder.rejected
    store_ok = services.store_ok
    lacks = [*live.lacks(store_ok=store_ok), *live.engine.lacks] if live else []
    report = ReadyReport(
        status="unavailable" if live is None else "degraded" if lacks or rejected else "ready",
        bundle_version=live and live.manifest.version,
        loaded_at=live and live.loaded_at.isoformat(),
        achievements=live.engine.size("achievements") if live else 0,
        demands=live.engine.size("demands") if live else 0,
        ranker=live is not None and "ranker" not in lacks,
        graph=live is not None and "graph" not in lacks,
        lacks=lacks,
        store="ok" if store_ok else "unreachable",
        revision=live.revision if live else 0,
        rejected_bundle=rejected
        and RejectedBundle(version=rejected.version, reason=rejected.reason, at=rejected.at.isoformat()),
    )
    return json_response(report.model_dump(), 503 if live is None else 200)
