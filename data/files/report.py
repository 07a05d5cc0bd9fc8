"""What an import did with each table: counts, columns, notes; kept in the store for the dashboard."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data.files.table_kinds import TableKind

NAMED = 5
"""Unknown ids that a report names."""


@dataclass
class FileResult:
    """Outcome of one table's rows; for events `inserted` means added and `unchanged` known.

    Every row read is counted once: inserted, updated, unchanged, `repeated` (equal to an earlier row), `skipped` (no
    record: a repeated header, a total, a signature), conflicting or rejected. `noted` rows went in with something unread.
    `conflicting` events had a known id but other content and were ignored. `garbled` rows look as if they had been
    read in a wrong encoding somewhere before; they went in. `unknown_*` count events whose ids name no record.
    """

    path: Path
    kind: TableKind
    sheet: str = ""
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    skipped: int = 0
    rejected: int = 0
    noted: int = 0
    conflicting: int = 0
    garbled: int = 0
    unknown_demands: int = 0
    unknown_achievements: int = 0
    unknown_named: list[str] = field(default_factory=list)
    changed_fields: Counter[str] = field(default_factory=Counter)
    columns: dict[str, str] = field(default_factory=dict)
    unknown_columns: list[str] = field(default_factory=list)
    rejects_file: Path | None = None
    notes_file: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def note(self) -> str:
        """All notes about the table as a whole in one line."""
        return "；".join(self.notes)

    def as_dict(self) -> dict[str, Any]:
        """Return the result for JSON."""
        plain = {"kind": self.kind.value, "path": str(self.path), "changed_fields": dict(self.changed_fields)}
        return asdict(self) | plain


@dataclass(frozen=True)
class ImportSummary:
    """Outcome of an import: one result for each table, and the files that were left alone and why."""

    files: tuple[FileResult, ...]
    ignored: tuple[Path, ...] = ()
    ignored_why: tuple[str, ...] = ()
    number: int | None = None

    @property
    def exit_code(self) -> int:
        """0 when every row went in, 3 when some were rejected or conflict with what is known."""
        return 3 if any(result.rejected or result.conflicting for result in self.files) else 0
