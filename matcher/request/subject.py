"""The record a request is about."""

from dataclasses import dataclass
from functools import cached_property

from data.errors import InputError
from data.records import Achievement, Demand
from data.text.normalise import normalise
from data.text.segment import content_words
from matcher.collection.encoded import EncodedRecords
from matcher.collection.rows import BundleRow, ViewRow
from matcher.request.state import State, side_of
from matcher.texts.space import RecordText, record_text


@dataclass(frozen=True)
class Subject:
    """The record a request is about: `view[place]` is its encoded form, `text` what it says.

    `row` is its bundle row if the bundle holds this very version.
    """

    record: Achievement | Demand
    view: EncodedRecords
    place: ViewRow
    text: RecordText
    row: BundleRow | None

    @cached_property
    def words(self) -> list[str]:
        """The content words of its full text, in order."""
        return content_words(self.text.full)


def require_text(record: Achievement | Demand) -> RecordText:
    """Return what a record says.

    Raises:
        InputError: it says nothing.

    """
    text = record_text(record)
    if not text.full:
        asked_text = normalise(record.title)[:40]
        raise InputError(
            f"the text {asked_text!r} says nothing to match by; give a title or content",
            f"文本“{asked_text}”没有可供匹配的内容；请填写名称或内容",
        )
    return text


def find_subject(state: State, record: Achievement | Demand, *, with_text: bool = True) -> Subject:
    """Return the encoded record: the stored encoding if the stored version says the same, else a fresh one.

    Raises:
        InputError: the record has no text to match by, which it must have unless `with_text` is false.

    """
    text = require_text(record) if with_text else record_text(record)
    known = stored_form(state, record, text)
    if known is not None:
        return Subject(record, known[0], known[1], text, known[2])
    encoder = state.model.record_encoder
    view = encoder.achievements([record]) if isinstance(record, Achievement) else encoder.demands([record])
    return Subject(record, view, ViewRow(0), text, None)


def stored_form(
    state: State, record: Achievement | Demand, text: RecordText
) -> tuple[EncodedRecords, ViewRow, BundleRow | None] | None:
    """Return the view and place that hold a record as it is given, and its bundle row; None where no collection does."""
    collection = state.collection(side_of(record))
    row = collection.row(record.record_id)
    if row is not None:
        view, place = collection.locate(row)
        if view.cards.describes(place, record, text):
            return view, place, collection.bundle_row(row)
    return None
