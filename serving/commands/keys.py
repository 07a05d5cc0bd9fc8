"""`gongxu keys`: parses arguments, makes, lists and revokes API keys."""

import json
from typing import Annotated

import typer

app = typer.Typer(help="API keys of the server.", no_args_is_help=True, rich_markup_mode=None)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(help="Who will use the key; each key has its own name.")],
    role: Annotated[str, typer.Option(help="backend, operator, scientist or admin.")],
    days: Annotated[int | None, typer.Option(help="Days until it expires; default: never.")] = None,
) -> None:
    """Make a key and print it, alone on the last line. It is shown this once; only its digest is stored.

    Examples:
      gongxu keys add platform --role backend

      KEY=$(gongxu keys add nightly --role backend --days 365 | tail -n 1)

    """
    from data.errors import InputError
    from data.settings import settings
    from data.store.store import Store
    from serving.access.credentials import add_key
    from serving.access.roles import Role

    if role not in set(Role):
        raise InputError(f"--role {role!r} is none of {', '.join(Role)}")
    with Store.open(settings().store_url) as store:
        key = add_key(store, name, Role(role), days)
    typer.echo(f"密钥 {name}（{role}）已创建。请立即妥善保存，之后无法再次查看：")
    typer.echo(key)


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List all keys ever made: name, role, state. Never the keys themselves.

    Example:
      gongxu keys list

    """
    from datetime import UTC, datetime

    from data.settings import settings
    from data.store.store import Store

    now = datetime.now(UTC)
    with Store.open(settings().store_url, create=False) as store:
        keys = store.api_keys.all()
    if as_json:
        shown = [
            {
                "name": key.name,
                "role": key.role,
                "key_id": key.key_id,
                "valid": key.valid(now),
                "created_at": key.created_at.isoformat(),
                "expires_at": key.expires_at and key.expires_at.isoformat(),
                "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
            }
            for key in keys
        ]
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=1))
        return
    if not keys:
        typer.echo("尚无密钥：服务只接受本机请求。用 gongxu keys add 名称 --role backend 创建。")
    for key in keys:
        state = "已吊销" if key.revoked_at else "有效" if key.valid(now) else "已过期"
        expiry = f"，{key.expires_at:%Y-%m-%d} 到期" if key.expires_at else ""
        typer.echo(f"{key.name}  {key.role}  {state}{expiry}  创建于 {key.created_at:%Y-%m-%d}")


@app.command("revoke")
def revoke_command(name: Annotated[str, typer.Argument(help="Name of the key.")]) -> None:
    """Make a key useless; running servers know within two seconds.

    Example:
      gongxu keys revoke nightly

    """
    from data.settings import settings
    from data.store.store import Store
    from serving.access.credentials import revoke_key

    with Store.open(settings().store_url, create=False) as store:
        revoke_key(store, name)
    typer.echo(f"密钥 {name} 已吊销。")
