"""`gongxu policies`: propose criteria from texts, approve or withdraw them, list what is approved."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Policies: propose their criteria, approve and withdraw them, list what is approved.",
)

By = Annotated[str, typer.Option("--by", help="Who approves; kept with the approval.")]


@app.command("extract")
def extract_command(
    cards: Annotated[list[Path], typer.Argument(help="Policy cards or finance products: JSON lines or CSV.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON lines of proposals to write.")],
    model: Annotated[
        bool, typer.Option("--model", help="Ask the model of GONGXU_CHAT too; what it adds is marked ai_generated.")
    ] = False,
) -> None:
    """Propose the criteria of policies and products: JSON lines with status proposed, every criterion with its quote.

    A proposal counts for nothing until it is approved. Figures that no criterion quotes are pointed out.

    Examples:
      gongxu policies extract cards.jsonl -o proposals.jsonl

    """
    from data.errors import InputError, SettingsError
    from data.settings import settings
    from matcher.eligibility.kept import read_cards, write_policies
    from matcher.eligibility.model_quotes import ask_quotes, extended
    from matcher.eligibility.proposals import propose, unread_figures
    from models.remote.chat import open_chat

    chat = open_chat(settings()) if model else None
    if model and chat is None:
        raise SettingsError("--model asks the model of GONGXU_CHAT, which is empty; set it to http://HOST/v1#MODEL")
    proposals, unread = [], 0
    for path in cards:
        for where, row in read_cards(path):
            try:
                proposal = propose(row)
            except (InputError, ValueError) as error:
                raise InputError(f"{where}: {error}") from error
            if chat is not None:
                more = extended(row, proposal, ask_quotes(chat, row))
                proposal = more.policy
                for quote, why in more.dropped:
                    typer.echo(f"{proposal.policy_id}: 模型的摘录未采用（{why}）：{' '.join(quote.split())}", err=True)
            proposals.append(proposal)
            for passage in unread_figures(row, proposal):
                unread += 1
                typer.echo(f"{proposal.policy_id}: 未成为条件的数字：{' '.join(passage.split())}", err=True)
    write_policies(proposals, output)
    counted = sum(len(proposal.criteria) for proposal in proposals)
    by_model = sum(one.ai_generated for proposal in proposals for one in proposal.criteria)
    without = sum(not proposal.criteria for proposal in proposals)
    pointed = f" ({by_model} by a model)" if model else ""
    typer.echo(
        f"{output}: {len(proposals)} policies, {counted} criteria proposed{pointed}; {without} without any, "
        f"{unread} figures unread"
    )


@app.command("approve")
def approve_command(
    proposals: Annotated[Path, typer.Argument(help="JSON lines of proposals, as extracted or edited.")],
    by: By,
    policy: Annotated[list[str] | None, typer.Option(help="Only these policies; may be given several times.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write a file instead of the store.")] = None,
) -> None:
    """Approve proposals: from now on their criteria decide. What changed against the last approval is shown.

    Examples:
      gongxu policies approve proposals.jsonl --by 张三 --policy BJ024

    """
    from datetime import UTC, datetime

    from data.errors import InputError
    from data.settings import settings
    from data.store.store import Store
    from matcher.eligibility.kept import approved, changes, document_of, parsed, read_policies, write_policies

    if not by.strip():
        raise InputError("--by is empty; name who approves")
    stated = read_policies(proposals)
    chosen = [one for one in stated if not policy or one.policy_id in policy]
    missing = sorted(set(policy or ()) - {one.policy_id for one in stated})
    if missing:
        raise InputError(f"{proposals} holds no policy {missing[0]!r}")
    if output is not None:
        typer.echo(f"{output}: {write_policies(map(approved, chosen), output)} policies approved by {by}")
        return
    with Store.open(settings().store_url) as store:
        before = {(one.policy_id, one.valid_from): one for one in parsed(store.policy_criteria.latest())}
        for one in chosen:
            earlier = before.get((one.policy_id, one.valid_from))
            for line in changes(earlier, one) if earlier else []:
                typer.echo(f"{one.policy_id} {line}")
        count = store.policy_criteria.append([document_of(one, by, datetime.now(UTC)) for one in chosen])
    typer.echo(f"{count} policies approved by {by}")


@app.command("withdraw")
def withdraw_command(
    policy: Annotated[list[str], typer.Argument(help="Ids of policies whose approval ends, all versions.")], by: By
) -> None:
    """Withdraw approvals: the policies decide nothing any more; what was approved stays on record."""
    from datetime import UTC, datetime

    from data.errors import unknown_id
    from data.settings import settings
    from data.store.store import Store
    from matcher.eligibility.kept import document_of, parsed

    with Store.open(settings().store_url) as store:
        known = parsed(store.policy_criteria.latest())
        for name in policy:
            if name not in {one.policy_id for one in known}:
                raise unknown_id("approved policy", name, [one.policy_id for one in known])
        ended = [one for one in known if one.policy_id in policy]
        store.policy_criteria.append([document_of(one, by, datetime.now(UTC), withdrawn=True) for one in ended])
    typer.echo(f"{len(ended)} versions withdrawn by {by}")


@app.command("list")
def list_command() -> None:
    """List the approved policies: id, days, criteria, who approved them and when."""
    from data.settings import settings
    from data.store.store import Store
    from matcher.eligibility.kept import parsed

    with Store.open(settings().store_url) as store:
        documents = store.policy_criteria.latest()
    for document, one in zip(documents, parsed(documents), strict=True):
        days = f"{one.valid_from or '…'}–{one.valid_until or '…'}"
        typer.echo(
            f"{one.policy_id}\t{one.name}\t{days}\t{len(one.criteria)} criteria\t{document.approved_by}\t"
            f"{document.approved_at:%Y-%m-%d %H:%M}"
        )
