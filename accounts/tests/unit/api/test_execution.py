"""An answer is given once everything that its operation began has ended."""

import asyncio
from types import SimpleNamespace

import graphene
import pytest
from graphql import parse
from structlog.testing import capture_logs

from accounts.api.graphql.execution import executed
from edge import turns
from edge.tests.turns import WorkTime, turns_during

ENDED = []


class Query(graphene.ObjectType):
    fails = graphene.String(required=True)
    goes_on = graphene.String(required=True)
    both = graphene.List(graphene.NonNull(lambda: Query), required=True)

    async def resolve_fails(self, info):
        raise ValueError("of this field")

    async def resolve_goes_on(self, info):
        await asyncio.sleep(0.02)
        ENDED.append("went on")
        return "went on"

    async def resolve_both(self, info):
        return [Query(), Query()]


def test_the_fields_beside_one_that_fails_have_ended_when_it_is_answered():
    schema = graphene.Schema(query=Query).graphql_schema
    for query, count in (("{ fails goesOn }", 1), ("{ both { both { fails goesOn } } goesOn }", 5)):
        ENDED.clear()

        async def main(query=query):
            context = SimpleNamespace(fields=[])
            result = await executed(schema, parse(query), context=context, variables=None, operation_name=None)
            return result, list(ENDED), [field for field in context.fields if not field.done()]

        result, ended, left = asyncio.run(main())
        assert (result.data, len(result.errors), left) == (None, 1, [])
        assert len(ended) == count


class Item(graphene.ObjectType):
    number = graphene.Int(required=True)
    odd = graphene.Int()
    later = graphene.Int(required=True)
    each = graphene.List(graphene.NonNull(lambda: Item), required=True)

    def resolve_odd(self, info):
        if self.number % 2:
            return self.number
        raise ValueError(f"{self.number} is even")

    async def resolve_later(self, info):
        await asyncio.sleep(0)
        return self.number

    def resolve_each(self, info):
        return [Item(number=10 * self.number + place) for place in range(3)]


class Items(graphene.ObjectType):
    items = graphene.List(graphene.NonNull(Item), required=True)

    def resolve_items(self, info):
        return [Item(number=number) for number in range(6)]


ITEMS = graphene.Schema(query=Items).graphql_schema


def asked(query):
    """Execute a query; return its result and how often others had their turn meanwhile."""

    context = SimpleNamespace(fields=[])
    execution = executed(ITEMS, parse(query), context=context, variables=None, operation_name=None)
    return asyncio.run(turns_during(execution))


@pytest.mark.parametrize("turn_seconds", [0.0, 60.0], ids=["an item a turn", "all in one"])
def test_long_lists_are_completed_in_turns_to_the_same_answer(turn_seconds, monkeypatch):
    monkeypatch.setattr(turns, "TURN_SECONDS", turn_seconds)
    numbers = range(6)
    result, had = asked("{ items { number each { number } } }")
    assert result.errors is None
    inner = [[{"number": 10 * number + place} for place in range(3)] for number in numbers]
    assert result.data == {"items": [{"number": n, "each": each} for n, each in zip(numbers, inner, strict=True)]}
    assert (had > 5) == (turn_seconds == 0.0)
    result, _ = asked("{ items { later each { later } } }")
    later = [[{"later": row["number"]} for row in each] for each in inner]
    assert result.data == {"items": [{"later": n, "each": each} for n, each in zip(numbers, later, strict=True)]}


SHORT, ACCOUNTS, ROW_SECONDS = 3, 300, 0.0005


class Row(graphene.ObjectType):
    number = graphene.Int(required=True)

    def resolve_number(self, info):
        info.context.time.work(ROW_SECONDS)
        return self.number


class WithRows(graphene.ObjectType):
    awaited = graphene.List(graphene.NonNull(Row), required=True)
    at_hand = graphene.List(graphene.NonNull(Row), required=True)

    async def resolve_awaited(self, info):
        await info.context.loaded
        return [Row(number=number) for number in range(SHORT)]

    def resolve_at_hand(self, info):
        return [Row(number=number) for number in range(SHORT)]


class Accounts(graphene.ObjectType):
    accounts = graphene.List(graphene.NonNull(WithRows), required=True)

    def resolve_accounts(self, info):
        return [WithRows() for _ in range(ACCOUNTS)]


@pytest.mark.parametrize("field", ["awaited", "atHand"])
def test_hundreds_of_short_lists_have_one_clock(field, monkeypatch):
    """Whether what they are of is found at once, as by one statement for all, or is there already."""
    time = WorkTime()
    monkeypatch.setattr(turns, "time", time)

    async def main():
        context = SimpleNamespace(fields=[], time=time, loaded=asyncio.get_running_loop().create_future())
        asyncio.get_running_loop().call_later(0.01, context.loaded.set_result, None)
        schema, query = (
            graphene.Schema(query=Accounts).graphql_schema,
            parse(f"{{ accounts {{ {field} {{ number }} }} }}"),
        )
        return await time.longest_stretch(executed(schema, query, context=context, variables=None, operation_name=None))

    result, longest = asyncio.run(main())
    rows = [{"number": number} for number in range(SHORT)]
    assert result.data == {"accounts": [{field: rows} for _ in range(ACCOUNTS)]}
    assert time.seconds == pytest.approx(ACCOUNTS * SHORT * ROW_SECONDS)
    assert longest < turns.TURN_SECONDS + 2 * ROW_SECONDS


@pytest.mark.parametrize("turn_seconds", [0.0, 60.0])
def test_an_error_in_a_list_names_its_place(turn_seconds, monkeypatch):
    monkeypatch.setattr(turns, "TURN_SECONDS", turn_seconds)
    result, _ = asked("{ items { odd each { odd } } }")
    assert [row["odd"] for row in result.data["items"]] == [None, 1, None, 3, None, 5]
    paths = sorted(error.path for error in result.errors if len(error.path) == 3)
    assert paths == [["items", number, "odd"] for number in (0, 2, 4)]
    assert ["items", 3, "each", 2, "odd"] in [error.path for error in result.errors]


def test_what_fails_beside_another_is_told_in_the_log_and_what_the_answer_tells_is_not():
    class Both(graphene.ObjectType):
        first = graphene.String(required=True)
        second = graphene.String(required=True)
        again = graphene.List(graphene.NonNull(lambda: Both), required=True)

        async def resolve_first(self, info):
            raise ValueError("the first")

        async def resolve_second(self, info):
            await asyncio.sleep(0.01)
            raise KeyError("the second")

        def resolve_again(self, info):
            return [Both(), Both()]

    async def main():
        schema, context = graphene.Schema(query=Both).graphql_schema, SimpleNamespace(fields=[])
        query = parse("{ first again { second } }")
        return await executed(schema, query, context=context, variables=None, operation_name=None)

    with capture_logs() as logs:
        result = asyncio.run(main())
    assert [str(error.original_error) for error in result.errors] == ["the first"]
    once_each = [("resolver failed beside another", KeyError)] * 2
    assert [(entry["event"], type(entry["exc_info"])) for entry in logs] == once_each
