"""A tiny cross-encoder learns which topics please, as demands that it never saw show, and serves by its directory."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from data.errors import EncoderError, InputError
from data.records import EventKind, OutcomeEvent
from data.settings import Settings
from data.store.store import Store
from matcher.collection.columns import RecordColumns
from models.rerank.base import open_reranker
from tests.matcher.worlds import TOPICS, make_world
from training.outcomes.holdout import demand_marks
from training.reranker.finetune import RerankTuning, sampled, text_pairs, train_reranker

TUNING = RerankTuning(epochs=6, learning_rate=1e-2, max_tokens=80, batch_size=16)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A cross-encoder of one small layer that knows nothing, with a token for each character of the world's texts."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    characters = sorted({character for words in TOPICS for word in words for character in word})
    vocabulary = {token: number for number, token in enumerate(["[PAD]", "[UNK]", *characters])}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        num_labels=1,
        pad_token_id=0,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def settings(tmp_path) -> Settings:
    settings = Settings(home=tmp_path, threads=1, held_out_share=0.3)
    world = make_world(30, 12)
    d, a = world.pairs()
    rows = np.flatnonzero(np.random.default_rng(0).random(len(d)) < 0.5)
    levels = np.where(world.achievement_topic[a[rows]] < 3, 4, 1)  # half of the topics please everybody
    with Store.open(settings.store_url) as store:
        store.upsert_demands(world.demands)
        store.upsert_achievements(world.achievements)
        store.append_events(
            OutcomeEvent(
                event_id=f"e{number}",
                demand_id=world.demands[d[row]].demand_id,
                achievement_id=world.achievements[a[row]].achievement_id,
                kind=EventKind.JUDGEMENT,
                level=int(level),
            )
            for number, (row, level) in enumerate(zip(rows.tolist(), levels.tolist(), strict=True))
        )
    return settings


def test_a_tuned_reranker_orders_demands_that_it_never_saw(settings, base):
    with Store.open(settings.store_url) as store, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, on being imported
        learned, held_out = text_pairs(settings, store)
        tuned = train_reranker(settings, store, base, TUNING)
    assert not {pair.need for pair in learned} & {pair.need for pair in held_out}
    assert tuned.test_pairs == len(held_out)
    assert tuned.after["auc2"].value > max(0.8, tuned.before["auc2"].value)
    assert tuned.gain.low <= tuned.gain.value <= tuned.gain.high
    figures = json.loads((tuned.directory / "finetuning.json").read_text(encoding="utf-8"))
    assert figures["after"]["ndcg10"]["value"] == pytest.approx(tuned.after["ndcg10"].value)
    assert {path.suffix for path in tuned.directory.iterdir()} <= {".json", ".safetensors", ".md", ".txt"}
    served = open_reranker(settings.model_copy(update={"rerank": str(tuned.directory)}))
    pair = held_out[0]
    assert served.scores(pair.need, [pair.offer], 20.0).shape == (1,)


def test_the_split_is_the_one_that_decides_whether_it_serves(settings):
    with Store.open(settings.store_url) as store:
        _, held_out = text_pairs(settings, store)
        demands = list(store.demands())
    cards = RecordColumns.from_records(demands)
    marks = demand_marks(cards, np.arange(len(demands)))
    marked = {number for number, mark in enumerate(marks.tolist()) if mark < settings.held_out_share}
    assert {pair.demand for pair in held_out} == marked
    assert 5 < len(marked) < 20


def test_too_little_to_learn_from_is_named(settings, base, tmp_path):
    with Store.open(settings.store_url) as store:
        learned, _ = text_pairs(settings, store)
        with pytest.raises(InputError, match="fine-tuning needs 10"):
            sampled([pair for pair in learned if pair.demand < 5], TUNING)
        with pytest.raises(EncoderError, match=r"config\.json"):
            train_reranker(settings, store, tmp_path, TUNING)
        broken = tmp_path / "broken"
        shutil.copytree(base, broken)  # the reranker that serves refuses it in the same words
        (broken / "model.safetensors").write_bytes(b"no model")
        with pytest.raises(EncoderError, match="cannot be loaded"):
            train_reranker(settings, store, broken, TUNING)
    with pytest.raises(EncoderError, match="cannot be loaded"):
        open_reranker(settings.model_copy(update={"rerank": str(broken)}))
