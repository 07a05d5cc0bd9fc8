"""Term extraction as it is usually done, to be compared with: TF-IDF, TextRank and jieba.analyse."""

import logging
import math
import warnings
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import networkx as nx

from knowledge_graph.terms.phrases import stop_words
from knowledge_graph.terms.tagging import Word, tag

MOST = 40
"""Terms returned for a text; the evaluation chooses how many of them count."""
WINDOW = 5
"""Words that count as neighbours in TextRank, as in jieba's implementation."""
_CONTENT = ("n", "vn", "v", "a", "eng", "l", "i", "j", "b")


def tf_idf(texts: Sequence[str]) -> list[list[str]]:
    """Return for each text its content words and adjacent runs of two and three of them, by TF-IDF over these texts.

    Longer runs are favoured by the square root of their length, without which single words fill the list.
    """
    counts = [Counter(_grams(tag(text))) for text in texts]
    frequency = Counter(gram for found in counts for gram in found)
    ranked = []
    for found in counts:
        scores = {
            gram: count * math.log(len(texts) / frequency[gram] + 1.0) * math.sqrt(len(gram))
            for gram, count in found.items()
        }
        ranked.append(["".join(gram) for gram in sorted(scores, key=lambda gram: (-scores[gram], gram))[:MOST]])
    return ranked


def text_rank(texts: Sequence[str]) -> list[list[str]]:
    """Return for each text the words that TextRank ranks highest, adjacent ones joined to phrases.

    After Mihalcea and Tarau (2004): words of content in a co-occurrence window, PageRank with damping 0.85; the upper third
    of the words are keywords, and keywords that adjoin each other in the text are joined.
    """
    return [_text_rank(tag(text)) for text in texts]


def _text_rank(words: Sequence[Word]) -> list[str]:
    content = [word.text for word in words if _is_content(word)]
    weights: Counter[tuple[str, str]] = Counter()
    for place, first in enumerate(content):
        for second in content[place + 1 : place + WINDOW]:
            if first != second:
                weights[min(first, second), max(first, second)] += 1
    graph = nx.Graph()
    graph.add_weighted_edges_from((first, second, weight) for (first, second), weight in weights.items())
    if not graph:
        return content[:MOST]
    ranks = nx.pagerank(graph, alpha=0.85)
    chosen = set(sorted(ranks, key=lambda word: (-ranks[word], word))[: max(10, len(ranks) // 3)])
    scores: dict[str, float] = {}
    run: list[str] = []
    for word in [*words, Word("", "x", 0)]:
        if word.text in chosen:
            run.append(word.text)
        elif run:
            phrase = "".join(run)
            scores[phrase] = max(scores.get(phrase, 0.0), sum(ranks[text] for text in run))
            run = []
    return sorted(scores, key=lambda phrase: (-scores[phrase], phrase))[:MOST]


def jieba_tags(texts: Sequence[str]) -> list[list[str]]:
    """Return for each text what jieba.analyse.extract_tags returns, with jieba's own IDF."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # jieba leaves its table open
        import jieba.analyse

        extract = jieba.analyse.TFIDF().extract_tags
    return [list(extract(text, topK=MOST)) for text in texts]


def _is_content(word: Word) -> bool:
    return word.tag.startswith(_CONTENT) and len(word.text) >= 2 and word.text not in stop_words()


def _grams(words: Sequence[Word]) -> list[tuple[str, ...]]:
    """Return the content words of a text, and its runs of two and three adjacent ones."""
    runs: list[list[str]] = [[]]
    for word in words:
        if _is_content(word):
            runs[-1].append(word.text)
        elif runs[-1]:
            runs.append([])
    grams: list[tuple[str, ...]] = []
    for run in runs:
        grams += [(text,) for text in run]
        grams += list(pairwise(run))
        grams += list(zip(run, run[1:], run[2:], strict=False))
    return grams
