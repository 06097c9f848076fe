"""The answer to a batch is written byte for byte as the outcomes' objects would be."""

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.api.answers import REFUSAL_MESSAGES
from accounts.api.bulk import _outcome
from accounts.domain.errors import Code
from accounts.domain.events import COUNTED_CODES, QUANTITY_CODES
from accounts.kernels import answers
from accounts.kernels.answers import DONE, NO_FIGURE, OUTCOME, SAID_ELSEWHERE, CodeTable, Unit, answer_json
from accounts.writer.envelope import Booked, NotExecuted
from eventstore.kernels.texts import TEXT_BYTES, pack_texts

ELSEWHERE = "elsewhere"


def unit_of(code):
    return Unit.COUNT if code in COUNTED_CODES else Unit.SHARES if code in QUANTITY_CODES else Unit.MONEY


STRANGE = {"STRANGE": ('a "message" of \\ and \x07 and ü', Unit.MONEY), "EMPTY": ("", Unit.SHARES)}
CODES = {code: (REFUSAL_MESSAGES.get(code, code), unit_of(code)) for code in Code}
TABLE = CodeTable(CODES)
UNITS = {unit: next(code for code, (_, its_unit) in CODES.items() if its_unit is unit) for unit in Unit}
"""A code of each unit."""

WHOLE_64_BITS = st.integers(NO_FIGURE + 1, 2**63 - 1)
FIGURES = st.none() | st.sampled_from([0, 1, -1, 10_000, 10**6, -(10**6), 999_999, 1_000_001]) | WHOLE_64_BITS
BOOKED = st.builds(
    Booked,
    version=st.integers(1, 9) | st.integers(0, 2**63 - 1),
    is_duplicate=st.booleans(),
    code=st.none() | st.sampled_from(list(CODES)),
    limit=FIGURES,
    actual=FIGURES,
)
NOT_EXECUTED = st.builds(
    NotExecuted,
    account_id=st.just("a"),
    command_id=st.just("b"),
    code=st.just(ELSEWHERE),
    message=st.text(),
    retry_after_ms=st.none() | st.integers(0, 9_999),
)


def row_of(result):
    if isinstance(result, NotExecuted):
        return (0, 0, 0, SAID_ELSEWHERE, False)
    limit, actual = (NO_FIGURE if figure is None else figure for figure in (result.limit, result.actual))
    number = DONE if result.code is None else TABLE.numbers[result.code]
    return (result.version, limit, actual, number, result.is_duplicate)


def told(results):
    return msgspec.json.encode([_outcome(result) for result in results])


def check(results):
    others = {
        place: msgspec.json.encode(_outcome(result))
        for place, result in enumerate(results)
        if isinstance(result, NotExecuted)
    }
    assert answer_json(np.array(list(map(row_of, results)), OUTCOME), TABLE, others) == told(results)


@settings(max_examples=200, deadline=None)
@given(st.lists(BOOKED | NOT_EXECUTED, max_size=6))
@example([])
@example([NotExecuted("", "", "", "")])
def test_an_answer_is_what_the_objects_would_say(results):
    check(results)


def test_every_code_is_said_with_figures_and_without():
    figures = ((None, None), (1, None), (None, 2), (2_500_000, 12_345_678))
    check([Booked(7, is_duplicate, code, *pair) for code in Code for pair in figures for is_duplicate in (False, True)])


@pytest.mark.parametrize("code", UNITS.values())
def test_figures_of_every_length_are_exact(code):
    powers = [sign * (10**power + change) for power in range(19) for change in (-1, 0, 1) for sign in (1, -1)]
    check([Booked(abs(figure), False, code, figure, -figure) for figure in powers])


def test_the_longest_outcomes_have_room():
    longest = [(NO_FIGURE + 1, NO_FIGURE + 1, NO_FIGURE + 1, TABLE.numbers[code], True) for code in UNITS.values()]
    found = answer_json(np.array(longest * 100, OUTCOME), TABLE, {})
    assert msgspec.json.decode(found)[0]["version"] == NO_FIGURE + 1
    without_text = CodeTable({"": ("", Unit.MONEY)})
    row = (NO_FIGURE, NO_FIGURE + 1, NO_FIGURE + 1, 1, True)
    found = answer_json(np.array([row], OUTCOME), without_text, {})
    room = len("[]") + answers._OUTCOME_BYTES_MAX + int(without_text.ends[-1])
    assert room - len(found) == len(",."), "all that is to spare is a comma behind the last one and a version's point"


ORDER_IDS = ["a", "3c9f7a52-9a57-4f8e-8f0b-0f7f6b6d5f11", "x" * TEXT_BYTES]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(BOOKED | NOT_EXECUTED, st.integers(-1, 2)), max_size=6))
def test_what_is_done_says_the_id_of_the_order_that_it_placed(placed):
    results = [
        msgspec.structs.replace(result, order_id=ORDER_IDS[order])
        if order >= 0 and isinstance(result, Booked) and result.code is None
        else result
        for result, order in placed
    ]
    others = {
        place: msgspec.json.encode(_outcome(result))
        for place, result in enumerate(results)
        if isinstance(result, NotExecuted)
    }
    orders = np.array([order for _, order in placed], np.int64), pack_texts(ORDER_IDS)
    assert answer_json(np.array(list(map(row_of, results)), OUTCOME), TABLE, others, orders) == told(results)


def test_an_order_without_an_id_is_not_said():
    with pytest.raises(AssertionError, match="every order"):
        answer_json(np.zeros(1, OUTCOME), TABLE, {}, (np.array([3]), pack_texts(ORDER_IDS)))


def test_messages_are_json_whatever_they_say():
    table = CodeTable(STRANGE)
    rows = [(1, NO_FIGURE, NO_FIGURE, number, False) for number in table.numbers.values()]
    expected = [{"version": 1, "code": code, "message": message} for code, (message, _) in STRANGE.items()]
    assert answer_json(np.array(rows, OUTCOME), table, {}) == msgspec.json.encode(expected)


def test_what_is_said_elsewhere_is_put_in_at_its_place():
    rows = np.zeros(4, OUTCOME)
    rows["code"][[0, 2, 3]] = SAID_ELSEWHERE
    assert answer_json(rows, TABLE, {3: b"{}", 0: b'{"a":1}', 2: b""}) == b'[{"a":1},{"version":0},,{}]'
    with pytest.raises(KeyError):
        answer_json(rows, TABLE, {3: b"{}", 0: b"{}"})


@pytest.mark.parametrize("code", [SAID_ELSEWHERE - 1, len(TABLE.numbers) + 1, 32_767])
def test_a_code_that_is_not_in_the_table_is_not_said(code):
    with pytest.raises(AssertionError, match="every code"):
        answer_json(np.array([(1, 0, 0, code, False)], OUTCOME), TABLE, {})


def test_every_second_outcome_may_be_answered():
    rows = np.zeros(6, OUTCOME)
    rows["version"] = range(6)
    assert answer_json(rows[::2], TABLE, {}) == b'[{"version":0},{"version":2},{"version":4}]'
