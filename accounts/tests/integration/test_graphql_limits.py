"""What the GraphQL endpoint refuses before anything runs, each with its code; and queries that are sent by hash."""

import hashlib
import itertools
import json
import time

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from graphql import get_introspection_query

from accounts.api.graphql import documents
from accounts.api.graphql.documents import SLOTS, PersistedDocuments, sha256_of
from accounts.api.graphql.view import graphql_view
from accounts.tests.integration.test_graphql import Api
from tradingplatform import urls
from tradingplatform.schema import schema

pytestmark = pytest.mark.django_db(transaction=True)

VIEWER = "{ viewer { username } }"
PAGES = """query($accounts: Int, $trades: Int = 7) { accounts(first: $accounts) { nodes { name
  trades(first: $trades) { nodes { price } } } } }"""


def post(body, **headers):
    return Client().post("/graphql", json.dumps(body), "application/json", headers=headers)


def error(query, status=400, **rest):
    answer = post({"query": query, **rest})
    assert answer.status_code == status, answer.content
    (found,) = answer.json()["errors"]
    assert "data" not in answer.json()
    return found["extensions"]


def code(query, **rest):
    return error(query, **rest)["code"]


class TestCost:
    """accounts 1 + a * (nodes 1 ... is 1 + a * (name 1 + trades 1 + nodes 1 + t * price 1)."""

    def test_a_list_multiplies_what_is_below_it(self):
        found = error("{ accounts(first: 500) { nodes { name trades(first: 20) { nodes { price } } } } }")
        assert found == {"code": "QUERY_TOO_COSTLY", "cost": 1 + 1 + 500 * (1 + 1 + 1 + 20), "limit": 10_000}

    def test_the_page_sizes_of_the_schema_count_where_none_are_given(self):
        query = "{ accounts { nodes { trades { nodes { price value symbol side } } } } }"
        assert error(query)["cost"] == 2 + 50 * (2 + 50 * 4)
        assert error(query.replace("accounts", "accounts(first: null)"))["cost"] == 2 + 50 * (2 + 50 * 4)

    def test_a_list_without_a_page_counts_as_ten(self):
        query = "{ accounts(first: 500) { nodes { positions { symbol quantity } } } }"
        assert error(query)["cost"] == 2 + 500 * (1 + 10 * 2)

    def test_variables_count_and_their_defaults(self):
        assert error(PAGES, variables={"accounts": 500, "trades": 20})["cost"] == 2 + 500 * (3 + 20)
        assert error(PAGES, variables={"accounts": 2_000})["cost"] == 2 + 2_000 * (3 + 7)
        assert post({"query": PAGES, "variables": {"accounts": 400}}).status_code == 200
        assert error(PAGES, variables={"accounts": 500, "trades": 20})["cost"] == 2 + 500 * (3 + 20)

    def test_fragments_count_where_they_are_spread(self):
        query = """query { a: accounts(first: 300) { ...Page } b: accounts(first: 100) { ...Page ...Page } }
          fragment Page on AccountConnection { edges { node { ...Twenty } } }
          fragment Twenty on Account { trades(first: 20) { ... on TradeConnection { nodes { price } } } }"""
        page = 1 + 1 + 1 + 20
        assert error(query)["cost"] == (2 + 300 * page) + (1 + 2 * (1 + 100 * page))

    def test_fragments_inside_fragments_are_counted_without_being_written_out(self):
        names = "abcdefghijklmnopqrst"
        fragments = [
            f"fragment {name} on Account {{ ...{below} ...{below} name }}" for name, below in itertools.pairwise(names)
        ]
        query = "{ accounts { nodes { ...a } } } " + " ".join(fragments) + " fragment t on Account { name }"
        began = time.perf_counter()
        assert error(query)["cost"] == 2 + 50 * (2**20 - 1)
        assert time.perf_counter() - began < 5

    def test_what_is_too_costly_asks_the_database_nothing(self):
        with CaptureQueriesContext(connection) as captured:
            assert code(PAGES, variables={"accounts": 5_000}) == "QUERY_TOO_COSTLY"
        assert len(captured) == 0

    def test_only_the_operation_that_runs_is_counted_with_its_variables(self):
        query = PAGES.replace("query(", "query Much(") + " query Little { viewer { username } }"
        variables = {"accounts": 5_000}
        assert code(query, variables=variables, operationName="Much") == "QUERY_TOO_COSTLY"
        assert post({"query": query, "variables": variables, "operationName": "Little"}).status_code == 200

    def test_introspection_is_not_counted(self):
        answer = post({"query": get_introspection_query(input_value_deprecation=True)}).json()
        assert len(answer["data"]["__schema"]["types"]) == len(schema.graphql_schema.type_map)


