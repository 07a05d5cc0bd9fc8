"""The shipped encoder's recipe on small authored material: split, tokenizer, distillation, training, fine-tuning."""

import csv
import json
from pathlib import Path

import jieba
import numpy as np
import pytest

from data.errors import InputError, NotFoundError
from eval.metrics.bootstrap import Estimate
from models.encoder.base import load_encoder
from models.encoder.static import fold
from tests.some import some
from training.encoder.build import BuildSettings, export, publish, token_counts
from training.encoder.card import model_card, table
from training.encoder.corpus import Corpus, Paper, is_held_out, read_corpus, sentences
from training.encoder.evaluate import Row, bm25, character_tfidf, cosine, title_recall
from training.encoder.finetune import FIGURES_FILE, FinetuneSettings, finetune, split_by_demand
from training.encoder.token_table import distil
from training.encoder.vocabulary import (
    UNKNOWN,
    build_tokenizer,
    choose_pieces,
    document_frequencies,
    remaining_characters,
)

TOPICS = {
    "污泥": (["污泥", "干化", "脱水", "含水率", "污水", "沉淀", "曝气", "滤饼"], "污水处理厂"),
    "电池": (["锂离子", "电池", "正极", "负极", "电解液", "隔膜", "充电", "容量"], "储能"),
    "小麦": (["小麦", "育种", "抗病", "产量", "品种", "杂交", "籽粒", "播种"], "农业"),
    "轴承": (["轴承", "故障", "诊断", "振动", "信号", "齿轮", "转子", "磨损"], "机械"),
}


def papers(count: int = 160) -> list[Paper]:
    """Write papers of four topics whose title and abstract share the topic, but not always a word."""
    draw = np.random.default_rng(0)
    written = []
    for i in range(count):
        name, (words, field) = list(TOPICS.items())[i % len(TOPICS)]
        chosen = [str(word) for word in draw.choice(words, 5, replace=False)]
        abstract = (
            f"为解决{field}中的问题，研究了{chosen[2]}与{chosen[3]}。结果表明{chosen[4]}得到改善，适用于{field}。"
        )
        written.append(Paper(f"p{i}", f"{chosen[0]}{chosen[1]}研究", abstract, (name, chosen[2])))
    return written


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(tuple(papers()), (), ())


def write_corpus(folder: Path, rows: dict[str, list[dict[str, str]]]) -> Path:
    (folder / "corpus").mkdir()
    for name in ("chinaxiv_zh_01", "chinaxiv_zh_02", "csl_titles_8000", "csl_full_dev"):
        with (folder / "corpus" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["id", "title", "abstract", "keywords"])
            writer.writeheader()
            writer.writerows(rows.get(name, []))
    return folder


def test_nothing_held_out_is_trained_on(tmp_path: Path) -> None:
    chinaxiv = [{"id": f"c{i}", "title": f"题目{i}", "abstract": "摘要", "keywords": "甲;乙"} for i in range(200)]
    held_out = [row for row in chinaxiv if is_held_out(row["id"])]
    again = [{"id": "other-version", "title": held_out[0]["title"]}, {"id": "t1", "title": "独立 题目"}]
    dev = [{"id": "d1", "title": "题目 ＡＢ"}]
    titles = [*again, {"id": "t2", "title": "题目 ab"}, {"id": "t3", "title": "独立 题目"}]
    folder = write_corpus(tmp_path, {"chinaxiv_zh_01": chinaxiv, "csl_titles_8000": titles, "csl_full_dev": dev})
    found = read_corpus(folder)
    assert 8 <= len(found.chinaxiv_held_out) <= 35
    assert [paper.paper_id for paper in found.csl_held_out] == ["d1"]
    trained = {fold(paper.title) for paper in found.train}
    assert not trained & {fold(paper.title) for paper in (*found.chinaxiv_held_out, *found.csl_held_out)}
    assert len(found.train) == 200 - len(found.chinaxiv_held_out) + 1
    assert found.train[0].keywords == ("甲", "乙")


