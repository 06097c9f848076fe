"""The state's copy: the same in every field, and apart from the original."""

from accounts.domain.state import Account, Position

SHARED = [name for name in Account.__struct_fields__ if getattr(Account(), name) == {}]


def test_a_copy_has_every_field_and_shares_nothing_that_changes():
    original = Account()
    for number, name in enumerate(Account.__slots__):
        setattr(original, name, number)
    for name in SHARED:
        setattr(original, name, {"KO": Position(1, 2, 3, 4)})
    twin = original.copy()
    assert {name: getattr(twin, name) for name in Account.__slots__} == {
        name: getattr(original, name) for name in Account.__slots__
    }
    for name in SHARED:
        getattr(twin, name)["XOM"] = Position(5, 6, 7, 8)
    twin.cash = -1
    assert [set(getattr(original, name)) for name in SHARED] == [{"KO"}] * len(SHARED)
    assert original.cash != -1