class TestForm:
    def mutations(self, count):
        mutation = 'depositCash(input: {accountId: "7", amount: "1"}) { __typename }'
        return "mutation {" + "\n".join(f"m{number}: {mutation}" for number in range(count)) + "}"

    def test_a_thousand_mutations_in_one_query_are_refused(self):
        assert code(self.mutations(1_000)) == "QUERY_TOO_LARGE"
        found = error(self.mutations(51))
        assert found == {"code": "TOO_MANY_ALIASES", "found": 51, "limit": 50}

    def test_fifty_are_not(self):
        answer = post({"query": self.mutations(50)})
        assert answer.status_code == 200
        assert {found["extensions"]["code"] for found in answer.json()["errors"]} == {"UNAUTHENTICATED"}

    def test_fields_at_the_root_are_bounded_through_fragments(self, monkeypatch):
        monkeypatch.setattr("accounts.api.graphql.query_limits.ROOT_FIELDS_MAX", 2)
        query = "{ ...A a: viewer { actor } } fragment A on Query { ... { viewer { actor } b: viewer { actor } } }"
        assert error(query) == {"code": "TOO_MANY_ROOT_FIELDS", "found": 3, "limit": 2}

    def test_levels_are_bounded(self):
        def nested(levels):
            return "trades(first: 1) { nodes { account { " * levels + "name" + " } } }" * levels

        assert post({"query": "{ accounts(first: 1) { nodes { " + nested(2) + " } } }"}).status_code == 200
        found = error("{ accounts(first: 1) { nodes { ...Deep } } } fragment Deep on Account { " + nested(3) + " }")
        assert found == {"code": "QUERY_TOO_DEEP", "found": 11, "limit": 10}

    def test_introspection_is_bounded(self):
        of_type = "ofType { " * 14 + "name" + " }" * 14
        assert code("{ __schema { types { " + of_type + " } } }") == "QUERY_TOO_DEEP"
        fields = "fields { type { " * 3 + "name" + " } }" * 3
        assert code("{ __schema { types { " + fields + " } } }") == "BAD_REQUEST"
        assert code("{ a: __schema { queryType { name } } }") == "TOO_MANY_ALIASES"
        assert code("{ __schema { ...S } } fragment S on __Schema { a: types { name } }") == "TOO_MANY_ALIASES"

    @pytest.mark.parametrize(
        "query",
        [
            "{ viewer { " + "actor " * 6 + "} }",
            "{ viewer { " + "...F0 " + "} }" + "".join(f"fragment F{n} on Viewer {{ actor }} " for n in range(21)),
            "{ "
            + "viewer { actor actor actor actor } ... "
            + "{ viewer { actor actor actor } } ..." * 300
            + "{ viewer }}",
            VIEWER + "#" * 20_000,
        ],
    )
    def test_what_is_long_to_look_at_is_refused_before_that(self, query):
        began = time.perf_counter()
        assert code(query) == "QUERY_TOO_LARGE"
        assert time.perf_counter() - began < 1

    @pytest.mark.parametrize(
        "query",
        ["{" * 15_000, "{ a" * 6_000, "{ ... " * 3_000, "{ viewer(a: " + "[" * 19_000, "query(" + "$a: [" * 3_000],
    )
    def test_endless_nesting_is_a_bad_request(self, query):
        assert code(query) == "BAD_REQUEST"

    def test_a_fragment_that_contains_itself_is_a_bad_request(self):
        assert code("{ viewer { ...A } } fragment A on Viewer { ...A }") == "BAD_REQUEST"
        assert code("{ viewer { ...Missing } }") == "BAD_REQUEST"
        assert code("fragment A on Viewer { actor }") == "BAD_REQUEST"

    def test_introspection_that_is_switched_off_says_so(self, settings):
        query = "{ __schema { queryType { name } } }"
        assert post({"query": query}).status_code == 200
        settings.GRAPHQL_INTROSPECTION = False
        assert code(query) == "INTROSPECTION_DISABLED"

    @pytest.mark.parametrize(
        "query", ["subscription S { viewer { actor } }", f"query Q {VIEWER} subscription S {VIEWER}"]
    )
    def test_a_subscription_is_refused_in_words(self, query):
        (found,) = post({"query": query, "operationName": "S"}).json()["errors"]
        assert found["extensions"]["code"] == "BAD_REQUEST"
        assert found["message"] == "the schema has no subscription: live changes come over WebSockets"


