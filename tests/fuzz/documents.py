"""GraphQL documents made from the schema: valid ones with awkward arguments, and what is done to such documents.

Written here because hypothesis-graphql, tried first, took a second for each document of this schema, and its random ids
and texts end at the first check; these name a real account, and every field of the schema is reached.
"""

import json
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from tests.fuzz.values import any_json, any_text, damaged

LEVELS_MAX: Final = 5
LITERALS: Final = (
    *(
        "null",
        "true",
        "-1",
        "0",
        "1",
        "50",
        "501",
        "2147483648",
        "9223372036854775808",
        "1.5",
        "1e400",
        "9" * 400,
        "BUY",
        "[]",
    ),
    *(
        "{}",
        "[[[1]]]",
        "{a: {b: 1}}",
        "$missing",
        '""',
        '"\\u0000"',
        '"""block \\""" "x" """',
        '"\\ud800"',
        '"\\u{110000}"',
    ),
)


class Documents:
    """Makes documents; `known` gives texts for arguments by name, such as the id of an account."""

    def __init__(self, schema: GraphQLSchema, known: dict[str, list[str]]) -> None:
        self._schema = schema
        self._known = known
        assert schema.query_type is not None
        assert schema.mutation_type is not None
        self.queries = schema.query_type
        self.mutations = schema.mutation_type

    def any(self, random: Random) -> str:
        """Return a document."""
        draw = random.random()
        if draw < 0.15:
            return random.choice(SHAPES)(random)
        made = self._operation(random)
        return damaged(made, random) if draw < 0.35 else made

    def call(self, root: GraphQLObjectType, name: str, variables: bool = True) -> str:
        """Return an operation that calls one field with a variable for each of its arguments."""
        field = root.fields[name]
        kind = "mutation" if root is self.mutations else "query"
        declared = ", ".join(f"${each}: {argument.type}" for each, argument in field.args.items())
        given = ", ".join(f"{each}: ${each}" for each in field.args)
        shown = self._selection(get_named_type(field.type), Random(0), 1)
        brackets = (f"({declared})", f"({given})") if field.args else ("", "")
        return f"{kind}{brackets[0]} {{ {name}{brackets[1]} {shown} }}"

    def variables(self, root: GraphQLObjectType, name: str, random: Random) -> str:
        """Return variables for `call` as JSON: most sound, one or two awkward."""
        arguments = root.fields[name].args
        return _object({each: self._json(each, argument.type, random) for each, argument in arguments.items()}, random)

    def _json(self, name: str, kind: Any, random: Random) -> str:
        named = get_named_type(kind)
        if isinstance(named, GraphQLInputObjectType) and random.random() < 0.95:
            fields = {each: self._json(each, field.type, random) for each, field in named.fields.items()}
            if random.random() < 0.1:
                fields["surprise"] = any_json(random)
            return _object(fields, random)
        if random.random() < 0.3:
            return any_json(random)
        sound = random.choice(self._known.get(name, ["1"]))
        return sound if random.random() < 0.2 and sound.isdigit() else json.dumps(sound)

    def _operation(self, random: Random) -> str:
        is_mutation = random.random() < 0.2
        root = self.mutations if is_mutation else self.queries
        fields = " ".join(
            self._field(name, root, random, 0) for name in random.sample(list(root.fields), k=random.randint(1, 3))
        )
        return f"{'mutation' if is_mutation else 'query'} {{ {fields} }}"

    def _field(self, name: str, parent: Any, random: Random, level: int) -> str:
        field = parent.fields[name]
        alias = f"a{random.randrange(1_000)}: " if random.random() < 0.1 else ""
        directive = random.choice(DIRECTIVES) if random.random() < 0.05 else ""
        arguments = self._arguments(field.args, random)
        return f"{alias}{name}{arguments}{directive} {self._selection(get_named_type(field.type), random, level + 1)}"

    def _arguments(self, arguments: dict[str, GraphQLArgument], random: Random) -> str:
        given = [
            f"{name}: {self._literal(name, argument.type, random)}"
            for name, argument in arguments.items()
            if isinstance(argument.type, GraphQLNonNull) or random.random() < 0.3
        ]
        return f"({', '.join(given)})" if given else ""

    def _literal(self, name: str, kind: Any, random: Random) -> str:
        named = get_named_type(kind)
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if random.random() < 0.15:
            return random.choice(LITERALS)
        if isinstance(kind, GraphQLList):
            return f"[{', '.join(self._literal(name, kind.of_type, random) for _ in range(random.randrange(4)))}]"
        if isinstance(named, GraphQLInputObjectType):
            given = [f"{each}: {self._literal(each, field.type, random)}" for each, field in named.fields.items()]
            return f"{{{', '.join(given)}}}"
        if isinstance(named, GraphQLEnumType):
            return random.choice(list(named.values))
        if named.name in ("Int", "BigInt"):
            return str(random.choice((0, 1, 2, 50, 500, -1, 2**31, 2**63, 10**18)))
        if named.name == "Boolean":
            return random.choice(("true", "false"))
        text = random.choice(self._known[name]) if name in self._known and random.random() < 0.7 else any_text(random)
        return json.dumps(text[:300])

    def _selection(self, named: Any, random: Random, level: int) -> str:
        if isinstance(named, GraphQLUnionType | GraphQLInterfaceType):
            kinds = self._schema.get_possible_types(named)
            inline = " ".join(f"... on {kind.name} {self._selection(kind, random, level)}" for kind in kinds)
            # Fields of one name and different types cannot be asked for together: each type has its own few.
            return f"{{ __typename {inline if level < 2 else ''} }}"
        if not isinstance(named, GraphQLObjectType):
            return ""
        names = [each for each in named.fields if self._fits(named.fields[each], level)]
        if level == 1 and named.interfaces:  # A member of a union: the common fields.
            names = [each for each in ("accountId", "commandId", "version", "duplicate") if each in named.fields]
        chosen = random.sample(names, k=min(len(names), random.randint(1, 6)))
        return f"{{ __typename {' '.join(self._field(each, named, random, level) for each in chosen)} }}"

    def _fits(self, field: Any, level: int) -> bool:
        if any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values()) and level > 2:
            return False
        return level < LEVELS_MAX or not isinstance(get_named_type(field.type), GraphQLObjectType | GraphQLUnionType)


