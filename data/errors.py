"""The error family: every failure a user can cause or meet has one clear line saying what, why and the way out."""

from collections.abc import Iterable
from difflib import get_close_matches

_KINDS = {
    "demand": "需求",
    "achievement": "成果",
    "service": "科技服务",
    "expert": "专家",
    "equipment": "仪器设备",
    "institution": "机构",
    "policy": "政策",
    "finance_product": "金融产品",
    "firm": "企业",
    "broker": "技术经理人",
}


class GongxuError(Exception):
    """Base of all errors raised on purpose; its text is one line fit to be shown to the user, `chinese` the same in Chinese."""

    exit_code = 2
    """How the command line ends."""

    def __init__(self, message: str, chinese: str = "") -> None:
        super().__init__(message)
        self.chinese = chinese


def first_line(error: BaseException) -> str:
    """Return what a library's error says in its first line, the error's name where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class SettingsError(GongxuError):
    """A setting is unknown or has a value that cannot be used."""


class InputError(GongxuError):
    """What the user handed in (argument, file, record, request) cannot be used."""


class NotFoundError(InputError):
    """A record, file or bundle that was asked for does not exist; `nearest` are ids that look like the one wanted."""

    def __init__(self, message: str, nearest: tuple[str, ...] = (), chinese: str = "") -> None:
        super().__init__(message, chinese)
        self.nearest = nearest


class ConflictError(InputError):
    """Somebody else changed the same thing meanwhile; the message says who did what."""


class StoreError(GongxuError):
    """The database cannot be reached, is locked, or holds another schema."""


class ImportStoppedError(GongxuError):
    """An import ended before its end, with a part of its rows written; running it again completes it."""

    exit_code = 4


class ClusterError(GongxuError):
    """A cluster cannot be reached, runs another version, or could not do a part of the work; nothing was published."""


class ShardedError(GongxuError):
    """What was asked for needs all records, and this process asks shards that hold a part each."""


class BundleError(GongxuError):
    """A bundle is missing, damaged, or built for another version or feature table."""


class BundleFormatError(BundleError):
    """A bundle was written in the format of another release."""


class EncoderError(GongxuError):
    """A text encoder cannot be loaded or does not fit the bundle that needs it."""


class ModelUnavailableError(GongxuError):
    """A model behind an endpoint gave no usable answer in time.

    `outcome` says why in one word (late, open, spent …), `status` is that of an HTTP answer that was refused.
    """

    def __init__(self, message: str, outcome: str, chinese: str = "", status: int = 0) -> None:
        super().__init__(message, chinese)
        self.outcome = outcome
        self.status = status


def unknown_id(kind: str, wanted: str, known: Iterable[str]) -> NotFoundError:
    """Return the error for an id that does not exist, naming up to three of `known` that look most like it.

    `kind` is the record's kind as the user calls it ("demand"); `known` may be large, only its first 200,000 are read.
    """
    pool = [identifier for _, identifier in zip(range(200_000), known, strict=False)]
    near = [identifier for identifier in pool if identifier.startswith(wanted)][:3] if wanted else []
    near = near or get_close_matches(wanted, pool[:20_000], n=3, cutoff=0.3) or pool[:3]
    hint = f"; nearest ids: {', '.join(near)}" if near else "; the store holds none, run `gongxu import` first"
    named = _KINDS.get(kind, kind)
    chinese = f"没有编号为“{wanted}”的{named}" + (
        f"；相近的编号：{'、'.join(near)}" if near else f"；库中还没有{named}"
    )
    return NotFoundError(f"no {kind} with id {wanted!r}{hint}", tuple(near), chinese)
