"""`gongxu constraints`: the figures of a text as the system reads them."""

import json
from typing import Annotated

import typer

from data.errors import InputError

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Quantities and constraints: read them, convert their units."
)


@app.command("read")
def read_command(
    text: Annotated[str, typer.Argument(help="A text, or - for standard input.")],
    side: Annotated[str, typer.Option(help="Whose text it is: demand or supply.")] = "demand",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Print the quantities of a text: quote, parameter, comparator, values, unit, canonical values, role."""
    import sys
    from dataclasses import asdict

    from knowledge_graph.quantities import extract

    if side not in ("demand", "supply"):
        raise InputError(f"--side is {side!r}; it must be demand or supply")
    content = sys.stdin.read() if text == "-" else text
    for quantity in extract(content, "demand" if side == "demand" else "supply"):
        if as_json:
            typer.echo(json.dumps(asdict(quantity), ensure_ascii=False))
            continue
        values = "–".join(f"{value:g}" for value in quantity.values)
        canonical = ", ".join("…" if end is None else f"{end:g}" for end in quantity.canonical)
        typer.echo(
            f"{quantity.start}-{quantity.end}\t{quantity.quote}\t{quantity.parameter or '–'}\t{quantity.op} {values} "
            f"{quantity.unit}\t[{canonical}] {quantity.canonical_unit}\t{quantity.role}"
        )


@app.command("convert")
def convert_command(value: float, unit: str, into: str) -> None:
    """Convert a value between units as texts write them: gongxu constraints convert 1.8 克/立方厘米 kg/m3."""
    from knowledge_graph.quantities.units import convert

    converted = convert(value, unit, into)
    if converted is None:
        raise InputError(f"{unit!r} and {into!r} do not measure the same, or one of them is unknown")
    typer.echo(f"{converted:g}")
