"""What every use of sentence-transformers' trainer shares here: its arguments, and the packages it needs."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers.sentence_transformer.training_args import SentenceTransformerTrainingArguments


def arguments(folder: Path, *, seed: int, epochs: int, batch_size: int) -> "SentenceTransformerTrainingArguments":
    """Return the trainer's arguments: CPU, seeded, nothing written but to `folder`."""
    from sentence_transformers.sentence_transformer.training_args import SentenceTransformerTrainingArguments

    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        dataloader_drop_last=True,
        seed=seed,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_steps=10,
        disable_tqdm=True,
    )


def require_training_packages() -> None:
    """Tell what to install when sentence-transformers' trainer cannot run.

    Raises:
        EncoderError: `accelerate` or `datasets` is missing.

    """
    missing = [name for name in ("accelerate", "datasets") if find_spec(name) is None]
    if missing:
        raise EncoderError(
            f'training an encoder needs {" and ".join(missing)}: pip install "sentence-transformers[train]~=6.2"'
        )
