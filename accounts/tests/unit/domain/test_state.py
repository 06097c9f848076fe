"""The state's copy: the same in every field, and apart from the original."""

from accounts.domain.state import Account, Position


def test_a_copy_has_every_field_and_shares_nothing_that_changes():
    original = Account()
    for number, name in enumerate(Account.__slots__):
        setattr(original, name, number)
    original.positions = {"KO": Position(1, 2, 3, 4)}
    twin = original.copy()
    assert {name: getattr(twin, name) for name in Account.__slots__} == {
        name: getattr(original, name) for name in Account.__slots__
    }
    twin.positions["XOM"] = Position(5, 6, 7, 8)
    twin.cash = -1
    assert set(original.positions) == {"KO"}
    assert original.cash != -1
