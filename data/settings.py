"""Typed settings, read from `GONGXU_*` environment variables; unknown names are refused."""

import os
import tomllib
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from data.errors import SettingsError
from data.learning import (
    LEARNING_FILE,
    GateMargins,
    MonitorLimits,
    ProtectedSlices,
    RankerParameters,
    ReportSlices,
    TuningRanges,
)

PREFIX = "GONGXU_"
LEARNING = {
    "ranker": RankerParameters,
    "tuning": TuningRanges,
    "slices": ProtectedSlices,
    "report_slices": ReportSlices,
    "gate": GateMargins,
    "monitor": MonitorLimits,
}


class Settings(BaseSettings):
    """All settings of gongxu with their defaults; the variable for `home` is `GONGXU_HOME`, and so on."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        frozen=True,
        nested_model_default_partial_update=True,
        populate_by_name=True,
    )

    # Folder of all state: store, bundles, caches, MLflow's default database.
    home: Path = Path(".gongxu")
    # SQLAlchemy URL of the store; empty means SQLite in `home`. PostgreSQL: postgresql+psycopg://user@host/name
    database_url: str = ""
    # PostgreSQL: connections that one process may hold, and seconds that somebody waits for a free one before being refused.
    database_pool: int = Field(16, ge=2, le=1000)
    database_pool_wait: float = Field(2.0, gt=0, le=60)
    # Seconds that PostgreSQL gives one statement of a request; one of an import, a report, a build or the command line;
    # and an open transaction in which nothing happens.
    database_statement_timeout: float = Field(10.0, gt=0, le=3600)
    database_long_timeout: float = Field(3600.0, gt=0, le=1_000_000)
    database_idle_timeout: float = Field(900.0, gt=0, le=1_000_000)
    # The URL leads to PgBouncer, which gives each transaction another connection: nothing is prepared or set for a session.
    database_pgbouncer: bool = False
    # Text encoder: "default" (shipped), a sentence-transformers model directory, a hub name, or a model behind an
    # OpenAI-compatible embedding endpoint: openai:https://host/v1#model
    encoder: str = "default"
    # Reads titles and the beginnings of texts in context, in the second stage: "default" (shipped), "none" or a directory.
    contextual_encoder: str = "default"
    # Put before a demand's text, for encoders trained with prefixes ("query: ").
    encoder_query_prefix: str = ""
    # Put before an achievement's text ("passage: ").
    encoder_passage_prefix: str = ""
    # Tokens of a text that a transformer encoder reads.
    encoder_max_length: int = Field(512, ge=8, le=8192)
    # Texts that a transformer encoder reads at once.
    encoder_batch_size: int = Field(32, ge=1, le=4096)
    # Adapt a static encoder to the store's own texts at build time (no judgements used).
    encoder_adapt: bool = True
    # File that holds the key of the embedding endpoint.
    encoder_key_file: Path | None = None
    # A chat model behind an OpenAI-compatible endpoint, http://host/v1#model, and the file that holds its key; empty: none.
    chat: str = ""
    chat_key_file: Path | None = None
    # A reranker: an endpoint, http://host/rerank#model, or the directory of a CrossEncoder; empty: none.
    rerank: str = ""
    rerank_key_file: Path | None = None
    # Items of a list that are reranked, and the seconds that this may take.
    rerank_top: int = Field(20, ge=2, le=200)
    rerank_budget: float = Field(0.5, gt=0, le=30)
    # Lists of achievements also hold candidates that the chat model's rewritings of the demand propose, where
    # `gongxu lab rewrite` found a sure gain; seconds that the model may take.
    rewrite: bool = False
    rewrite_budget: float = Field(1.5, gt=0, le=30)
    # Hosts, separated by commas, that texts may be sent to besides those with private addresses.
    model_hosts: str = ""
    # Seconds that one call of a model's endpoint may take, with its retries.
    model_timeout: float = Field(20.0, gt=0, le=600)
    # Calls of one endpoint at once; further ones are refused.
    model_concurrency: int = Field(4, ge=1, le=64)
    # Calls a day of one endpoint, by all processes of the home.
    model_calls: int = Field(10_000, ge=0, le=10_000_000)
    # Threads for FAISS, LightGBM and BLAS together; they multiply if left alone.
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    # Where MLflow records runs; empty means a SQLite database in `home`. MLflow's own MLFLOW_TRACKING_URI counts too.
    mlflow_tracking_uri: str = Field(
        "", validation_alias=AliasChoices("GONGXU_MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI")
    )
    # Share of demands, by a stable hash, whose outcomes no ranker learns from: versions are compared on them.
    held_out_share: float = Field(0.15, ge=0, le=0.5)
    # Share of answers without a good match on top that the threshold of answering may lead to; calibrated by training.
    answer_risk: float = Field(0.4, gt=0, lt=1)
    # The ranker's parameters and where they are searched, slices, the promotion gate's margins and the monitor's limits: see
    # data/learning.py; GONGXU_HOME/learning.toml overrides them, GONGXU_RANKER_TREES, GONGXU_GATE_GAIN and so on that file.
    ranker: RankerParameters = RankerParameters()
    tuning: TuningRanges = TuningRanges()
    slices: ProtectedSlices = ProtectedSlices()
    report_slices: ReportSlices = ReportSlices()
    gate: GateMargins = GateMargins()
    monitor: MonitorLimits = MonitorLimits()
    # Bundles that `gongxu retrain` leaves besides those in use; older ones are removed.
    keep_bundles: int = Field(5, ge=0, le=1000)
    # Share of demanders that an experiment serves from the challenger.
    experiment_share: float = Field(0.1, gt=0, lt=1)
    # What the server logs: DEBUG, INFO, WARNING or ERROR.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # Threads of one server process that run the engine; the event loop has its own. `gongxu serve` with several workers
    # divides the cores among them unless this is set.
    serve_threads: int = Field(2, ge=1, le=64)
    # Seconds that a request may be expected to wait for a free engine thread; beyond that it is refused at once (503).
    serve_max_wait: float = Field(0.1, gt=0, le=60)
    # Seconds after which a request is given up (504); bulk uploads and exports are exempt.
    serve_timeout: float = Field(30.0, gt=0, le=600)
    # Bytes that a request's body may have.
    serve_max_body: int = Field(2 * 2**20, ge=1024, le=2**30)
    # Bytes that the body of a bulk upload may have.
    serve_max_bulk_body: int = Field(32 * 2**20, ge=1024, le=2**30)
    # Bytes of the files that an operator may upload to the dashboard at once.
    serve_max_upload: int = Field(256 * 2**20, ge=1024, le=2**32)
    # Requests a second that one key (without keys: one client address) may send to one worker; bursts of twice that.
    serve_rate_limit: float = Field(500.0, gt=0, le=1_000_000)
    # Seconds between two looks at the store and at the pointer to the current bundle.
    serve_poll: float = Field(0.2, ge=0.01, le=60)
    # Impressions that wait to be written; what does not fit is dropped and counted.
    serve_impression_queue: int = Field(10_000, ge=1, le=10_000_000)
    # Seconds that the server waits for a locked database before it answers 503.
    serve_lock_timeout: float = Field(5.0, gt=0, le=60)
    # Bytes of answers that one worker keeps to give again to the same question; 0: none.
    serve_cache: int = Field(32 * 2**20, ge=0, le=2**34)
    # Ask the shards that `gongxu shards` holds instead of loading the bundle.
    serve_shards: bool = False
    # URL of an OpenTelemetry collector (OTLP over HTTP) that gets traces; empty: none are made.
    serve_traces: str = ""
    # Agents may use the API's tools over MCP at /mcp; needs gongxu[mcp].
    serve_mcp: bool = False
    # Web origins, separated by commas, whose pages may call /mcp (https://agents.example.cn); others are refused.
    mcp_origins: str = ""
    # API key that `gongxu mcp` uses.
    mcp_key: SecretStr = SecretStr("")
    # Hosts, separated by commas, that webhooks may go to although they have private addresses or speak plain HTTP.
    webhook_hosts: str = ""
    # Seconds that one attempt to deliver a webhook may take.
    webhook_timeout: float = Field(15.0, gt=0, le=120)
    # Operators sign in to the dashboard with passwords of their own.
    password_login: bool = True
    # Issuer of the OpenID Connect provider at which operators may sign in too; empty: none.
    oidc_issuer: str = ""
    # What the provider knows this server as, and its secret.
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    # What is asked of the provider.
    oidc_scopes: str = "openid profile"
    # Claim of the ID token that names the operator.
    oidc_name_claim: str = "preferred_username"
    # Claim that holds the roles, with dots for what lies deeper (Keycloak: realm_access.roles).
    oidc_role_claim: str = "roles"
    # What the claim's values mean: platform-admins=manager,analysts=viewer; empty: the roles' own names.
    oidc_roles: str = ""
    # Address to which the provider sends browsers back; empty: the one under which the login page was asked for.
    oidc_redirect_uri: str = ""
    # What is noted as evidence: off, restricted (answers that show records that are not 公开, requests, grants, exports), all.
    evidence: Literal["off", "restricted", "all"] = "off"
    # Folder for the root of each day's evidence, best on another disk; empty: evidence/roots in `home`.
    evidence_root_folder: Path | None = None
    # Folder of real data for evaluation; tests that need it skip where it is absent.
    shared_data: Path = Path("../shared/data")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where values come from: arguments, then variables, then the file in the home that these name."""
        return init_settings, env_settings, _LearningFile(settings_cls)

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite:///{(self.home / 'store.db').resolve()}"

    @property
    def served(self) -> Path:
        """Folder of the bundles that a server loads: without records of their own where it asks shards for those."""
        return self.asking if self.serve_shards else self.bundles

    @property
    def asking(self) -> Path:
        """Folder of the parts without records that processes load which ask shards, and the pointer to the one served."""
        return self.home / "shards" / "asking"

    @property
    def bundles(self) -> Path:
        """Folder that holds the bundles, one directory each, and the pointer to the one that is served."""
        return self.home / "bundles"

    @property
    def kinds(self) -> Path:
        """Folder of the kinds of records that a platform declares beside those that ship, one TOML file each."""
        return self.home / "kinds"

    @property
    def evidence_roots(self) -> Path:
        """Folder that holds the root of each day's evidence, outside the store."""
        return self.evidence_root_folder or self.home / "evidence" / "roots"

    @property
    def vectors(self) -> Path:
        """Folder of the cache of text vectors."""
        return self.home / "vectors"

    @property
    def mlflow_is_local(self) -> bool:
        """Whether MLflow records into the database in `home`."""
        return not self.mlflow_tracking_uri

    @property
    def mlflow_uri(self) -> str:
        """Tracking URI for MLflow."""
        return self.mlflow_tracking_uri or f"sqlite:///{(self.home / 'mlflow.db').resolve()}"


