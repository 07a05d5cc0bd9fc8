"""Reading the tables that ship with the packages, or files of the same shape."""

import csv
import json
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from data.errors import InputError


def shipped(name: str, package: str = "data.taxonomy") -> Traversable:
    """Return a table in the folder `tables` of a package."""
    return resources.files(package) / "tables" / name


def read_rows(source: Traversable | Path, *columns: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file that has at least `columns`.

    Raises:
        InputError: the file is missing, not UTF-8, or lacks a column.

    """
    try:
        text = source.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(
            f"taxonomy file {source} does not exist; give the path of a CSV with columns {columns}"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"taxonomy file {source} is not UTF-8; convert it first") from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in columns if name not in (reader.fieldnames or [])]
    if missing:
        raise InputError(f"taxonomy file {source} has no column {missing[0]!r}; it needs {', '.join(columns)}")
    return list(reader)


def read_json(source: Traversable) -> Any:
    """Return the content of a JSON table."""
    return json.loads(source.read_text(encoding="utf-8"))
