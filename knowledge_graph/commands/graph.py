"""`gongxu graph`: parses arguments, shows progress, prints results; the work is done in the rest of the room."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from knowledge_graph.commands.output import console, print_json, print_rows, print_stats

if TYPE_CHECKING:
    from knowledge_graph.graph import KnowledgeGraph

graph_app = typer.Typer(
    name="graph",
    help="The knowledge graph: build it, look into it, ask it for gaps and reasons, export it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

GraphOption = Annotated[
    Path | None,
    typer.Option(
        "--graph",
        help="Folder of the graph; default: GONGXU_HOME/graph, else the current bundle's.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1_000, help="Rows to print.")]


class ExportFormat(StrEnum):
    """What `export` writes."""

    GRAPHML = "graphml"
    JSON = "json"
    CSV = "csv"


@graph_app.command("stats")
def stats_command(graph: GraphOption = None, as_json: JsonOption = False) -> None:
    """Print the graph's size: records, terms by type, relations by kind, what is known of the records.

    Example:
      gongxu graph stats --json

    """
    folder = graph or _default_folder()
    print_stats(_load(folder), folder, as_json=as_json)


@graph_app.command("term")
def term_command(
    term: Annotated[str, typer.Argument(help="A term, such as 隔膜.")],
    limit: LimitOption = 20,
    graph: GraphOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a term: its type, the records that hold it, its neighbours with their evidence.

    Example:
      gongxu graph term 污泥干化 --limit 10

    """
    from dataclasses import asdict

    from knowledge_graph.queries.supply import term_card

    card = term_card(_load(graph or _default_folder()), term, limit)
    if as_json:
        print_json(asdict(card))
        return
    terminal = console()
    stages = f"；产业链环节：{'、'.join(card.stages)}" if card.stages else ""
    terminal.print(f"“{card.term}”（{card.type}）：成果 {card.achievements:,} 项，需求 {card.demands:,} 项{stages}")
    rows = [(item.term, item.relation, f"{item.strength:.2f}", item.evidence) for item in card.neighbours]
    print_rows(terminal, "相邻的术语", ("术语", "关系", "强度", "依据"), rows)


