"""`python -m training.encoder`: the same commands as `gongxu encoder`."""

import sys

from data.errors import GongxuError
from training.commands.encoder import app

if __name__ == "__main__":
    try:
        app()
    except GongxuError as error:
        sys.exit(f"error: {error}")