def test_a_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="GONGXU_SHARED_DATA"):
        read_corpus(tmp_path)


def test_sentences_lose_nothing() -> None:
    text = "第一句话说明背景情况。短。第二句话给出方法和结果；结论！"
    assert "".join(sentences(text)) == text
    assert len(sentences(text)) == 2


def test_the_tokenizer_segments_as_jieba_does(corpus: Corpus) -> None:
    texts = [fold(f"{paper.title}。{paper.abstract}") for paper in corpus.train]
    tokenizer = build_tokenizer(choose_pieces(document_frequencies(texts), [], 20_000))
    jieba.setLogLevel("ERROR")
    for text in some(texts[:40]):
        own = [token for token in tokenizer.encode(text).tokens if token not in (UNKNOWN, "。", "，")]
        assert own == [word for word in jieba.lcut(text, HMM=False) if word not in ("。", "，")]


def test_vocabulary_takes_latin_words_and_new_keywords_but_no_rare_ones() -> None:
    counts = document_frequencies(["采用pcr检测", "pcr扩增", "荧光pcr", "qwx检测"])
    pieces = {piece.text for piece in choose_pieces(counts, ["碳点酶", "碳点酶", "钠点酶"], 5000)}
    assert {"pcr", "碳点酶", "检测"} <= pieces
    assert not {"qwx", "钠点酶"} & pieces
    assert len(pieces) == 5000
    rest = {piece.text for piece in remaining_characters(choose_pieces(counts, [], 5000))}
    assert "龘" in rest | pieces
    assert not rest & pieces


def test_distillation_keeps_the_teachers_geometry_and_weighs_rare_words_more() -> None:
    draw = np.random.default_rng(0)
    plane = draw.normal(size=(40, 2)) @ draw.normal(size=(2, 12)) + 5
    counts = np.array([0, *range(40, 0, -1)])
    start = distil(plane.astype(np.float32), counts, 2)
    vectors = start.vectors @ start.projection
    assert np.allclose(vectors[0], 0)
    assert np.allclose(vectors[1:].mean(axis=0), 0, atol=1e-5)
    assert (np.diff(start.log_weights[1:]) > 0).all()
    centred = plane - plane.mean(axis=0)
    true, kept = (np.corrcoef(rows)[np.triu_indices(40, 1)] for rows in (centred, vectors[1:] @ np.eye(2)))
    assert vectors.shape == (41, 2)
    assert np.isfinite(true).all()
    assert np.isfinite(kept).all()


def test_training_brings_titles_to_their_abstracts_topic(corpus: Corpus, monkeypatch) -> None:
    pytest.importorskip("accelerate", reason="training packages: sentence-transformers[train]")
    pytest.importorskip("datasets", reason="training packages: sentence-transformers[train]")
    from training.encoder import contrastive

    texts = [fold(f"{paper.title}。{paper.abstract}") for paper in corpus.train]
    pieces = choose_pieces(document_frequencies(texts), [], 300)
    tokenizer = build_tokenizer(pieces)
    draw = np.random.default_rng(0)
    teacher = draw.normal(size=(len(pieces), 24)).astype(np.float32)
    taught = draw.normal(size=(len(corpus.train), 24)).astype(np.float32)
    start = distil(teacher, token_counts(tokenizer, corpus), 16)
    monkeypatch.setattr(contrastive, "BATCH_SIZE", 32)
    monkeypatch.setattr(contrastive, "EPOCHS", 10)
    tables = [contrastive.train(tokenizer, start, corpus.train, taught, seed=1) for _ in range(2)]
    np.testing.assert_array_equal(tables[0], tables[1])
    untrained = start.vectors @ start.projection * np.exp(start.log_weights)[:, None]

    def gap(vectors: np.ndarray) -> float:
        encoder = export(pieces, vectors.astype(np.float32), 0)
        similar = cosine(encoder)([p.title for p in corpus.train], [p.abstract for p in corpus.train])
        same = np.arange(len(corpus.train))[:, None] % 4 == np.arange(len(corpus.train))[None, :] % 4
        return float(similar[same].mean() - similar[~same].mean())

    assert gap(tables[0]) > gap(untrained) + 0.1
    assert not tables[0][0].any()