@graph_app.command("path")
def path_command(
    demand: Annotated[str, typer.Argument(help="Id of a demand.")],
    achievement: Annotated[str, typer.Argument(help="Id of an achievement.")],
    limit: LimitOption = 3,
    graph: GraphOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the strongest paths between a demand and an achievement, with their evidence.

    Examples:
      gongxu graph path D1 A1

      gongxu graph path D1 A1 --json     adds the subgraph, ready to be drawn

    """
    from data.errors import unknown_id
    from knowledge_graph.reading.paths import drawing

    known = _load(graph or _default_folder())
    for kind, wanted, ids in (
        ("demand", demand, known.demand_ids),
        ("achievement", achievement, known.achievement_ids),
    ):
        if wanted not in ids:
            raise unknown_id(kind, wanted, ids)
    row, offer = known.demand_ids.index(demand), known.achievement_ids.index(achievement)
    paths = known.paths(known.demand(row), offer, limit, demand_id=demand, demand_title=known.demand_titles[row])
    if as_json:
        print_json({"paths": [path.as_json() for path in paths], "subgraph": drawing(paths)})
        return
    terminal = console()
    if not paths:
        terminal.print("图谱中没有连接二者的路径。")
    for number, path in enumerate(paths, start=1):
        terminal.print(f"{number}. {path.text}（强度 {path.strength:.3f}）", markup=False)
        terminal.print(f"   依据：{path.evidence}", markup=False)


@graph_app.command("gaps")
def gaps_command(
    region: Annotated[str, typer.Option(help="Demands of this region, by name or code.")] = "",
    industry: Annotated[str, typer.Option(help="Demands of this industry, by GB/T 4754 letter or code.")] = "",
    stages: Annotated[bool, typer.Option("--stages", help="By industry-chain stage instead of term.")] = False,
    surplus: Annotated[bool, typer.Option("--surplus", help="Over-supply instead of gaps.")] = False,
    limit: LimitOption = 20,
    graph: GraphOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print where open demands find few achievements, weighted by budget.

    Examples:
      gongxu graph gaps --region 河南 --limit 10

      gongxu graph gaps --industry C --stages

    """
    from dataclasses import asdict

    from knowledge_graph.queries.supply import balances

    found = balances(_load(graph or _default_folder()), region=region, industry=industry, stages=stages)
    chosen = [row for row in reversed(found) if row.score < 0] if surplus else [row for row in found if row.score > 0]
    if as_json:
        print_json([asdict(row) for row in chosen[:limit]])
        return
    rows = [
        (row.name, f"{row.demands:,}", f"{row.achievements:,}", f"{row.budget:,.0f}", f"{row.score:,.1f}")
        for row in chosen[:limit]
    ]
    title = "供给过剩" if surplus else "供给缺口"
    print_rows(console(), title, ("环节" if stages else "术语", "需求", "成果", "预算（万元）", "缺口指数"), rows)


@graph_app.command("holders")
def holders_command(
    name: Annotated[str, typer.Argument(help="Name of a holder of two or more achievements, or of an expert.")],
    experts: Annotated[bool, typer.Option("--experts", help="NAME is an expert: print the most similar ones.")] = False,
    limit: LimitOption = 10,
    graph: GraphOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the holders, or the experts, whose achievements are most like those of one.

    Examples:
      gongxu graph holders 郑州大学

      gongxu graph holders --experts 张伟@郑州大学

    """
    from dataclasses import asdict

    from knowledge_graph.queries.experts import similar_experts
    from knowledge_graph.queries.supply import similar_holders

    found = (similar_experts if experts else similar_holders)(_load(graph or _default_folder()), name, limit)
    if as_json:
        print_json([asdict(row) for row in found])
        return
    rows = [(row.name, f"{row.similarity:.2f}", "、".join(row.shared)) for row in found]
    print_rows(console(), f"与“{name}”相近的{'专家' if experts else '持有人'}", ("名称", "相似度", "共同术语"), rows)


@graph_app.command("flows")
def flows_command(
    region: Annotated[str, typer.Option(help="Demands of this region, by name or code.")] = "",
    limit: LimitOption = 20,
    graph: GraphOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print which provinces' demands are best answered from which other provinces.

    Example:
      gongxu graph flows --region 河南

    """
    from dataclasses import asdict

    from knowledge_graph.queries.supply import flows

    found = flows(_load(graph or _default_folder()), region=region, limit=limit)
    if as_json:
        print_json([asdict(row) for row in found])
        return
    rows = [(row.demand_province, row.achievement_province, f"{row.answers:,}", f"{row.share:.0%}") for row in found]
    print_rows(console(), "跨区域供给", ("需求所在地", "成果所在地", "最佳应答", "占比"), rows)


@graph_app.command("export")
def export_command(
    target: Annotated[Path, typer.Argument(help="File to write; for csv a folder.")],
    kind: Annotated[
        ExportFormat, typer.Option("--format", help="GraphML, node-link JSON, or CSV for graph databases.")
    ],
    graph: GraphOption = None,
) -> None:
    """Write the whole graph for other programs.

    Examples:
      gongxu graph export graph.graphml --format graphml

      gongxu graph export folder --format csv

    """
    from knowledge_graph.queries.export import export, to_networkx

    network = to_networkx(_load(graph or _default_folder()))
    for path in export(network, target, kind.value):
        typer.echo(f"已写入 {path}（{path.stat().st_size / 2**20:.1f} MB）")
    typer.echo(f"共 {network.number_of_nodes():,} 个节点、{network.number_of_edges():,} 条边。")


def _default_folder() -> Path:
    """Return the folder of the graph built by itself, or else that of the current bundle."""
    from data.settings import settings

    alone = settings().home / "graph"
    pointer = settings().bundles / "current"  # holds the version's name; the bundle itself is the matcher's
    if (alone / "graph.json").is_file() or not pointer.is_file():
        return alone
    return settings().bundles / pointer.read_text(encoding="utf-8").strip() / "graph"


def _load(folder: Path) -> "KnowledgeGraph":
    """Read a graph; its absence is the user's to mend."""
    from data.errors import NotFoundError
    from knowledge_graph.graph import KnowledgeGraph

    if not (folder / "graph.json").is_file():
        raise NotFoundError(
            f"no graph in {folder}; run `gongxu build` or `gongxu graph build`, or name its folder with --graph"
        )
    return KnowledgeGraph.load(folder)
