"""The static encoder beside `SentenceTransformer.encode` of the same model directory: one query, many texts, threads."""

import csv
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from data.simulator import SimulationPlan, simulate
from eval.bench.report import BenchRow, latency, throughput
from models.encoder.base import DEFAULT_DIRECTORY
from models.encoder.static import StaticEncoder

PEER = "SentenceTransformer"
_TEXTS = 4_000
_QUERIES = 200
_LENGTH = 60  # characters: a long title, or what people type into a search box


def simulated_texts(count: int, length: int) -> list[str]:
    """Return `count` Chinese texts of at most `length` characters from the platform simulator, the same every time."""
    with TemporaryDirectory() as folder:
        simulate(SimulationPlan(achievements=count, demands=10, events=0, seed=11), Path(folder))
        with (Path(folder) / "achievements.csv").open(encoding="utf-8", newline="") as file:
            return [f"{row['成果名称']}。{row['成果简介']}"[:length] for row in csv.DictReader(file)]


def bench_encode(count: int = _TEXTS, directory: Path = DEFAULT_DIRECTORY) -> list[BenchRow]:
    """Return the figures of the encoder in `directory` on at most 4,000 of `count` texts of at most 60 characters.

    Everything is compared with sentence-transformers in the same run, which is kept to one thread. The latency is CPU
    time of the calling thread, the bulk figure CPU time of all threads, for the tokenizer starts its own.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    texts = simulated_texts(min(count, _TEXTS), _LENGTH)
    encoder = StaticEncoder.load(directory)
    peer = SentenceTransformer(str(directory), device="cpu")
    loaded = _cpu_seconds(partial(StaticEncoder.load, directory))
    peer_loaded = _cpu_seconds(partial(SentenceTransformer, str(directory), device="cpu"))
    queries = texts[:_QUERIES]
    mine = latency([partial(encoder.encode, [text], "query") for text in queries])
    theirs = latency([partial(peer.encode, [text], show_progress_bar=False) for text in queries])
    bulk = len(texts) / _cpu_seconds(partial(encoder.encode, texts, "passage"))
    peer_bulk = len(texts) / _cpu_seconds(partial(peer.encode, texts, show_progress_bar=False))
    calls = [partial(encoder.encode, [text], "query") for text in queries * 10]
    one, two = throughput(calls, 1), throughput(calls, 2)
    peer_one = throughput([partial(peer.encode, [text], show_progress_bar=False) for text in queries], 1)
    stage = f"encode, {_LENGTH} characters"
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    return [
        BenchRow(stage, "load, CPU", loaded, "s", loaded / peer_loaded, PEER),
        BenchRow(stage, "size", size / 2**20, "MiB"),
        BenchRow(stage, "one query p50", mine.p50, "ms", mine.p50 / theirs.p50, PEER),
        BenchRow(stage, "one query p99", mine.p99, "ms", mine.p99 / theirs.p99, PEER),
        BenchRow(stage, "many texts, per CPU second", bulk, "1/s", bulk / peer_bulk, PEER),
        BenchRow(stage, "throughput, 1 thread", one, "1/s", one / peer_one, PEER),
        BenchRow(stage, "throughput, 2 threads", two, "1/s", two / one, "1 thread"),
    ]


def _cpu_seconds(call: Callable[[], object]) -> float:
    """Return the CPU time that `call` costs this process, the better of two runs."""
    spent = []
    for _ in range(2):
        begun = time.process_time()
        call()
        spent.append(time.process_time() - begun)
    return min(spent)
