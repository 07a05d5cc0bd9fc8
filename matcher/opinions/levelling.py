"""Levels of many pairs: those that are kept already, and a chat model's for the others, several at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from data.errors import ModelUnavailableError
from data.store.work.model_levels import ModelLevel
from matcher.opinions.level import LEVELS, Instruction, PairTexts, ask_level, refusal
from models.remote.chat import ChatModel

# Failures of one answer; after any other one the next pair would fare no better.
_PASSING = frozenset({"broken", "late", "busy"})
_BROKEN = "没有可用的回答"


@dataclass(frozen=True)
class Levelled:
    """Levels by the digest of the pair's texts, how many of them are new, why answers were not used, and what ended it early.

    `stopped` is "" where every pair was asked for.
    """

    levels: Mapping[str, ModelLevel]
    new: tuple[ModelLevel, ...]
    refused: Counter[str]
    stopped: str = ""


def level_pairs(
    chat: ChatModel,
    pairs: Iterable[PairTexts],
    instruction: Instruction,
    kept: Mapping[str, ModelLevel],
    now: datetime,
    step: Callable[[float], None] = lambda _: None,
) -> Levelled:
    """Return the levels of pairs; `kept` are this model's earlier ones under this instruction, by the digest of their texts.

    Equal texts are asked once; a pair of which one text may be read by nobody outside is left out. An answer that is late,
    of another form, or quotes what is not there leaves its pair without a level; a model that is away, out of budget or
    resting ends the whole. `step` is called with the share that is done.
    """
    wanted = {pair.digest: pair for pair in pairs if pair.need and pair.offer}
    found = {digest: kept[digest] for digest in wanted if digest in kept}
    missing = [pair for digest, pair in wanted.items() if digest not in found]
    new: list[ModelLevel] = []
    refused: Counter[str] = Counter()
    stopped: list[str] = []

    def ask(pair: PairTexts) -> ModelLevel | str:
        if stopped:
            return ""
        try:
            proposed = ask_level(chat, pair, instruction)
        except ModelUnavailableError as error:
            if error.outcome not in _PASSING:
                stopped.append(str(error))
                return ""
            return _BROKEN
        if why := refusal(proposed, pair):
            return why
        quotes = (
            ("", "") if proposed.level == LEVELS[0] else (proposed.need_quote.strip(), proposed.offer_quote.strip())
        )
        facts = (pair.digest, chat.name, instruction.digest, pair.demand_id, pair.achievement_id)
        return ModelLevel(*facts, proposed.level, *quotes, now)

    with ThreadPoolExecutor(chat.endpoint.limits.concurrency) as threads:
        for number, answer in enumerate(threads.map(ask, missing), 1):
            if isinstance(answer, ModelLevel):
                found[answer.texts] = answer
                new.append(answer)
            elif answer:
                refused[answer] += 1
            step(number / len(missing))
    return Levelled(found, tuple(new), refused, stopped[0] if stopped else "")
