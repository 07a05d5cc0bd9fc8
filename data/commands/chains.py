"""`gongxu graph chain`: imports, lists and removes industry chains."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def chain_command(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Tables of nodes, and of links to what is upstream.", show_default=False)
    ] = None,
    chain_id: Annotated[str, typer.Option("--id", help="Id of the chain: a-z, 0-9, - and _.")] = "",
    name: Annotated[str, typer.Option(help="Its name; default: the id.")] = "",
    standard: Annotated[bool, typer.Option("--gbt4754", help="Sections and divisions of GB/T 4754.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the chain out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import an industry chain, in the place of the one with its id; without files list those that are there.

    Examples:
      gongxu graph chain 环节.csv 上下游.csv --id battery --name 动力电池

      gongxu graph chain --gbt4754 --id gbt4754 --name 国民经济行业

    """
    from datetime import UTC, datetime

    from data.errors import InputError
    from data.files.chain_files import read_chain
    from data.settings import settings
    from data.store.store import Store

    if (files or standard or remove) and not _ID.fullmatch(chain_id):
        raise InputError(
            f"--id {chain_id!r} is no id; give 1 to 40 of a-z, 0-9, - and _",
            f"--id “{chain_id}”无效；请用 1–40 个小写字母、数字、- 或 _",
        )
    if sum((bool(files), standard, remove)) > 1:
        raise InputError(
            "files, --gbt4754 and --remove exclude each other; give one", "文件、--gbt4754 和 --remove 只能给一项"
        )
    if standard:
        from importlib.resources import as_file

        from data.taxonomy.tables import shipped

        with as_file(shipped("industries.csv")) as path:
            read = read_chain([path], chain_id, name or chain_id)
    elif files:
        read = read_chain(files, chain_id, name or chain_id)
    else:
        with Store.open(settings().store_url, create=False) as store:
            if remove:
                store.chains.remove(chain_id)
                typer.echo(f"产业链 {chain_id} 已删除")
                return
            known = store.chains.all()
        if as_json:
            typer.echo(json.dumps([vars(one) | {"imported_at": one.imported_at.isoformat()} for one in known]))
            return
        for one in known:
            typer.echo(f"{one.id} {one.name}：{one.nodes:,} 个环节，{one.links:,} 条上下游关系")
        if not known:
            typer.echo("还没有导入产业链")
        return
    chain = read.chain
    with Store.open(settings().store_url) as store:
        changed = store.chains.put(chain, datetime.now(UTC))
    if as_json:
        counts = {"nodes": len(chain.nodes), "links": len(chain.links)}
        typer.echo(json.dumps({"id": chain.id, **counts, "changed": changed, "notes": read.notes}, ensure_ascii=False))
        return
    coded = sum(bool(one.industry) for one in chain.nodes)
    typer.echo(
        f"产业链 {chain.id} {chain.name}：{len(chain.nodes):,} 个环节（{coded:,} 个有行业代码），"
        f"{len(chain.links):,} 条上下游关系{'' if changed else '，与已有的相同'}"
    )
    for note in read.notes:
        typer.echo(note)
