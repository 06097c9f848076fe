"""Whatever is archived, held and removed, in whatever order: what can be read never changes."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.archive.holds import holds, place_hold, release_hold
from eventstore.archive.restoring import import_archive, read_manifests
from eventstore.engines.memory import MemoryEngine
from eventstore.tests.archive.scenario import AGGREGATES, PARTITIONS, Scenario, everything, findings
from eventstore.tests.counter import histories, open_counters

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("live"), st.integers(1, 4)),
        st.tuples(st.just("hold"), st.sampled_from(AGGREGATES)),
        st.tuples(st.just("archive"), st.integers(0, 40), st.integers(1, 30), st.booleans()),
    ),
    min_size=1,
    max_size=8,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_what_can_be_read_never_changes(steps):
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(MemoryEngine(), Path(folder), days=5)
        today = 5
        oldest_kept = 1  # What a shorter retention let go earlier is not asked for again.
        whole = everything(scenario.bare)
        for step in steps:
            if step[0] == "live":
                scenario.live(today + 1, today + step[1])
                today += step[1]
                whole = everything(scenario.wrapped())
                assert len(whole) == PARTITIONS * today
            elif step[0] == "hold":
                decide = release_hold if step[1] in holds(scenario.bare) else place_hold
                decide(scenario.bare, aggregate_id=step[1], reason="case", actor="officer", at=today)
            else:
                scenario.archive(step[1], now=today + 1, retention=step[2], keep=step[3])
                oldest_kept = max(oldest_kept, today + 1 - step[2])
                check_what_stays(scenario, oldest_kept=oldest_kept)
            assert everything(scenario.wrapped()) == whole
        assert findings(scenario.open_wrapped()) == []
        check_import(scenario, whole, today)


def check_what_stays(scenario, *, oldest_kept):
    """Nothing younger than the retention and no newest batch is ever removed."""
    head = scenario.bare.heads()[0]
    for partition in range(PARTITIONS):
        assert set(range(oldest_kept, head + 1)) | {head} <= set(scenario.stored_seqs(partition))


def check_import(scenario, whole, today):
    """The whole of it, archived and imported, is the same again."""
    scenario.archive(today + 1, now=today + 1, keep=True)
    engine = MemoryEngine()
    manifests = read_manifests(scenario.storage, verify=scenario.verify)
    list(import_archive(manifests, storage=scenario.storage, engine=engine, codec=scenario.codec))
    assert everything(engine) == whole
    assert histories(open_counters(engine, partition_count=PARTITIONS)) == histories(scenario.open_wrapped())