DIRECTIVES: Final = (
    *(
        " @skip(if: true)",
        " @include(if: false)",
        " @skip(if: null)",
        " @skip",
        " @nothing",
        " @include(if: $x)",
        " @deprecated",
    ),
    *(" @skip(if: false) @skip(if: false)", ' @include(if: "true")', " @skip(if: true) @include(if: true)"),
)


def _deep(random: Random) -> str:
    depth = random.choice((9, 20, 200, 3_000))
    return "{ viewer " * depth + "{ username }" + "}" * depth


def _aliases(random: Random) -> str:
    count = random.choice((49, 51, 1_000))
    return "{ " + " ".join(f"a{number}: __typename" for number in range(count)) + " }"


def _fragments(random: Random) -> str:
    kind = random.randrange(4)
    if kind == 0:
        return "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }"
    if kind == 1:
        chain = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(18))
        return "{ ...f0 } " + chain + " fragment f18 on Query { __typename }"
    if kind == 2:
        return "{ ...missing } fragment unused on Nothing { a }"
    return "fragment only on Query { __typename }"


def _introspection(random: Random) -> str:
    depth = random.choice((3, 10, 40))
    return "{ __schema { types { fields { type " + "{ ofType " * depth + "{ name }" + "}" * depth + " } } } }"


def _literals(random: Random) -> str:
    count = random.choice((10, 3_000))
    inner = random.choice(
        (f'"{"x" * count}"', "[" * count + "]" * count, "{a:" * count + "1" + "}" * count, "1" * count)
    )
    return f"mutation {{ submitTrades(trades: {inner}) {{ accepted }} }}"


def _operations(random: Random) -> str:
    return random.choice(
        (
            "query a { __typename } query b { __typename }",
            "query a { __typename } query a { __typename }",
            "subscription { viewer { username } }",
            "type A { b: Int } { __typename }",
            "extend schema @a { query: B }",
            'query ($a: Nothing, $a: Int = "x", $b: [[[Int!]!]!]! = null) { __typename }',
            "query ($a: Int = $b) { accounts(first: $a) { nodes { name } } }",
            "{ __typename @skip(if: true) }",
            "{ a: __typename a: viewer { username } }",
            "{ viewer }",
            "{ viewer { } }",
            "",
            "\ufeff{ __typename }",
            "# only a comment",
            '{ __type(name: "\\u0000") { name } __type(name: null) { name } }',
            "query " + "x" * 15_000 + " { __typename }",
            "{" + " __typename" * 1_500 + " }",
            "{" * 10_000,
        )
    )


SHAPES: Final = (_deep, _aliases, _fragments, _introspection, _literals, _operations)


def _object(fields: dict[str, str], random: Random) -> str:
    kept = {name: text for name, text in fields.items() if random.random() > 0.04}
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in kept.items()) + "}"
