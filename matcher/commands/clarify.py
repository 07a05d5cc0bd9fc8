"""`gongxu clarify`: how complete a demand is, what to ask about it, and what an answer changes."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from data.records import Demand
    from matcher.clarification.completeness import Completeness
    from matcher.clarification.questions import Question
    from matcher.engine import Engine
    from matcher.recommendation import RequirementCheck


def clarify(
    demand: Annotated[str, typer.Option(help="Id of a stored demand.")],
    answer: Annotated[
        str | None, typer.Option(help="An answer: its words or number, #2 for the second option, or 不清楚.")
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="Id of the question answered; the one most worth asking by default.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who answers; kept with the answer.")] = "",
    top: Annotated[int, typer.Option(help="How many questions to show.", min=1, max=12)] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show what a demand lacks and the questions whose answers would change its list most; take an answer.

    An answer is kept with its question, time and author, and changes the demand's structured part: the text stays as
    it was written. The list before and after it is shown.

    Examples:
      gongxu clarify --demand D000001

      gongxu clarify --demand D000001 --answer "#2" --by 张三

      gongxu clarify --demand D000001 --question limit:budget --answer 80

    """
    from datetime import UTC, datetime
    from getpass import getuser

    from data.settings import settings
    from data.store.store import Store
    from matcher.clarification.answers import clarification
    from matcher.clarification.ask import ask, best_ids
    from matcher.clarification.completeness import as_dict, completeness, completeness_path, load_weights
    from matcher.clarification.questions import question_dict
    from matcher.loading import load_engine, stored_achievements
    from matcher.rescoring import candidate_pool
    from models.threads import limit_threads

    limit_threads(settings().threads)
    weights = load_weights(completeness_path(settings()))
    with Store.open(settings().store_url, create=False) as store:
        record = store.demand(demand)
        engine = load_engine(settings(), store)
        questions: list[Question] = []
        if answer is None or question is None or answer.startswith("#"):
            pool = candidate_pool(engine, record)
            records = stored_achievements(store, best_ids(pool))
            questions = ask(engine, record, records, store.clarifications(demand), pool)
        complete = completeness(record, engine.model.graph, weights)
        if answer is None:
            shown = questions[:top]
            if as_json:
                body = {"demand_id": demand, "completeness": as_dict(complete)}
                typer.echo(json.dumps(body | {"questions": [question_dict(one) for one in shown]}, ensure_ascii=False))
            else:
                _show(record, complete, shown)
            return
        question_id, answer_text = _meant(questions, question, answer)
        given = clarification(record, question_id, answer_text, by or getuser(), datetime.now(UTC))
        before = _titles(engine, record)
        clarified = store.clarify(given)
        engine.upsert_demands([clarified])
        after = _titles(engine, clarified)
        complete = completeness(clarified, engine.model.graph, weights)
    if as_json:
        report: dict[str, Any] = {
            "demand_id": demand,
            "clarification": given.model_dump(mode="json", exclude_defaults=True),
            "completeness": as_dict(complete),
            "before": before,
            "after": after,
        }
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    typer.echo(f"已记录：{given.question} {given.answer}（{given.actor}）")
    typer.echo(complete.text)
    known = {item["id"] for item in before}
    typer.echo(f"推荐的前 {len(after)} 项中有 {sum(item['id'] not in known for item in after)} 项是新的：")
    for rank, item in enumerate(after, start=1):
        typer.echo(f"{rank:>3}. {'新 ' if item['id'] not in known else '   '}{item['title']}  {item['id']}")
        for check in item["requirements"]:
            typer.echo(f"        {check['text']}")


def _meant(questions: "list[Question]", question_id: str | None, answer: str) -> tuple[str, str]:
    """Return the question and the words that an answer on the command line means."""
    from data.errors import InputError
    from matcher.clarification.ask import find_question

    if question_id is not None and not answer.startswith("#"):
        return question_id, answer
    if not questions:
        raise InputError("there is no open question about this demand; name one with --question")
    chosen = questions[0] if question_id is None else find_question(questions, question_id)
    if not answer.startswith("#"):
        return chosen.id, answer
    number = int(answer[1:]) if answer[1:].isdecimal() else 0
    if not 1 <= number <= len(chosen.options):
        raise InputError(f"--answer {answer!r} names no option; #1 to #{len(chosen.options)} do")
    return chosen.id, chosen.options[number - 1].answer


def _titles(engine: "Engine", demand: "Demand") -> list[dict[str, Any]]:
    """Return the demand's list: ids, titles, and its requirements checked against each."""
    items = engine.recommend_achievements(demand, explain=True).items
    return [
        {"id": match.id, "title": match.title, "requirements": [_render(check) for check in match.requirements]}
        for match in items
    ]


def _render(check: "RequirementCheck") -> dict[str, str]:
    required = check.required
    return {"required": required.text, "field": required.field, "status": check.status, "text": check.text}


def _show(demand: "Demand", complete: "Completeness", questions: "list[Question]") -> None:
    typer.echo(f"需求：{demand.title}  {demand.demand_id}")
    typer.echo(complete.text)
    for part in complete.parts:
        mark = "✓" if part.stated else "✗"
        typer.echo(f"  {mark} {part.title}{'：' + '；'.join(part.evidence) if part.evidence else ''}")
    if not questions:
        typer.echo("没有值得再问的问题：预计任何回答都不会改变推荐的前十项。")
    for number, question in enumerate(questions, start=1):
        typer.echo(f"\n{number}. {question.text}  [{question.id}]  预计前十项中有 {question.changed:.1f} 项会变")
        for place, option in enumerate(question.options, start=1):
            typer.echo(f"     #{place} {option.answer}（{option.probability:.0%}）")
        if question.entry:
            typer.echo(
                f"     或直接填写{'' if question.entry == 'text' else '（' + question.entry + '）'}；不知道就答“不清楚”"
            )
