"""What `gongxu evaluate --judge` needs besides the evaluation: the model, and the store that keeps its levels."""

from collections.abc import Callable
from datetime import UTC, datetime

from data.errors import SettingsError
from data.settings import Settings
from data.store.store import Store
from eval.judging.served import JudgedLists, judge_served
from eval.served.evaluation import ServedResult
from models.remote.chat import ChatModel, open_chat


def required_judge(settings: Settings) -> ChatModel:
    """Return the chat model of the settings.

    Raises:
        SettingsError: they name none, or one that cannot be used.

    """
    chat = open_chat(settings)
    if chat is None:
        raise SettingsError("--judge asks the model of GONGXU_CHAT, which is empty; set it to http://HOST/v1#MODEL")
    return chat


def judged_lists(
    settings: Settings, result: ServedResult, chat: ChatModel, sample: int, progress: Callable[[str], None]
) -> JudgedLists:
    """Return what a model made of served lists; its levels are kept in the store of the settings."""
    with Store.open(settings.store_url) as store:
        return judge_served(
            result,
            chat,
            store.model_levels,
            datetime.now(UTC),
            sample=sample,
            step=lambda share: progress(f"judge {share:.0%}"),
        )