class _LearningFile(PydanticBaseSettingsSource):
    """The sections of `learning.toml` in the home that arguments or variables name, if there is one."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the section of one field."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the sections by name.

        Raises:
            SettingsError: the file cannot be read, or holds something else than the known sections.

        """
        path = Path(self.current_state.get("home", Settings.model_fields["home"].default)) / LEARNING_FILE
        if not path.is_file():
            return {}
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path} cannot be read: {error}") from error
        for name, section in found.items():
            if name not in LEARNING or not isinstance(section, dict):
                raise SettingsError(f"{path} holds {name!r}; known sections: [{'], ['.join(LEARNING)}]")
        return found


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read once from the environment and `learning.toml` in the home.

    Raises:
        SettingsError: a `GONGXU_*` variable or a key of the file is unknown or has an unusable value.

    """
    known = {PREFIX + name.upper() for name in Settings.model_fields if name not in LEARNING}
    known |= {_variable(section, one.name) for section, kind in LEARNING.items() for one in fields(kind)}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"unknown setting {unknown[0]}; known settings: {', '.join(sorted(known))}")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(_unusable([str(part) for part in first["loc"]], first["input"], first["msg"])) from error


def _variable(*names: str) -> str:
    return PREFIX + "_".join(names).upper()


def _unusable(names: list[str], value: object, why: str) -> str:
    """Return what is wrong with a value, named as its user wrote it: a variable, or a key of a section of the file."""
    variable = _variable(*names)
    if names[0] not in LEARNING or variable in os.environ:
        return f"{variable}={value!r} cannot be used: {why}"
    section, *key = names
    if key and key[0] not in {one.name for one in fields(LEARNING[section])}:
        known = ", ".join(one.name for one in fields(LEARNING[section]))
        return f"{LEARNING_FILE} [{section}] names {key[0]!r}; known: {known}"
    return f"{LEARNING_FILE} [{section}] {'.'.join(key)} = {value!r} cannot be used: {why}"