class TestBody:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"query": VIEWER, "Variables": {}}, "unknown field `Variables`"),
            ({"query": VIEWER, "operationname": "Q"}, "unknown field `operationname`"),
        ],
    )
    def test_a_member_that_there_is_not_is_named(self, body, said):
        (found,) = post(body).json()["errors"]
        assert (found["extensions"]["code"], said in found["message"]) == ("BAD_REQUEST", True)

    def test_a_member_that_is_given_twice_is_named(self):
        body = f'{{"query": "{VIEWER}", "query": "mutation {{ x }}"}}'
        (found,) = Client().post("/graphql", body, "application/json").json()["errors"]
        assert "the name 'query' 2 times" in found["message"]


class TestOperationName:
    TWO = "query A { viewer { username } } query B { viewer { actor } }"

    def test_one_of_several_operations_has_to_be_named(self):
        assert code(self.TWO) == "OPERATION_NAME_REQUIRED"
        assert code(self.TWO, operationName="C") == "OPERATION_NOT_FOUND"
        assert code(VIEWER, operationName="C") == "OPERATION_NOT_FOUND"

    def test_the_named_one_is_run(self):
        ada = Api("ada")
        body = json.dumps({"query": self.TWO, "operationName": "B"})
        headers = {"Authorization": f"Bearer {ada.key}"}
        answer = Client().post("/graphql", body, "application/json", headers=headers).json()
        assert answer["data"]["viewer"]["actor"].endswith("/bot")


