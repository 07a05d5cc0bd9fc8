"""Mappings of columns that were saved under a name, and are found again for files of the same shape."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from data.errors import InputError
from data.files.table_kinds import TableKind, kind_named

_NAME = re.compile(r"[\w\-. ]{1,60}")


@dataclass(frozen=True)
class Mapping:
    """Fields by header for tables of one kind whose headers have the digest `shape`."""

    name: str
    kind: TableKind
    fields: dict[str, str]
    shape: str


def shape_of(headers: Sequence[str]) -> str:
    """Return the digest of a table's headers, whatever their order."""
    return sha256("\x1f".join(sorted(headers)).encode("utf-8", "surrogatepass")).hexdigest()


def save_mapping(folder: Path, name: str, kind: TableKind, fields: dict[str, str], headers: Sequence[str]) -> Path:
    """Keep a mapping; one of the same name is replaced. Returns its file.

    Raises:
        InputError: the name cannot be a file's.

    """
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise InputError(
            f"a mapping's name has up to 60 letters, digits, - and _, not {name!r}",
            f"列对应的名称最多 60 个字，可用文字、数字、- 和 _，不能是“{name}”",
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    partial = path.with_suffix(".partial")
    document = {"kind": kind.value, "fields": fields, "shape": shape_of(headers)}
    partial.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return partial.replace(path)


def load_mapping(folder: Path, name: str) -> Mapping:
    """Return the mapping saved under a name.

    Raises:
        InputError: there is none, or its file is damaged.

    """
    path = folder / f"{name}.json"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(mapping_names(folder))
        raise InputError(
            f"no mapping is saved as {name!r}; {f'saved are: {known}' if known else 'none is saved yet'}",
            f"没有名为“{name}”的列对应；{f'已保存的有：{known}' if known else '还没有保存过'}",
        )
    return _read(path)


def find_mapping(folder: Path, headers: Sequence[str]) -> Mapping | None:
    """Return the mapping that was saved for a table of these headers, None if there is none."""
    if not folder.is_dir():
        return None
    shape = shape_of(headers)
    return next((one for path in sorted(folder.glob("*.json")) if (one := _read(path)).shape == shape), None)


def mapping_names(folder: Path) -> list[str]:
    """Return the names under which mappings are saved."""
    return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []


def _read(path: Path) -> Mapping:
    try:
        document = orjson.loads(path.read_bytes())
        fields = {str(header): str(field) for header, field in document["fields"].items()}
        return Mapping(path.stem, kind_named(document["kind"]), fields, str(document["shape"]))
    except (orjson.JSONDecodeError, InputError, KeyError, ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"the saved mapping {path} is damaged; delete it and save it again",
            f"保存的列对应 {path} 已损坏，请删除后重新保存",
        ) from error
