"""GraphQL: documents, variables, bodies, batches."""

import json
from random import Random

from tests.fuzz.documents import Documents
from tests.fuzz.target import Target, graphql_body
from tests.fuzz.values import any_json, damaged


class GraphQLWays:
    """What can be sent to /graphql."""

    def __init__(self, target: Target, documents: Documents) -> None:
        self._target = target
        self._documents = documents

    def document(self, random: Random) -> None:
        """Send one case."""
        self._target.graphql(graphql_body(self._documents.any(random)), self._target.somebody(random))

    def variables(self, random: Random) -> None:
        """Send one case."""
        is_mutation = random.random() < 0.6
        root = self._documents.mutations if is_mutation else self._documents.queries
        name = random.choice([each for each in root.fields if not each.startswith("submit")])
        query, variables = self._documents.call(root, name), self._documents.variables(root, name, random)
        headers = self._target.somebody(random)
        self._target.graphql(graphql_body(query, variables), headers)
        if random.random() < 0.1:  # The same again, as a client retries.
            self._target.graphql(graphql_body(query, variables), headers)

    def body(self, random: Random) -> None:
        """Send one case."""
        more = "".join(
            f', "{name}": {any_json(random)}'
            for name in ("operationName", "extensions", "variables", "query", "surprise")
            if random.random() < 0.3
        )
        if random.random() < 0.2:
            hashed = random.choice((any_json(random), f'"{"0" * 64}"', '"' + "f" * 63 + '"'))
            version = random.choice(("1", any_json(random)))
            more = f', "extensions": {{"persistedQuery": {{"version": {version}, "sha256Hash": {hashed}}}}}'
        body = graphql_body("{ viewer { username } }", random.choice((None, any_json(random))), more)
        draw = random.random()
        if draw < 0.3:
            body = damaged(body, random)
        elif draw < 0.4:
            body = any_json(random)
        elif draw < 0.5:
            body = f"[{body}, {body}]"
        self._target.graphql(body, self._target.somebody(random))

    def bulk(self, random: Random) -> None:
        """Send one case."""
        name = random.choice(("submitTrades", "submitOrders", "replaceOrders", "cancelOrders"))
        root = self._documents.mutations
        variable = "trades" if name == "submitTrades" else "orders"
        draw = random.random()
        if draw < 0.1:
            entries = any_json(random)
        elif draw < 0.12:
            entries = "[" + ", ".join(["{}"] * 10_001) + "]"
        else:
            entries = "[" + ", ".join(self._entry(random) for _ in range(random.randrange(1, 20))) + "]"
        declared = root.fields[name].args[variable].type
        query = f"mutation($v: {declared}) {{ {name}({variable}: $v) {{ accepted refused outcomes }} }}"
        if random.random() < 0.1:  # In the query's own text: not quite JSON.
            query, variables = f"mutation {{ {name}({variable}: {entries[:15_000]}) {{ outcomes }} }}", None
        else:
            variables = f'{{"v": {entries}}}'
        self._target.graphql(graphql_body(query, variables), self._target.somebody(random))

    def _entry(self, random: Random) -> str:
        if random.random() < 0.1:
            return any_json(random)
        names = ("accountId", "symbol", "side", "quantity", "price", "type", "timeInForce", "limitPrice", "stopPrice")
        fields = {name: json.dumps(random.choice(self._target.known[name])) for name in names if random.random() < 0.9}
        for name in (*names, "orderId", "commandId", "clientOrderId", "surprise"):
            if random.random() < 0.1:
                fields[name] = any_json(random)
        return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"
