"""What a measurement on held-out demands allowed, kept in the home as one JSON file each."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from data.errors import InputError

_Kept = TypeVar("_Kept", bound=BaseModel)


def read_measured(path: Path, kind: type[_Kept], command: str) -> _Kept | None:
    """Return what `command` measured and left in a file, None if there is none.

    Raises:
        InputError: the file cannot be read.

    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise InputError(f"{path} cannot be read ({error}); run `{command}` again") from error