class TestPersistedQueries:
    @pytest.fixture
    def ada(self):
        cache.clear()
        api = Api("ada")
        self.headers = {"Authorization": f"Bearer {api.key}"}
        return api

    @pytest.fixture
    def another_process(self, monkeypatch):
        """Serve the endpoint anew, as a web process does that has just started."""

        def restart():
            (endpoint,) = [pattern for pattern in urls.urlpatterns if getattr(pattern, "name", "") == "graphql"]
            monkeypatch.setattr(endpoint, "callback", graphql_view(schema.graphql_schema))

        restart()
        return restart

    def send(self, query=None, sha256=None, version=1, **body):
        if query is not None:
            body["query"] = query
        sha256 = sha256 or hashlib.sha256((query or VIEWER).encode()).hexdigest()
        body["extensions"] = {"persistedQuery": {"version": version, "sha256Hash": sha256}, "other": 1}
        answer = post(body, **self.headers)
        found = answer.json()
        return answer.status_code, found["errors"][0]["extensions"]["code"] if "errors" in found else found["data"]

    def test_a_query_is_known_by_its_hash_once_it_was_sent(self, ada, another_process):
        assert self.send() == (200, "PERSISTED_QUERY_NOT_FOUND")
        assert self.send(VIEWER) == self.send() == (200, {"viewer": {"username": "ada"}})

    def test_every_web_process_knows_it(self, ada, another_process):
        self.send(VIEWER)
        another_process()
        assert self.send() == (200, {"viewer": {"username": "ada"}})

    def test_variables_and_limits_are_of_each_request(self, ada, another_process):
        sha256 = sha256_of(PAGES)
        assert self.send(PAGES, variables={"accounts": 1}) == (200, {"accounts": {"nodes": []}})
        assert self.send(sha256=sha256, variables={"accounts": 5_000}) == (400, "QUERY_TOO_COSTLY")
        assert self.send(sha256=sha256, variables={"accounts": 1}) == (200, {"accounts": {"nodes": []}})

    def test_the_hash_of_another_query_is_refused_and_not_kept(self, ada, another_process):
        assert self.send("{ viewer { actor } }", sha256=sha256_of(VIEWER)) == (400, "PERSISTED_QUERY_MISMATCH")
        assert self.send() == (200, "PERSISTED_QUERY_NOT_FOUND")

    @pytest.mark.parametrize("change", [{"version": 2}, {"sha256": "x"}, {"sha256": "A" * 64}, {"sha256": "١" * 64}])
    def test_another_protocol_is_a_bad_request(self, ada, another_process, change):
        assert self.send(**change) == (400, "BAD_REQUEST")

    def test_a_bad_query_is_not_kept(self, ada, another_process):
        assert self.send("{ nothing }") == (400, "BAD_REQUEST")
        assert self.send(sha256=sha256_of("{ nothing }")) == (200, "PERSISTED_QUERY_NOT_FOUND")

    def test_nobody_without_a_login_fills_the_cache(self, ada, another_process):
        headers, self.headers = self.headers, {}
        assert self.send(VIEWER) == (200, "UNAUTHENTICATED")
        self.headers = {"Authorization": "Bearer wrong"}
        assert self.send(VIEWER) == (200, "UNAUTHENTICATED")
        self.headers = headers
        assert self.send() == (200, "PERSISTED_QUERY_NOT_FOUND")

    def test_a_text_in_the_cache_with_another_hash_is_not_run(self, ada, another_process):
        self.send(VIEWER)
        slot = f"persisted-query:{int(sha256_of(VIEWER)[:8], 16) % SLOTS}"
        assert cache.get(slot) == VIEWER
        cache.set(slot, "{ viewer { actor } }")
        assert self.send()[1] == {"viewer": {"username": "ada"}}
        another_process()
        assert self.send() == (200, "PERSISTED_QUERY_NOT_FOUND")

    def test_the_cache_forgets_and_is_bounded(self, ada, another_process, monkeypatch):
        self.send(VIEWER)
        slot = f"persisted-query:{int(sha256_of(VIEWER)[:8], 16) % SLOTS}"
        key = cache.make_key(slot)
        assert 0 < cache._cache.get_client().ttl(key) <= 7 * 24 * 60 * 60
        monkeypatch.setattr(documents, "SLOTS", 2)
        for number in range(9):
            self.send(VIEWER + f" # {number}")
        assert len(cache.get_many(["persisted-query:0", "persisted-query:1"])) == 2
        assert len(cache._cache.get_client().keys(cache.make_key("persisted-query:*"))) <= 3

    def test_a_process_keeps_the_texts_that_were_used_last(self, ada, monkeypatch):
        monkeypatch.setattr(documents, "TEXTS_IN_PROCESS_MAX", 2)
        texts = PersistedDocuments()
        for text in "abc":
            texts._keep(sha256_of(text), text)
        assert [texts.knows(sha256_of(text)) for text in "abc"] == [False, True, True]

    def test_a_cache_that_is_away_knows_nothing_and_stops_nothing(self, ada, another_process, settings):
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1/0",
            }
        }
        assert self.send() == (200, "PERSISTED_QUERY_NOT_FOUND")
        assert self.send(VIEWER) == self.send() == (200, {"viewer": {"username": "ada"}})


class TestExplorer:
    def test_a_browser_gets_a_page_that_needs_nothing_from_elsewhere(self):
        answer = Client().get("/graphql", headers={"Accept": "text/html,application/xhtml+xml"})
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'; script-src 'self'" in answer["Content-Security-Policy"]
        assert "://" not in answer.content.decode()

    def test_programs_and_switched_off_introspection_get_none(self, settings):
        assert Client().get("/graphql", headers={"Accept": "application/json"}).status_code == 405
        settings.GRAPHQL_INTROSPECTION = False
        assert Client().get("/graphql", headers={"Accept": "text/html"}).status_code == 405
