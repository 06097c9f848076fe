"""A short run of the fuzzer with a fixed seed; `make fuzz` goes on for as long as one likes."""

from tests.fuzz.campaign import prepared


def test_nothing_that_comes_in_anywhere_is_a_fault_of_the_platform(platform):
    campaign = prepared(platform, seed=16)
    campaign.run(rounds=1)
    campaign.check_journal()
    assert campaign.target.judge.findings == []
    assert set(campaign.target.judge.cases) == set(campaign.ways)
    assert campaign.innocent.deposits, "the innocent client did nothing"
