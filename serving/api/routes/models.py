"""Bundles: which there are, which one serves, and changing it."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.errors import BundleError, InputError, NotFoundError
from data.locks import exclusive
from data.store.keys import AuditEntry
from data.store.store import Store
from matcher.bundle import (
    CURRENT,
    MANIFEST,
    PREVIOUS,
    current_bundle,
    pointed,
    read_manifest,
    set_current,
    set_pointer,
    verify,
)
from matcher.served import LOCK, append, rollback_targets, served_before
from serving.access.credentials import Principal
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import BUSY, COMMON, NO_BUNDLE, NOT_FOUND, NOT_PROMOTED, ApiError, responses
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

    version: str | None = Field(None, max_length=100, description="A version; null: load the current one again")


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
    responses=responses(NOT_FOUND, NO_BUNDLE, BUSY, NOT_PROMOTED, *COMMON),
    summary="Serve another bundle, or load the current one again",
)
async def reload(asked: Reload, request: Request, services: ServicesOf, who: Changer) -> Response:
    """Load a bundle and, once it serves here, make it the current one; the other workers follow within seconds.

    A trained version that never served has to pass the gate first (`gongxu promote`). A bundle that cannot be loaded is
    refused: what serves, and what is current, stays as it was. The change is written to the journal of promotions, and a
    rollback goes on from there.
    """
    version = await asyncio.to_thread(_switch, services, asked.version, who.name)
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


def _switch(services: Services, wanted: str | None, who: str) -> str:
    home, bundles = services.settings.home, services.settings.bundles
    with exclusive(home / LOCK, "promotion", "晋级或回退"):
        champion = pointed(bundles, CURRENT)
        version = wanted if wanted is not None else current_bundle(bundles).name
        if version != champion:
            _require_known(bundles, version)
        reason = _damage(bundles / version)
        if not reason:
            _require_admitted(home, version, champion)
            reason = services.switch(version, partial(_point, home, bundles, version, champion, who))
    if reason:
        cause = reason.replace(str(bundles), "bundles")
        raise InputError(
            f"bundle {version} is refused: {cause}", f"模型包 {version} 无法使用，仍由原来的版本服务：{cause}"
        )
    return services.live().manifest.version


def _require_known(bundles: Path, version: str) -> None:
    known = [path.parent.name for path in sorted(bundles.glob(f"[0-9]*/{MANIFEST}"), reverse=True)]
    if version not in known:
        near = tuple(known[:5])
        raise NotFoundError(
            f"no bundle {version!r}; there are {', '.join(near)}",
            near,
            f"没有模型包“{version}”；现有：{'、'.join(near)}",
        )


def _require_admitted(home: Path, version: str, champion: str) -> None:
    """Refuse a trained version that the gate did not let through."""
    facts = home / "candidates" / version / "candidate.json"
    if version == champion or version in served_before(home, "") or not facts.is_file():
        return
    if orjson.loads(facts.read_bytes()).get("decision") not in ("promoted", "forced"):
        raise ApiError(NOT_PROMOTED, f"版本 {version} 未经晋级；请先用 gongxu promote {version} 或在仪表盘晋级")


def _damage(directory: Path) -> str:
    """Return what is wrong with a bundle, empty if it is whole."""
    try:
        verify(directory)
    except BundleError as error:
        return str(error)
    return ""


def _point(home: Path, bundles: Path, version: str, champion: str, who: str) -> None:
    """Let the pointers name a version that serves now, and the journal tell of it."""
    if version != champion:
        entry = {
            "action": "reload",
            "candidate": version,
            "champion": champion,
            "passed": True,
            "promoted": True,
            "who": who,
            "at": datetime.now(UTC).isoformat(),
        }
        append(home, orjson.dumps(entry).decode())
    set_current(bundles, version)  # again also where it is the same, so that the other workers see it too
    if version != champion:
        set_pointer(bundles, PREVIOUS, next(iter(rollback_targets(home, bundles)), ""))


def _note(store: Store, entry: AuditEntry) -> None:
    store.api_keys.note(entry)