def test_export_knows_every_character_and_publishes_a_card(tmp_path: Path, corpus: Corpus) -> None:
    texts = [fold(paper.title) for paper in corpus.train]
    pieces = choose_pieces(document_frequencies(texts), [], 100)
    vectors = np.random.default_rng(0).normal(size=(101, 8)).astype(np.float32)
    vectors[0] = 0
    encoder = export(pieces, vectors, seed=3)
    assert 0 not in encoder.token_ids(["龘靐齉"])[0]
    np.testing.assert_allclose(encoder.token_vectors(np.arange(101)), vectors, atol=0.02)
    row = Row("encoder", *(Estimate(0.5, 0.4, 0.6) for _ in range(5)))
    publish(encoder, tmp_path / "model", model_card(encoder, BuildSettings(), [row], 30_000))
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert table([row]) in card
    assert "| encoder | 0.500 [0.400, 0.600] |" in card
    assert load_encoder(str(tmp_path / "model")).digest == encoder.digest


def test_title_recall_counts_ties_against() -> None:
    papers = [Paper(str(i), f"题{i}", f"摘要{i}") for i in range(20)]

    def own(queries, passages):
        return np.eye(len(queries), len(passages), dtype=np.float32)

    assert title_recall(papers, own).value == 1.0
    assert title_recall(papers, lambda q, p: np.zeros((len(q), len(p)), dtype=np.float32)).value == 0.0


@pytest.mark.parametrize("similarity", [bm25, character_tfidf])
def test_baselines_find_shared_words(similarity) -> None:
    scores = similarity(["污泥干化设备"], ["小麦抗病育种", "低温污泥干化装置", "锂电池材料"])
    assert scores.shape == (1, 3)
    assert scores.argmax() == 1


def outcomes() -> list[tuple[str, str, float]]:
    """A store whose demands are answered by achievements that share no word with them: only outcomes tell."""
    answers = {"除湿": "小麦", "降噪": "污泥", "提速": "轴承", "保鲜": "电池"}
    draw = np.random.default_rng(0)
    pairs = []
    for i in range(80):
        need, topic = list(answers.items())[i % 4]
        demand = f"第{i}车间{need}需求"
        for name, (words, _) in TOPICS.items():
            for _ in range(2):
                first, second = draw.choice(words, 2, replace=False)
                pairs.append((demand, f"{first}{second}技术", 4.0 if name == topic else 0.0))
    return pairs


def test_finetuning_learns_what_only_outcomes_tell(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="training packages: sentence-transformers[train]")
    pytest.importorskip("datasets", reason="training packages: sentence-transformers[train]")
    encoder = load_encoder("default", query_prefix="需求：")
    out = finetune(encoder, outcomes(), tmp_path / "tuned", FinetuneSettings(learning_rate=1e-3))
    figures = json.loads((out / FIGURES_FILE).read_text(encoding="utf-8"))
    assert figures["after"]["auc2"]["value"] > figures["before"]["auc2"]["value"] + 0.1
    tuned = load_encoder(str(out))
    assert tuned.dimension == encoder.dimension
    assert tuned.digest != encoder.digest


def test_a_demand_is_on_one_side_of_the_split() -> None:
    train, test = split_by_demand(outcomes(), FinetuneSettings())
    assert not {pair[0] for pair in train} & {pair[0] for pair in test}
    assert len(train) + len(test) == len(outcomes())


def test_too_few_outcomes_are_told() -> None:
    with pytest.raises(InputError, match="needs 10"):
        split_by_demand([("需求", "成果", 4.0)], FinetuneSettings())
