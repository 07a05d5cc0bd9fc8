"""`gongxu operators`: parses arguments, makes, lists and changes those who may sign in to the dashboard."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serving.dashboard.accounts.access import Role

app = typer.Typer(help="Operators of the dashboard.", no_args_is_help=True, rich_markup_mode=None)
NameArgument = Annotated[str, typer.Argument(help="Name to sign in with.")]
RoleOption = Annotated[
    str, typer.Option(help="viewer (looks), reviewer (also judges), manager (also merges, promotes).")
]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command("add")
def add_command(name: NameArgument, role: RoleOption, password_stdin: StdinOption = False) -> None:
    """Make an operator and print a new password, alone on the last line, this once; or take one from standard input.

    Examples:
      gongxu operators add zhang.wei --role manager

      printf %s "$PASSWORD" | gongxu operators add li.na --role reviewer --password-stdin

    """
    from datetime import UTC, datetime

    from data.settings import settings
    from data.store.keys import AuditEntry
    from data.store.operators import Operator
    from data.store.store import Store
    from serving.dashboard.accounts.access import ROLE_NAMES, hash_password, require_name

    chosen = _role(role)
    now = datetime.now(UTC)
    require_name(name)
    password = _password(password_stdin)
    with Store.open(settings().store_url) as store:
        store.operators.add(Operator(name, chosen.value, hash_password(password), now))
        store.api_keys.note(AuditEntry(now, "command line", "operators.add", f"{name}（{ROLE_NAMES[chosen]}）"))
    _tell(f"操作员 {name}（{chosen.value}）已创建，登录地址：服务地址/dashboard", password, password_stdin)


@app.command("password")
def password_command(name: NameArgument, password_stdin: StdinOption = False) -> None:
    """Give an operator a new password; ends their sessions and opens a locked account.

    Example:
      gongxu operators password li.na

    """
    from serving.dashboard.accounts.access import hash_password

    password = _password(password_stdin)
    _change(name, "operators.password", name, password_hash=hash_password(password), failures=0, locked_until=None)
    _tell(f"操作员 {name} 的密码已更换", password, password_stdin)


@app.command("role")
def role_command(name: NameArgument, role: RoleOption) -> None:
    """Give an operator another role; ends their sessions.

    Example:
      gongxu operators role li.na --role manager

    """
    from serving.dashboard.accounts.access import ROLE_NAMES

    chosen = _role(role)
    _change(name, "operators.role", f"{name}（{ROLE_NAMES[chosen]}）", role=chosen.value)
    typer.echo(f"操作员 {name} 的角色已改为 {chosen.value}。")


@app.command("disable")
def disable_command(name: NameArgument) -> None:
    """Let an operator sign in no more; ends their sessions. What they did stays in the audit trail.

    Example:
      gongxu operators disable li.na

    """
    from datetime import UTC, datetime

    _change(name, "operators.disable", name, disabled_at=datetime.now(UTC))
    typer.echo(f"操作员 {name} 已停用。")


@app.command("enable")
def enable_command(name: NameArgument) -> None:
    """Let a disabled operator sign in again.

    Example:
      gongxu operators enable li.na

    """
    _change(name, "operators.enable", name, disabled_at=None, failures=0, locked_until=None)
    typer.echo(f"操作员 {name} 已启用。")


@app.command("list")
def list_command(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List all operators: name, role, state, how they sign in.

    Example:
      gongxu operators list

    """
    from datetime import UTC, datetime

    from data.settings import settings
    from data.store.store import Store

    now = datetime.now(UTC)
    with Store.open(settings().store_url, create=False) as store:
        found = store.operators.all()
    rows = []
    for one in found:
        locked = one.locked_until is not None and now < one.locked_until
        state = "停用" if one.disabled_at else "锁定" if locked else "正常"
        how = "统一身份" if one.subject and not one.password_hash else "密码"
        moment = one.created_at.isoformat()
        rows.append({"name": one.name, "role": one.role, "state": state, "sign_in": how, "created_at": moment})
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        typer.echo("尚无操作员。用 gongxu operators add 名字 --role manager 创建。")
    for row in rows:
        typer.echo(f"{row['name']}  {row['role']}  {row['state']}  {row['sign_in']}  创建于 {row['created_at'][:10]}")


def _role(role: str) -> "Role":
    from data.errors import InputError
    from serving.dashboard.accounts.access import Role

    if role not in set(Role):
        raise InputError(f"--role {role!r} is none of {', '.join(Role)}")
    return Role(role)


def _password(from_stdin: bool) -> str:
    from serving.dashboard.accounts.access import new_password, require_password

    return require_password(sys.stdin.readline().rstrip("\r\n")) if from_stdin else new_password()


def _tell(text: str, password: str, known: bool) -> None:
    typer.echo(f"{text}。" if known else f"{text}。请立即妥善保存密码，之后无法再次查看：")
    if not known:
        typer.echo(password)


def _change(name: str, action: str, subject: str, **values: object) -> None:
    from datetime import UTC, datetime

    from data.settings import settings
    from data.store.keys import AuditEntry
    from data.store.store import Store

    with Store.open(settings().store_url, create=False) as store:
        store.operators.change(name, **values)
        store.api_keys.note(AuditEntry(datetime.now(UTC), "command line", action, subject))
