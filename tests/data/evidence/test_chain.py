from dataclasses import replace
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from data.evidence.chain import BEGIN, DayRoot, Part, canonical, faults_of, sealed, sealed_part
from data.evidence.merkle import Tree, root_by
from tests.some import some

DAYS = ("2026-05-01", "2026-05-02")


def chain(number=8, before=BEGIN, first=1):
    entries, previous = [], before
    for place in range(first, first + number):
        parts = [
            sealed_part({"key": "platform", "viewer": f"u{place}"}),
            sealed_part({"kind": "demand", "id": f"D{place}"}),
        ]
        said = {"action": "shown", "at": f"2026-05-01T09:00:{place:02}"}
        entry = sealed(place, previous, DAYS[place > number // 2], said, parts)
        entries.append(entry)
        previous = entry.digest
    return entries


def roots(entries, days=DAYS):
    found = {}
    for day in days:
        own = [entry for entry in entries if entry.day == day]
        root = Tree([entry.digest for entry in own]).root
        found[day] = DayRoot(day, own[0].number, own[-1].number, own[-1].digest, root)
    return found


ENTRIES = chain()
ROOTS = roots(ENTRIES)


def flipped(entries, place, data):
    entry = entries[place]
    where = data.draw(
        st.sampled_from(("text", "digest", "day", "number", "part", "salt", "words", "kind", "record_id"))
    )
    if where in ("text", "digest"):
        text = getattr(entry, where)
        at = data.draw(st.integers(0, len(text) - 1))
        changed = replace(entry, **{where: text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]})
    elif where == "day":
        changed = replace(entry, day="2026-05-03")
    elif where == "number":
        changed = replace(entry, number=entry.number + 1)
    else:
        part = entry.parts[1]
        change = {
            "part": {"digest": sha256(b"x").hexdigest()},
            "salt": {"salt": "0" * 32},
            "words": {
                "text": canonical({"kind": "demand", "id": "D9"}),
                "salt": data.draw(st.sampled_from((None, part.salt))),
            },
            "kind": {"kind": "firm"},
            "record_id": {"record_id": "D9"},
        }[where]
        changed = replace(entry, parts=(entry.parts[0], replace(part, **change)))
    return [*entries[:place], changed, *entries[place + 1 :]]


@given(data=st.data(), how=st.sampled_from(("flip", "drop", "swap", "insert", "repeat")), place=st.integers(0, 7))
def test_every_change_of_the_chain_is_found_without_any_root(data, how, place):
    entries = list(ENTRIES)
    if how == "flip":
        entries = flipped(entries, place, data)
    elif how == "drop":
        entries.pop(min(place, 6))  # the last one: see the roots
    elif how == "swap":
        other = (place + data.draw(st.integers(1, 7))) % 8
        entries[place], entries[other] = entries[other], entries[place]
    elif how == "insert":
        entries.insert(
            place, sealed(place + 1, ENTRIES[place - 1].digest if place else BEGIN, DAYS[0], {"action": "x"}, [])
        )
    else:
        entries.insert(place, entries[place])
    assert list(faults_of(entries, {}))


@given(place=st.integers(0, 7))
def test_a_chain_that_was_cut_or_rewritten_behind_a_place_is_found_by_its_days_roots(place):
    cut = ENTRIES[:place]
    rewritten = cut + chain(8 - place, cut[-1].digest if cut else BEGIN, place + 1)
    rewritten = [replace(entry, day=ENTRIES[at].day) for at, entry in enumerate(rewritten)] if place else chain()
    assert list(faults_of(cut, ROOTS))
    assert list(faults_of(rewritten, ROOTS))
    assert not list(faults_of(cut, {}))  # without the root the end can be cut off unseen: the document says so


def test_what_is_whole_or_was_erased_has_no_fault():
    assert not list(faults_of(ENTRIES, ROOTS))
    erased = [replace(one, parts=tuple(Part(part.digest, None, None) for part in one.parts)) for one in ENTRIES]
    assert not list(faults_of(erased, ROOTS))
    assert sealed_part({"viewer": "u1"}).digest != sealed_part({"viewer": "u1"}).digest


@pytest.mark.parametrize("number", range(1, 18))
def test_each_leaf_is_proven_and_nothing_else_is(number):
    digests = [sha256(str(place).encode()).hexdigest() for place in range(number)]
    root = Tree(digests).root
    for place, digest in enumerate(some(digests)):
        path = Tree(digests).path(place)
        assert root_by(digest, path) == root
        assert root_by(sha256(b"other").hexdigest(), path) != root
    assert number == 1 or Tree(digests[:-1]).root != root


NAMES = st.text(st.characters(max_codepoint=0x7F))
TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(NAMES, parts, max_size=4),
)


@given(VALUES)
def test_json_is_canonical_as_the_rfc_gives_it(value):
    assert canonical(value) == rfc8785.dumps(value).decode()
