"""Which ids a file's rows had, where each was first and what it said: one number an id, so that memory stays flat."""

_HASH = (1 << 64) - 1
_ROW = (1 << 40) - 1


class SeenIds:
    """The ids of one file's tables, with the row that had each first and a hash of that row's values."""

    def __init__(self) -> None:
        self._packed: dict[str, int] = {}
        self._sheets: list[str] = []

    def first(self, record_id: str, sheet: str, row: int, digest: int) -> tuple[str, int, bool] | None:
        """Take in an id; if an earlier row has it, return that row's sheet and number and whether it says the same."""
        if not self._sheets or self._sheets[-1] != sheet:
            self._sheets.append(sheet)
        packed = (len(self._sheets) - 1) << 104 | row << 64 | digest & _HASH
        known = self._packed.setdefault(record_id, packed)
        if known == packed:
            return None
        return self._sheets[known >> 104], known >> 64 & _ROW, known & _HASH == digest & _HASH
