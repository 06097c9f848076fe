"""Columns give back exactly what was laid out, whatever the commits are like, and refuse what is damaged."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.errors import UnknownEventType
from eventstore.record import Commit
from eventstore.serialization.codec import EventCodec
from eventstore.serialization.identifiers import KnownIdentifiers, pack, unpack
from eventstore.tests.reference import compressed, encoded_commit


class Nothing(msgspec.Struct, frozen=True, array_like=True, tag="Nothing@1"):
    pass


class Named(msgspec.Struct, frozen=True, array_like=True, tag="Named@1"):
    name: str
    size: int | None


class Grown(msgspec.Struct, frozen=True, array_like=True, tag="Named@1"):
    """What Named may become without a new version."""

    name: str
    size: int | None
    colour: str = "grey"


CODEC = EventCodec([Nothing, Named])
UUIDS = st.uuids().map(str)
IDENTIFIERS = st.one_of(UUIDS, st.text(max_size=40), UUIDS.map(str.upper))
EVENTS = st.one_of(st.just(Nothing()), st.builds(Named, st.text(), st.none() | st.integers(-(2**63), 2**64 - 1)))
COMMITS = st.builds(
    Commit,
    IDENTIFIERS,
    st.integers(1, 2**40),
    st.integers(0, 2**55),
    IDENTIFIERS,
    st.none() | IDENTIFIERS,
    st.none() | IDENTIFIERS,
    st.sampled_from(["ada", "bob"]),
    st.none() | st.dictionaries(st.text(), st.text(), min_size=1, max_size=2),
    st.lists(EVENTS, min_size=1, max_size=3).map(tuple),
)


@given(st.lists(COMMITS, min_size=1, max_size=20))
def test_what_was_laid_out_comes_back_and_so_do_the_hashed_bytes(commits):
    plain = CODEC.decompress(compressed(commits, CODEC))
    assert CODEC.decode(plain) == commits
    exact = [encoded_commit(commit, CODEC) for commit in commits]
    assert CODEC.raw_commits(plain) == exact


@given(st.lists(st.none() | IDENTIFIERS))
def test_identifiers_are_packed_and_unpacked(identifiers):
    packed = pack(identifiers)
    assert list(unpack(packed, count=len(identifiers))) == identifiers
    assert list(KnownIdentifiers().unpack(packed, count=len(identifiers))) == identifiers


def test_canonical_uuids_take_sixteen_bytes_and_others_stay_texts():
    canonical = "0b5c1f3e-0000-4000-8000-00000000000a"
    assert pack([canonical, canonical]) == bytes.fromhex("0b5c1f3e00004000800000000000000a") * 2
    misplaced = "0b5c-1f3e0000-4000-8000-00000000000a"
    for other in (canonical.upper(), canonical.replace("-", ""), misplaced, canonical[:-1]):
        assert pack([canonical, other]) == [canonical, other]


@given(st.lists(COMMITS, min_size=1, max_size=5), st.data())
def test_damaged_columns_are_an_error_and_never_other_commits_silently(commits, data):
    plain = CODEC.decompress(compressed(commits, CODEC))
    place = data.draw(st.integers(0, len(plain) - 1))
    damaged = plain[:place] + data.draw(st.binary(max_size=3)) + plain[place + 1 :]
    try:
        CODEC.decode(damaged)
        CODEC.raw_commits(damaged)
    except (ValueError, UnknownEventType):
        pass  # Any other exception fails the test; an undetected change is what the hashes are for.


def test_a_field_that_was_added_at_the_end_takes_its_default_and_the_hashed_bytes_stay():
    commit = Commit("a", 1, 5, "c", None, None, "ada", None, (Named("x", 3), Named("y", None)))
    plain = CODEC.decompress(compressed([commit], CODEC))
    grown = EventCodec([Grown])
    assert grown.decode(plain)[0].events == (Grown("x", 3, "grey"), Grown("y", None, "grey"))
    assert grown.raw_commits(plain) == CODEC.raw_commits(plain)


def test_a_field_that_this_process_does_not_know_is_refused():
    commit = Commit("a", 1, 5, "c", None, None, "ada", None, (Grown("x", 3, "red"),))
    newer = EventCodec([Grown])
    with pytest.raises(UnknownEventType, match="3 fields"):
        CODEC.decode(newer.decompress(compressed([commit], newer)))


def test_the_event_of_a_byte_is_the_one_whose_value_it_is():
    events = (Named("first", 1), Nothing(), Named("second", 2), Nothing())
    plain = CODEC.decompress(compressed([Commit("a", 1, 5, "c", None, None, "ada", None, events)], CODEC))
    assert CODEC.event_at(plain, plain.index(b"first")) == 0
    assert CODEC.event_at(plain, plain.index(b"second") + 3) == 2
    assert CODEC.event_at(plain, 0) == 0
