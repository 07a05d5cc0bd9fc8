"""Bundles: which there are, which one serves, and changing it."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.errors import BundleError, InputError, NotFoundError
from data.store.keys import AuditEntry
from data.store.store import Store
from matcher.bundle import MANIFEST, current_bundle, read_manifest, set_current, verify
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1/models", tags=["models"])
Changer = Annotated[Principal, Depends(Needs(Scope.CHANGE_MODELS))]


class Model(BaseModel):
    """One bundle."""

    model_config = ConfigDict(frozen=True)

    version: str
    created_at: str
    serving: bool = Field(description="Whether this worker serves it now")
    achievements: int
    demands: int
    features: int = Field(description="Of the ranker; 0 without one")
    training_pairs: int
    mlflow_run_id: str


class Models(BaseModel):
    """All bundles of this installation, newest first."""

    model_config = ConfigDict(frozen=True)

    models: list[Model]


class Reload(BaseModel):
    """Which bundle shall serve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str | None = Field(None, max_length=100, description="A version; null: load the current one anew")


class Reloaded(BaseModel):
    """What serves after a reload."""

    model_config = ConfigDict(frozen=True)

    bundle_version: str


@router.get(
    "",
    response_model=Models,
    responses=responses(*COMMON),
    dependencies=[Depends(Needs(Scope.READ_MODELS))],
    summary="List bundles",
)
async def models(services: ServicesOf) -> Response:
    """Return what there is to serve."""
    live = services.holder.live
    serving = live.manifest.version if live else None
    found = await asyncio.to_thread(_models, services.settings.bundles, serving)
    return json_response({"models": [model.model_dump() for model in found]})


@router.post(
    "/reload",
    response_model=Reloaded,
    responses=responses(NOT_FOUND, NO_BUNDLE, *COMMON),
    summary="Serve another bundle, or load the current one anew",
)
async def reload(asked: Reload, request: Request, services: ServicesOf, who: Changer) -> Response:
    """Check a bundle, make it the current one and load it; the other workers follow within seconds.

    A bundle that cannot be loaded is refused and the old one goes on serving.
    """
    version = await asyncio.to_thread(_switch, services, asked.version)
    entry = AuditEntry(datetime.now(UTC), who.name, "models.reload", version, request.state.request_id)
    await services.in_store(partial(_note, entry=entry))
    return json_response({"bundle_version": version})


def _models(bundles: Path, serving: str | None) -> list[Model]:
    found = []
    for path in sorted(bundles.glob(f"[0-9]*/{MANIFEST}"), reverse=True):
        try:
            manifest = read_manifest(path.parent)
        except BundleError:
            continue  # of another format: it can neither be served nor described
        found.append(
            Model(
                version=manifest.version,
                created_at=manifest.created_at.isoformat(),
                serving=manifest.version == serving,
                achievements=manifest.achievements,
                demands=manifest.demands,
                features=len(manifest.feature_names),
                training_pairs=manifest.training_pairs,
                mlflow_run_id=manifest.mlflow_run_id,
            )
        )
    return found


def _switch(services: Services, wanted: str | None) -> str:
    bundles = services.settings.bundles
    if wanted is not None:
        known = [path.parent.name for path in sorted(bundles.glob(f"[0-9]*/{MANIFEST}"), reverse=True)]
        if wanted not in known:
            raise NotFoundError(f"no bundle {wanted!r}; there are {', '.join(known[:5])}", tuple(known[:5]))
        try:
            verify(bundles / wanted)
        except BundleError as error:
            raise InputError(f"bundle {wanted} is refused: {error}".replace(str(bundles), "bundles")) from error
        set_current(bundles, wanted)
    else:
        set_current(bundles, current_bundle(bundles).name)  # anew, so that the other workers see it too
    services.reload(force=True)
    rejected = services.holder.rejected
    if rejected is not None:
        raise InputError(f"bundle {rejected.version} is refused: {rejected.reason}")
    return services.live().manifest.version


def _note(store: Store, entry: AuditEntry) -> None:
    store.api_keys.note(entry)
