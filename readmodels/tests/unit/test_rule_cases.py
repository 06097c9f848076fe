"""The cases that the page's estimates are held to are what the domain says today."""

from collections import Counter

from readmodels.tests.rule_cases import FILE, cases, text


def test_the_committed_cases_are_the_domains():
    assert FILE.read_text() == text(), "run python -m readmodels.tests.rule_cases, and see whether estimate.ts follows"


def test_the_cases_reach_every_rule_and_know_reservations():
    found = cases()["accounts"]
    outcomes = [each for account in found for order in account["orders"] for each in order["outcomes"]]
    codes = Counter(None if each["refused"] is None else each["refused"]["code"] for each in outcomes)
    limits = {f"{what}_LIMIT_EXCEEDED" for what in ("POSITION", "DAILY", "TRADE", "VALUE", "QUANTITY")}
    others = {"INSUFFICIENT_FUNDS", "INSUFFICIENT_POSITION", "VALUE_TOO_SMALL", "ORDER_COUNT_EXCEEDED"}
    assert codes.keys() == {None, *limits, *others}
    assert min(codes.values()) >= 2
    assert sum(account["account"]["reserved_cash"] != "0.0000" for account in found) >= 5
    assert sum(each["reserved_quantity"] != "0" for account in found for each in account["positions"]) >= 3


def test_the_cases_know_each_type_with_each_time_in_force():
    terms = cases()["terms"]
    combined = {(each["type"], each["time_in_force"]) for each in terms}
    assert len(combined) == 4 * 4
    assert {each["code"] for each in terms} == {None, "INVALID_TIME_IN_FORCE", "INVALID_STOP_LIMIT"}
