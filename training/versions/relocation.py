"""A home that was copied or moved: MLflow's database names its artifacts by absolute paths, which are mended here."""

import sqlite3
from contextlib import closing, suppress

from data.settings import Settings

ARTIFACTS = "mlartifacts"
# Columns of MLflow's database that hold addresses of artifacts.
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


def artifact_root(settings: Settings) -> str:
    """Return the address under which a home keeps the artifacts of its own MLflow database."""
    return (settings.home / ARTIFACTS).resolve().as_uri()


def settle(settings: Settings) -> int:
    """Let MLflow's database in a home name the artifacts of this home; return how many addresses were another home's.

    Without this a copy would write into, and delete from, the home that it was copied from.
    """
    database = settings.home / "mlflow.db"
    if not settings.mlflow_is_local or not database.is_file():
        return 0
    root, changed = artifact_root(settings), 0
    with closing(sqlite3.connect(database, timeout=30.0, isolation_level=None)) as connection:
        for table, column in _COLUMNS:
            # Not all versions of MLflow have all tables.
            with suppress(sqlite3.OperationalError):
                found = connection.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()  # noqa: S608 (our names)
                for (address,) in found:
                    moved = _moved(address, root)
                    if moved is not None:
                        statement = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"  # noqa: S608
                        changed += connection.execute(statement, (moved, address)).rowcount
    return changed


def _moved(address: str | None, root: str) -> str | None:
    """Return where an artifact of another home lies in this one, None if it is no such artifact."""
    if not address or not address.startswith("file:") or address == root or address.startswith(f"{root}/"):
        return None
    _, found, rest = address.rpartition(f"/{ARTIFACTS}")
    return root + rest if found and (not rest or rest.startswith("/")) else None
