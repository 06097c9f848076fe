"""Requests are held to their limits while they arrive, whatever path they are sent to."""

import asyncio
import json
from pathlib import Path

import pytest

from edge import requests, sockets
from edge.requests import BODY_BYTES_MAX, RequestLimits


def serve(messages, *, path="/api/session", headers=(), query=b"", limits=None):
    """Send a request; return the status, the answer, what the application got, and how many messages were read."""
    waiting, sent, got, read = list(messages), [], [], 0

    async def application(scope, receive, send):
        got.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive():
        nonlocal read
        if not waiting:
            await asyncio.sleep(60)  # A caller that sends no more.
        read += 1
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "query_string": query, "headers": list(headers)}
    limits = limits or RequestLimits(application)
    limits._application = application
    asyncio.run(limits(scope, receive, send))
    assert limits._bytes_held == 0
    start, body = sent
    if start["status"] != 200:
        assert (b"connection", b"close") in start["headers"]
    return start["status"], json.loads(body["body"]), got, read


def chunks(size, count):
    return [{"type": "http.request", "body": b"x" * size, "more_body": True} for _ in range(count)]


END = {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    "path", ["/graphql", "/api/session", "/api/accounts", "/admin/login/", "/nothing", "/api/health"]
)
def test_a_body_is_refused_at_the_limit_and_not_read_on(path):
    status, answer, got, read = serve(chunks(1024 * 1024, 1_000), path=path)
    assert (status, got, read) == (413, [], 9)
    code = answer["errors"][0]["extensions"]["code"] if path == "/graphql" else answer["code"]
    assert code == "REQUEST_TOO_LARGE"


def test_a_body_that_says_that_it_is_too_large_is_not_read_at_all():
    for length in (str(BODY_BYTES_MAX + 1), "9" * 400):
        status, _, got, read = serve([], headers=[(b"content-length", length.encode())])
        assert (status, got, read) == (413, [], 0)


def test_a_body_of_the_limit_is_handed_on_as_one():
    status, _, got, _ = serve([*chunks(BODY_BYTES_MAX // 8, 8), END])
    assert (status, len(got[0]["body"]), got[0]["more_body"]) == (200, BODY_BYTES_MAX, False)


def test_a_body_that_does_not_come_holds_nothing_for_ever(monkeypatch):
    monkeypatch.setattr(requests, "BODY_SECONDS_MAX", 0.05)
    status, answer, got, _ = serve(chunks(1, 3))
    assert (status, answer["code"], got) == (408, "REQUEST_TOO_SLOW", [])


def test_a_body_that_is_not_whole_is_refused_whether_its_caller_has_gone_or_sent_no_chunks():
    status, answer, got, _ = serve([*chunks(10, 2), {"type": "http.disconnect"}])
    assert (status, answer["code"], got) == (400, "BAD_REQUEST", [])


def test_all_bodies_together_are_bounded(monkeypatch):
    monkeypatch.setattr(requests, "BODIES_BYTES_MAX", 100)
    status, answer, got, _ = serve([*chunks(60, 2), END], path="/graphql")
    assert (status, got) == (503, [])
    assert answer["errors"][0]["extensions"] == {"code": "OVERLOADED", "retry_after_ms": 1_000}
    assert serve([*chunks(60, 1), END])[0] == 200


def test_a_client_that_does_not_read_is_let_go(monkeypatch):
    monkeypatch.setattr(requests, "SEND_SECONDS_MAX", 0.05)
    ended = []

    async def application(scope, receive, send):
        try:
            await send({"type": "http.response.body", "body": b"part"})
        finally:
            ended.append(True)

    async def full(_message):
        await asyncio.sleep(60)

    async def receive():
        return END

    scope = {"type": "http", "path": "/", "query_string": b"", "headers": []}
    asyncio.run(RequestLimits(application)(scope, receive, full))
    assert ended == [True]


@pytest.mark.parametrize(
    "header",
    [
        (b"content-encoding", b"gzip"),
        (b"content-encoding", b"br, gzip"),
        (b"content-type", b"application/json; charset=utf-16"),
        (b"content-type", b'application/json;Charset="UTF-7"'),
        (b"content-type", b"text/plain; charset=rot13"),
        (b"content-type", b"application/json; charset="),
    ],
)
def test_another_encoding_than_plain_utf8_is_refused(header):
    status, answer, got, _ = serve([END], headers=[header])
    assert (status, answer["code"], got) == (415, "UNSUPPORTED_MEDIA_TYPE", [])


def test_utf8_by_any_of_its_names_is_taken():
    for value in (b"application/json", b"application/json; charset=UTF-8", b'application/json; charset="utf8"'):
        assert serve([END], headers=[(b"content-type", value), (b"content-encoding", b"identity")])[0] == 200


@pytest.mark.parametrize(
    ("path", "query"), [("/api/keys/a\x00", b""), ("/admin/", b"q=%00"), ("/api/accounts", b"a%00=1")]
)
def test_a_nul_in_the_address_is_refused(path, query):
    assert serve([END], path=path, query=query)[:2] == (
        400,
        {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "the address has a NUL character (%00), which no text here can have",
            "code": "BAD_REQUEST",
        },
    )
    assert serve([END], query=b"q=%2500")[0] == 200


def test_the_limits_in_the_documentation_are_those_of_the_code():
    docs = Path(requests.__file__).parent.parent / "docs"
    api, live = (docs / "api.md").read_text(), (docs / "live.md").read_text()
    assert f"| {BODY_BYTES_MAX // 1024**2} MiB, counted while it arrives |" in api
    assert f"| time of a body | {requests.BODY_SECONDS_MAX:g} s |" in api
    assert f"| {requests.BODIES_BYTES_MAX // 1024**2} MiB | 503 `OVERLOADED` |" in api
    assert f"does not read | {requests.SEND_SECONDS_MAX:g} s |" in api
    assert f"A message has at most {sockets.MESSAGE_CHARACTERS_MAX:,} characters" in live
    assert (
        f"takes {sockets.MESSAGES_PER_SECOND_MAX} messages a second, and\n{sockets.MESSAGES_AT_ONCE_MAX} at once"
        in live
    )
    codes = {value for name, value in vars(sockets).items() if name.startswith("CLOSE_")}
    assert all(f"\n| {code} |" in live for code in codes)
