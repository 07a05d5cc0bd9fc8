"""`gongxu lab levels`: parses arguments, writes and reads files of levels."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def levels_command(
    export: Annotated[Path | None, typer.Option(help="Write levels to this CSV file.")] = None,
    read: Annotated[Path | None, typer.Option("--import", help="Read models' levels from such a file.")] = None,
    by: Annotated[Literal["models", "people"], typer.Option(help="Whose levels are written.")] = "models",
) -> None:
    """Export the levels that models or people gave, import those of models; people's are imported by `gongxu import`.

    Examples:
      gongxu lab levels --export levels.csv

      gongxu lab levels --export people.csv --by people

      gongxu lab levels --import levels.csv

    """
    from data.errors import InputError
    from data.settings import settings
    from data.store.store import Store
    from eval.judging.files import model_levels_csv, people_levels_csv, read_model_levels

    if (export is None) == (read is None):
        raise InputError("give --export FILE or --import FILE")
    with Store.open(settings().store_url, create=read is not None) as store:
        if read is not None:
            found = read_model_levels(read)
            typer.echo(f"{read}：{len(found)} 条模型评级，新增 {store.model_levels.keep(found)} 条")
        elif export is not None:
            text = model_levels_csv(store) if by == "models" else people_levels_csv(store)
            export.write_text(text, encoding="utf-8")
            typer.echo(f"已写入 {export}：{text.count(chr(10)) - 1} 条")
