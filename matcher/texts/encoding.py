"""The encoder that a store's texts are read with."""

from collections.abc import Sequence

from data.cluster.workers import THIS_PROCESS, Workers
from data.records import Achievement, Demand
from data.settings import Settings
from matcher.texts.space import record_text
from models.encoder.adaptation import adapt
from models.encoder.base import CONTEXTUAL_DIRECTORY, DEFAULT_NAME, Encoder, load_encoder
from models.encoder.contextual import ContextualEncoder
from models.encoder.static import StaticEncoder
from models.encoder.vector_cache import CachedEncoder

NO_ENCODER = "none"


def contextual_encoder(settings: Settings, workers: Workers = THIS_PROCESS) -> Encoder | None:
    """Return the second stage's encoder of the settings, which keeps the vectors of what it read; None for "none".

    `workers` encode, where the vector of a text hangs on that text alone, whatever else is encoded with it.
    """
    if settings.contextual_encoder == NO_ENCODER:
        return None
    shipped = settings.contextual_encoder == DEFAULT_NAME
    encoder = load_encoder(str(CONTEXTUAL_DIRECTORY) if shipped else settings.contextual_encoder)
    return CachedEncoder(encoder, settings.vectors, workers=workers if isinstance(encoder, ContextualEncoder) else None)


def store_encoder(settings: Settings, demands: Sequence[Demand], achievements: Sequence[Achievement]) -> Encoder:
    """Return the encoder of the settings; a static one is adapted to the store's texts, any other caches its vectors."""
    encoder = load_encoder(
        settings.encoder,
        query_prefix=settings.encoder_query_prefix,
        passage_prefix=settings.encoder_passage_prefix,
        max_length=settings.encoder_max_length,
        batch_size=settings.encoder_batch_size,
    )
    if not isinstance(encoder, StaticEncoder):
        return CachedEncoder(encoder, settings.vectors)
    if not settings.encoder_adapt:
        return encoder
    wanted = [record_text(record).full for record in demands]
    return adapt(encoder, wanted, [record_text(record).full for record in achievements])
