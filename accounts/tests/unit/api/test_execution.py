"""An answer is given once everything that its operation began has ended."""

import asyncio
from types import SimpleNamespace

import graphene
from graphql import parse

from accounts.api.graphql.execution import executed

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
