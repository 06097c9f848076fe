"""The fuzzer proves itself: each kind of fault is planted and found, and what is no fault is not."""

import asyncio
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import graphene
import pytest
from django.test import RequestFactory
from graphql import build_schema

from accounts.api.graphql.view import graphql_view
from tests.fuzz import judge as judging
from tests.fuzz.campaign import SCHEMA, known_values
from tests.fuzz.documents import Documents
from tests.fuzz.judge import Answer, Judge, Logs
from tests.fuzz.target import Target, close_code, frame
from tests.fuzz.ways import ways_in

ACCOUNT = "0b6c7a54-0000-4000-8000-000000000001"


def answer(status=200, body=b"{}", seconds=0.1, **headers):
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, seconds)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/", answer(500)),
        ("/", answer(502)),
        ("/", answer(503)),  # It does not say when to come again.
        ("/", answer(0)),
        ("/", answer(200, b"<pre>Traceback (most")),
        ("/", answer(seconds=60)),
        ("/graphql", answer(200, b"no JSON")),
        ("/graphql", answer(200, b"[]")),
        ("/graphql", answer(200, b'{"errors": [{"message": "x"}]}')),
        ("/graphql", answer(200, b'{"errors": [{"extensions": {"code": "INTERNAL_ERROR"}}]}')),
        (
            "/graphql",
            answer(400, b'{"errors": [{"extensions": {"code": "BAD_REQUEST"}}, {"extensions": {"code": 1}}]}'),
        ),
        ("/graphql", answer(200, b'{"data": {"submitTrades": {"outcomes": [{}, {"code": "OUTCOME_UNKNOWN"}]}}}')),
        ("/api/accounts", answer(404, b"<html>", content_type="text/html")),
        ("/api/accounts", answer(400, b"{}", content_type="application/problem+json")),
        ("/api/accounts", answer(400, b'{"code": "ERROR"}', content_type="application/problem+json")),
    ],
)
def test_an_answer_that_blames_the_platform_is_found(path, given):
    assert judging.faults_of_answer(path, given) != []


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/", answer(404, b"<html>")),
        ("/", answer(503, retry_after="1")),
        ("/graphql", answer(200, b'{"data": {"openAccount": {"code": "INVALID_NAME"}}}')),
        ("/graphql", answer(400, b'{"errors": [{"extensions": {"code": "BAD_REQUEST"}}]}')),
        ("/graphql", answer(200, b'{"data": {"submitTrades": {"outcomes": [{"version": 2}, {"code": "NOT_FOUND"}]}}}')),
        ("/api/accounts", answer(400, b'{"code": "BAD_REQUEST"}', content_type="application/problem+json")),
    ],
)
def test_a_refusal_is_no_finding(path, given):
    assert judging.faults_of_answer(path, given) == []


def test_a_traceback_and_a_secret_in_a_log_are_found_and_only_in_what_is_new(tmp_path):
    log = tmp_path / "web.log"
    log.write_text("Traceback (most recent call last):\n an old one\n")
    logs = Logs(tmp_path)
    assert logs.news() == {}
    with log.open("a") as written:
        written.write("info\nTraceback (most recent call last):\n  File x\nValueError: tp_secret\n")
    (name, text), *more = logs.news().items()
    assert more == []
    assert len(judging.faults_of_log(name, text, ["tp_secret", "other"])) == 2
    assert judging.faults_of_log("web", "info: all is well", ["tp_secret"]) == []


def test_a_process_that_ended_is_found_even_when_another_took_its_place():
    before = {"web": frozenset({1, 2}), "writer": frozenset({3})}
    assert judging.faults_of_processes(before, before | {"web": frozenset({1, 2, 9})}) == []
    assert len(judging.faults_of_processes(before, before | {"web": frozenset({1, 9})})) == 1
    assert len(judging.faults_of_processes(before, {"web": frozenset({1, 2})})) == 1


def test_a_client_that_was_refused_or_waited_is_found():
    assert judging.faults_of_innocent([0.1, 0.2], []) == []
    assert len(judging.faults_of_innocent([0.1, 60.0], ["503"])) == 2
    assert len(judging.faults_of_innocent([], [])) == 1


def test_a_socket_that_failed_is_found():
    judge = Judge()
    for code in (1000, 1009, 4429, 1011):
        judge.closed(way="w", case="c", sent="", code=code)
    assert [finding.fault for finding in judge.findings] == ["the socket was closed with 1011"]


def test_the_code_of_a_close_frame_is_read_behind_other_frames():
    sent = frame(1, b"x" * 300, masked=False) + frame(9, b"", masked=False) + frame(8, b"\x03\xf3bye", masked=False)
    assert close_code(sent) == 1011
    assert close_code(sent[:303]) is None


def test_a_resolver_that_raises_is_found_through_the_view_itself(caplog):
    """The view turns every exception into an answer; the answer must give it away."""

    class Query(graphene.ObjectType):
        price = graphene.String(text=graphene.String())

        def resolve_price(self, info, text):
            return str(1 / len(text))

    view = graphql_view(graphene.Schema(query=Query).graphql_schema)
    found = []
    for text in ("x", ""):
        body = {"query": f'{{ price(text: "{text}") }}'}
        response = asyncio.run(view(RequestFactory().post("/graphql", body, content_type="application/json")))
        found.append(judging.faults_of_answer("/graphql", answer(response.status_code, response.content)))
    assert (found[0], len(found[1])) == ([], 1)


class Planted(BaseHTTPRequestHandler):
    """A server with one fault: it fails for texts with NUL."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = (500, b"") if b"\\u0000" in body else (200, b'{"data": null}')
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def planted():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Planted)
    threading.Thread(target=server.serve_forever).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("way", ["graphql-variables", "bulk", "graphql-body"])
def test_a_planted_fault_is_found_through_every_way_that_leads_to_it_and_again_by_its_case(planted, way):
    def found(numbers):
        target = Target(planted, Judge(), {"nobody": [], "trader": []}, known_values(ACCOUNT))
        send = ways_in(target, Documents(build_schema(SCHEMA.read_text()), target.known), {}, [])[way]
        for number in numbers:
            target.begin(way, number)
            send(Random(f"7/{way}/{number}"))
        return target.judge.findings

    findings = found(range(80))
    assert findings != []
    number = int(findings[0].case.rpartition(" ")[2])
    assert found([number])[0] == findings[0]


def test_the_command_says_what_it_takes():
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--help"], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--minutes", "--seed", "--way", "--case"))
