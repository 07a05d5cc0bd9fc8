"""Invented names of holders and firms."""

import random
from itertools import count

from data.simulator.lexicon import Lexicon
from data.simulator.world import Firms, Holders


def holder_names(lexicon: Lexicon, holders: Holders, seed: int) -> list[str]:
    """Return a distinct invented name for each holder."""
    rng = random.Random(f"{seed}:holders")  # noqa: S311
    names = lexicon.names
    taken: set[str] = set()
    result = []
    for kind, place, industry in zip(
        holders.type.tolist(), holders.place.tolist(), holders.industry.tolist(), strict=True
    ):
        city = lexicon.places[place].name
        words = lexicon.industries[industry]
        for attempt in count():
            stem = rng.choice(names["stems"])
            if kind == 0:
                name = stem + rng.choice(names["universities"])
            elif kind == 1:
                name = rng.choice((stem, city + stem)) + rng.choice(names["institutes"]).format(
                    word=rng.choice(words.institute_words)
                )
            elif kind == 2:
                word = rng.choice(words.firm_words)
                name = rng.choice(names["holder_firms"]).format(city=city, stem=stem, word=word)
            else:
                name = rng.choice(names["persons"]) + "某" + rng.choice(("", "（高级工程师）", "（教授）"))
                break  # people share names
            # A stem may serve twice once the combinations are used up; the number keeps names distinct.
            name = name if attempt < 20 else f"{name}（{attempt}）"
            if name not in taken:
                break
        taken.add(name)
        result.append(name)
    return result


def firm_names(lexicon: Lexicon, firms: Firms, seed: int) -> list[str]:
    """Return an invented name for each firm; a few firms share theirs, as firms do."""
    rng = random.Random(f"{seed}:firms")  # noqa: S311
    names = lexicon.names
    result = []
    for place, industry in zip(firms.place.tolist(), firms.industry.tolist(), strict=True):
        word = rng.choice(lexicon.industries[industry].firm_words)
        result.append(
            rng.choice(names["firms"]).format(
                city=lexicon.places[place].name, stem=rng.choice(names["stems"]), word=word
            )
        )
    return result
