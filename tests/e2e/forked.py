"""The command line in processes that are forked from one which has imported everything: a command costs what it does.

How a command starts from nothing is tested in `test_overview.py` and by every server that a test starts.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory

PRELOADED = (
    "tests.e2e.warmed",
    "gongxu",
    "data.commands.import_files",
    "knowledge_graph.commands.graph",
    "matcher.commands.clarify",
    "matcher.commands.recommend",
    "matcher.gaps.report",
    "training.commands.evaluate",
    "training.commands.train",
    "training.pipeline",
)


def run_forked(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
) -> CompletedProcess[str]:
    """Run `gongxu` with the given words in a process of its own; return what it said and its exit code.

    Raises:
        TimeoutExpired: it took longer than `seconds`.

    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with TemporaryDirectory() as written:
        said = [Path(written) / name for name in ("stdout", "stderr")]
        process = context.Process(target=_command, args=(list(words), dict(environment), str(folder), *map(str, said)))
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise TimeoutExpired(list(words), seconds)
        out, error = (path.read_text(encoding="utf-8") for path in said)
        return CompletedProcess(list(words), process.exitcode or 0, out, error)


def _command(words: list[str], environment: dict[str, str], folder: str, out: str, error: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, path in ((0, os.devnull), (1, out), (2, error)):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["gongxu", *words]
    from gongxu import main

    main()
