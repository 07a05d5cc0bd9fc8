"""The command `gongxu`: its commands live in the rooms and are imported only when they are called."""

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

# OpenMP threads that wait by spinning starve each other as soon as the machine has other work; read when OpenMP loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# name: (module, function or Typer app, help line)
COMMANDS = {
    "simulate": ("data.commands.simulate", "simulate", "Write a simulated platform with known truth."),
    "import": ("data.commands.import_files", "import_command", "Import records, events and judgements into the store."),
    "build": (
        "training.commands.train",
        "build_command",
        "Build a bundle from the store: text space, vectors, indexes.",
    ),
    "train": (
        "training.commands.train",
        "train_command",
        "Train the ranker on outcomes; serve it if it passes the gate.",
    ),
    "models": ("training.commands.release", "models_command", "List trained versions, aliases and headline figures."),
    "promote": ("training.commands.release", "promote_command", "Ask the promotion gate; serve a version; roll back."),
    "retrain": ("training.commands.upkeep", "retrain_command", "The whole loop unattended: import to promotion."),
    "monitor": ("training.commands.upkeep", "monitor_command", "Hold recent traffic against what training saw."),
    "sync": ("training.commands.release", "sync_command", "Push to MLflow what waits for it."),
    "demo": ("training.commands.train", "demo_command", "Show everything on a simulated platform."),
    "recommend": ("matcher.commands.recommend", "recommend", "Recommend for a demand, a text or an achievement."),
    "clarify": ("matcher.commands.clarify", "clarify", "Ask what would change a demand's list most; take answers."),
    "gaps": (
        "matcher.commands.advise",
        "gaps",
        "Whether a demand has a good match, and what would have to be developed.",
    ),
    "advise": ("matcher.commands.advise", "advise_command", "What a holder can change so that demands find it."),
    "study": ("eval.commands.studies", "app", "Studies of questions, completeness and the threshold."),
    "evaluate": ("training.commands.evaluate", "evaluate", "Evaluate beside chance, popularity and BM25."),
    "compare-rankers": (
        "training.commands.study",
        "compare_rankers",
        "Compare ways to learn an order, on a simulated log.",
    ),
    "recall": ("eval.commands.evaluate", "recall", "Recall of the candidate channels, alone and fused."),
    "bench": ("eval.commands.bench", "bench", "Measure speed and memory of the retrieval layer."),
    "serve": ("serving.commands.serve", "serve", "Serve the HTTP API."),
    "load": ("eval.commands.load", "load_command", "Put a server under load and measure it."),
    "experiment": ("serving.commands.experiment", "app", "Compare champion and challenger on live traffic."),
    "keys": ("serving.commands.keys", "app", "Make, list and revoke API keys."),
    "operators": ("serving.commands.operators", "app", "Make, list and change operators of the dashboard."),
    "backup": ("serving.commands.backup", "backup_command", "Save store and current bundle in one file."),
    "restore": ("serving.commands.backup", "restore_command", "Put a backup in place."),
    "graph": ("knowledge_graph.commands.graph", "graph_app", "Build, query and export the knowledge graph."),
    "constraints": (
        "eval.commands.constraints_ledger",
        "app",
        "Quantities in texts and the ledger: read, link, measure.",
    ),
    "policies": ("eval.commands.policies", "app", "Criteria of policies: read them from texts, measure the reading."),
    "encoder": ("training.commands.encoder", "app", "Build and evaluate the shipped text encoder."),
}


class LazyGroup(TyperGroup):
    """Imports a command's module when the command is called, so that none pays for another's libraries."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, in the order of the data."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by name, or None; for the overview, which needs names and help lines only."""
        if cmd_name not in COMMANDS:
            return None
        return typer.main.get_command(_stub(cmd_name, COMMANDS[cmd_name][2]))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return (name, command, rest of the arguments) of the command that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else _load(name), rest


def _load(name: str) -> Any:
    module, attribute, _ = COMMANDS[name]
    target = getattr(importlib.import_module(module), attribute)
    if isinstance(target, typer.Typer):
        return typer.main.get_group(target)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(target)
    return typer.main.get_command(app)


def _stub(name: str, line: str) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command(name, help=line)(lambda: None)
    return app


app = typer.Typer(
    cls=LazyGroup, add_completion=False, no_args_is_help=True, help="gongxu 供需: matching for technology transfer."
)


@app.callback()
def _root() -> None:
    """Exist: Typer makes a group only of an app that has a callback or several commands."""


def main() -> None:
    """Run the command line; an error made on purpose is one line on stderr and exit code 2."""
    from data.errors import GongxuError

    try:
        app()
    except GongxuError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)


if __name__ == "__main__":
    main()
