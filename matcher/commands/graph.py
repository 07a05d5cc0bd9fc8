"""`gongxu graph build`: the graph of all records, put together with the encoder as the bundle's build does it."""

from pathlib import Path
from typing import Annotated

import typer

from data.errors import InputError, NotFoundError
from knowledge_graph.relations.synonyms import Encode


def build_command(
    out: Annotated[Path | None, typer.Option(help="Folder to write; default: GONGXU_HOME/graph.")] = None,
    vectors: Annotated[
        bool, typer.Option(help="Relate terms of close meaning with the encoder of GONGXU_ENCODER.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Build the graph of all records in the store.

    Examples:
      gongxu graph build

      gongxu graph build --out /data/graph --no-vectors

    """
    from data.settings import settings
    from data.store.store import Store
    from knowledge_graph.commands.output import Bar, print_stats
    from knowledge_graph.graph import KnowledgeGraph

    target = out or settings().home / "graph"
    with Store.open(settings().store_url, create=False) as store, Bar() as bar:
        achievements, demands, events = list(store.achievements()), list(store.demands()), list(store.events())
        _require_records(len(achievements) + len(demands))
        _require_writable(target)
        encode = _encode() if vectors else None
        graph = KnowledgeGraph.build(achievements, demands, outcomes=events, encode=encode, progress=bar.show)
    graph.save(target)
    print_stats(graph, target, as_json=as_json)


def _require_records(count: int) -> None:
    if not count:
        raise NotFoundError("the store holds no records; run `gongxu import` first")


def _require_writable(folder: Path) -> None:
    """Make the folder of a graph, before minutes are spent on building it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; give --out a folder that can be written") from error


def _encode() -> Encode:
    """Return the function that turns terms into vectors, from the encoder of the settings."""
    from data.settings import settings
    from models.encoder.base import load_encoder

    chosen = settings()
    encoder = load_encoder(
        chosen.encoder,
        query_prefix=chosen.encoder_query_prefix,
        passage_prefix=chosen.encoder_passage_prefix,
        max_length=chosen.encoder_max_length,
        batch_size=chosen.encoder_batch_size,
    )
    return lambda terms: encoder.encode(terms, "passage")
