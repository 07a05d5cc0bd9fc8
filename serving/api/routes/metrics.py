"""Metrics for Prometheus."""

import os

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.problems import COMMON, responses
from serving.runtime.services import ServicesOf
from serving.telemetry.metrics import STORE_SILENCE

router = APIRouter(tags=["health"], dependencies=[Depends(Needs(Scope.READ_METRICS))])


@router.get(
    "/metrics",
    response_class=Response,
    responses=responses(*COMMON, ok={"content": {"text/plain": {"schema": {"type": "string"}}}}),
    summary="Metrics in Prometheus' text format",
)
async def metrics(services: ServicesOf) -> Response:
    """Return the metrics of all workers together."""
    STORE_SILENCE.set(services.store_silence)
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
