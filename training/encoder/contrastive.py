"""Contrastive training of the token table with sentence-transformers' trainer and losses."""

import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from tokenizers import Tokenizer
from torch import nn

from training.encoder.corpus import Paper, sentences
from training.encoder.token_table import Start, TokenTable
from training.encoder.trainer import arguments, require_training_packages

if TYPE_CHECKING:
    from datasets import Dataset

BATCH_SIZE = 512
EPOCHS = 3
SENTENCES_PER_PAPER = 1
# Inverse temperature. A low one asks not only for the very text but for relatives of it near by: judged relevance is
# graded, and on held-out papers of one discipline 5 did better than 10 and 20.
SCALE = 5.0
TOKEN_DROPOUT = 0.3
TEACHER_WEIGHT = 30.0
LEARNING_RATES = {"projection": 3e-4, "delta": 1e-3, "log_weights": 1e-2}


class TrainedStaticEmbedding(StaticEmbedding):
    """A static embedding whose token vectors come from a `TokenTable`.

    In training it leaves out tokens at random, so that no text is known by one word alone.
    """

    def __init__(self, tokenizer: Tokenizer, start: Start, seed: int) -> None:
        """Make the table; the embedding matrix of the class it extends is not used."""
        super().__init__(tokenizer, embedding_dim=start.projection.shape[1])
        self.embedding.requires_grad_(False)
        self.table = TokenTable(start)
        # Its own generator, so that nothing else that draws random numbers can change the training.
        self._draw = torch.Generator().manual_seed(seed)

    def preprocess(self, inputs: Any, prompt: str | None = None, **kwargs: Any) -> dict[str, torch.Tensor]:
        """Tokenize `inputs`; in training each token is dropped with probability `TOKEN_DROPOUT`."""
        features: dict[str, torch.Tensor] = super().preprocess(inputs, prompt=prompt, **kwargs)
        if not self.training:
            return features
        kept = torch.rand(len(features["input_ids"]), generator=self._draw) >= TOKEN_DROPOUT
        before = torch.cat([torch.zeros(1, dtype=torch.long), kept.cumsum(0)])
        return {"input_ids": features["input_ids"][kept], "offsets": before[features["offsets"]]}

    def forward(self, features: dict[str, torch.Tensor], **_: Any) -> dict[str, torch.Tensor]:
        """Add the texts' vectors; only the vectors of the batch's own tokens are computed."""
        ids, position = torch.unique(features["input_ids"], return_inverse=True)
        features["sentence_embedding"] = nn.functional.embedding_bag(position, self.table(ids), features["offsets"])
        return features


class TaughtRankingLoss(MultipleNegativesRankingLoss):
    """Ranking of pairs by in-batch negatives, plus the distance of the anchors' cosine matrix from the teacher's.

    The labels are the teacher's centred vectors of the papers' titles, whether the anchor is the title or the keywords
    that represent the same paper. The second term keeps what the pairs do not tell.
    """

    def compute_loss_from_embeddings(self, embeddings: list[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
        """Return the ranking loss plus `TEACHER_WEIGHT` times the mean squared difference over all pairs of anchors."""
        ranking: torch.Tensor = super().compute_loss_from_embeddings(embeddings, labels)
        own = nn.functional.normalize(embeddings[0], dim=1)
        teacher = nn.functional.normalize(labels.to(own.dtype), dim=1)
        return ranking + TEACHER_WEIGHT * ((own @ own.T - teacher @ teacher.T) ** 2).mean()


def train(
    tokenizer: Tokenizer, start: Start, papers: Sequence[Paper], taught: NDArray[np.float32], *, seed: int
) -> NDArray[np.float32]:
    """Train the token table and return it, shape (tokens, dimension).

    `papers` have abstracts; `taught` holds the teacher's vector of every paper's title, shape (papers, d).

    Raises:
        EncoderError: the training packages are not installed.

    """
    require_training_packages()
    random.seed(seed)
    torch.manual_seed(seed)
    embedding = TrainedStaticEmbedding(tokenizer, start, seed)
    table = embedding.table
    model = SentenceTransformer(modules=[embedding], device="cpu")
    model.model_card_data.widget = [{"text": ""}]  # the library writes no card here, and need not look for examples
    optimiser = torch.optim.Adam(
        [
            {"params": [table.projection], "lr": LEARNING_RATES["projection"]},
            {"params": [table.log_weights], "lr": LEARNING_RATES["log_weights"]},
            {"params": [table.delta], "lr": LEARNING_RATES["delta"]},
        ]
    )
    datasets = pair_datasets(papers, taught, seed)
    loss = TaughtRankingLoss(
        model, scale=SCALE, directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction"
    )
    with TemporaryDirectory() as scratch:
        SentenceTransformerTrainer(
            model=model,
            args=arguments(Path(scratch), seed=seed, epochs=EPOCHS, batch_size=BATCH_SIZE),
            train_dataset=datasets,
            loss=loss,
            optimizers=(optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)),
        ).train()
    vectors: NDArray[np.float32] = table(torch.arange(len(start.vectors))).detach().numpy()
    return vectors


def pair_datasets(papers: Sequence[Paper], taught: NDArray[np.float32], seed: int) -> "dict[str, Dataset]":
    """Return the datasets of text pairs that belong together, by name, with the teacher's vectors of the titles.

    Sentences are drawn at random, `SENTENCES_PER_PAPER` from every abstract: one sentence and the title or the keywords
    of a paper are as loosely related as a demand and the achievement that answers it.
    """
    from datasets import Dataset

    draw = random.Random(seed)  # noqa: S311 - nothing secret
    labels = taught - taught.mean(axis=0)
    rows: dict[str, list[tuple[str, str, int]]] = {}
    for i, paper in enumerate(papers):
        keywords = " ".join(paper.keywords)
        rows.setdefault("title-abstract", []).append((paper.title, paper.abstract, i))
        rows.setdefault("title-keywords", []).append((paper.title, keywords, i))
        rows.setdefault("keywords-abstract", []).append((keywords, paper.abstract, i))
        pieces = sentences(paper.abstract)
        for piece in draw.choices(pieces, k=SENTENCES_PER_PAPER):
            rows.setdefault("title-sentence", []).append((paper.title, piece, i))
            rows.setdefault("keywords-sentence", []).append((keywords, piece, i))
    datasets = {}
    for name, pairs in rows.items():
        filled = [pair for pair in pairs if pair[0] and pair[1]]
        datasets[name] = Dataset.from_dict(
            {
                "anchor": [pair[0] for pair in filled],
                "positive": [pair[1] for pair in filled],
                "label": labels[[pair[2] for pair in filled]].tolist(),
            }
        )
    return datasets
