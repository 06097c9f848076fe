"""What anybody may send to a running platform is refused early, costs the others nothing, and leaves in no log a secret
or a traceback.
"""

import asyncio
import json
import socket
import time

import httpx
import pytest
import websockets
from django.conf import settings

MEGABYTE = 1024 * 1024
PASSWORD = "correct-horse-battery-staple-7"
UNKNOWN_KEY = "tp_0123456789ab_" + "Z9" * 21 + "Z"


@pytest.fixture
def address(platform):
    return "127.0.0.1", platform.port


def head(method, path, *headers):
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", "")).encode()


def answer_of(connection):
    """Return the status and the whole answer; the server closes the connection."""
    connection.settimeout(10)
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionResetError:
        pass  # It does not read on: what was on the way is thrown away.
    return int(received.split()[1]), received.decode(errors="replace")


PATHS = ("/graphql", "/api/session", "/api/keys", "/api/accounts", "/api/nothing", "/admin/login/", "/", "/a/page")


def send_a_gigabyte(connection, path):
    """Send a body in chunks; return how much of it could be sent."""
    chunk = b"%x\r\n" % MEGABYTE + b"x" * MEGABYTE + b"\r\n"
    connection.sendall(head("POST", path, "Transfer-Encoding: chunked"))
    sent = 0
    try:
        while sent < 1024 * MEGABYTE:
            connection.sendall(chunk)
            sent += MEGABYTE
    except OSError:
        pass
    return sent


def test_fields_that_outlive_their_query_keep_no_connection_from_the_others(platform, key):
    """As many queries as the pool has connections, and more: one field fails at once, those beside it go on."""
    query = """{ accountPerformance(id: "none", from: "never") { period }
      accounts { nodes { name positions { symbol } } }
      waiting: account(id: "0b5c1f3e-0000-4000-8000-00000000000a", minVersion: 99999) { version } }"""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=platform.base_url, headers=headers, timeout=15) as client:
        for _ in range(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] + 2):
            assert "errors" in client.post("/graphql", json={"query": query}).json()
        began = time.monotonic()
        assert [client.get("/api/accounts").status_code for _ in range(5)] == [200] * 5
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_a_gigabyte_is_refused_after_the_limit_and_not_read_on(address, path):
    with socket.create_connection(address) as connection:
        assert send_a_gigabyte(connection, path) < 64 * MEGABYTE  # 8 were read; others filled the buffers on the way.
        status, text = answer_of(connection)
        assert (status, "REQUEST_TOO_LARGE" in text) == (413, True)


@pytest.mark.parametrize("path", ["/static/nothing.js", "/static/admin/css/base.css"])
def test_a_body_for_a_file_is_not_read_at_all(address, path):
    with socket.create_connection(address) as connection:
        assert send_a_gigabyte(connection, path) < 64 * MEGABYTE


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_announces_a_gigabyte_is_refused_at_once(address, path):
    with socket.create_connection(address) as connection:
        connection.sendall(head("POST", path, f"Content-Length: {1024 * MEGABYTE}") + b"x")
        assert answer_of(connection)[0] == 413


def test_connections_that_say_nothing_keep_nobody_out(address, platform):
    idle = [socket.create_connection(address) for _ in range(1_200)]
    try:
        assert httpx.get(f"{platform.base_url}/api/session", timeout=10).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_what_is_no_json_is_a_bad_request_everywhere(platform):
    login = json.dumps({"username": "ada", "password": PASSWORD}).encode()
    bodies = (
        b"[" * 100_000,
        b'{"password": "' + PASSWORD.encode() + b'", "username": ' + b"[" * 100_000,
        b'{"query": "{ viewer { username } }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"query": "' + b"{a" * 9_000 + b'"}',
        b'{"username": "ada", "password": "' + PASSWORD.encode() + b'\xff"}',
        b"\xef\xbb\xbf" + login,
        login.decode().encode("utf-16"),
        login[:-1],
        login[:-1] + b', "n": ' + b"9" * 5_000 + b"}",
        login[:-1] + b', "n": NaN}',
    )
    with httpx.Client(base_url=platform.base_url, timeout=30) as client:
        token = client.get("/api/session").json()["csrf_token"]
        headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
        for path in ("/api/session", "/graphql"):
            for body in bodies:
                began = time.monotonic()
                answer = client.post(path, content=body, headers=headers)
                assert answer.status_code == 400, (path, body[:60], answer.text[:200])
                assert time.monotonic() - began < 2
                assert PASSWORD not in answer.text
        wrong = {"Content-Encoding": "gzip"}, {"Content-Type": "application/json; charset=utf-16"}
        for more in (*wrong, {"Content-Type": "multipart/form-data; boundary=x"}):
            for path in ("/api/session", "/graphql"):
                answer = client.post(path, content=login, headers={**headers, **more})
                assert answer.status_code == 415, (path, more)


def test_chunks_that_are_none_and_hosts_that_are_not_ours_are_bad_requests(address, platform):
    for size in ("", "x", "-1", "+5"):
        with socket.create_connection(address) as connection:
            connection.sendall(head("POST", "/graphql", "Transfer-Encoding: chunked") + f"{size}\r\nhello\r\n".encode())
            assert answer_of(connection)[0] == 400, size
    for host in ("evil.example", "127.0.0.1:abc", "", "a\tb", "x" * 9_000):
        for path in ("/graphql", "/api/accounts", "/", "/admin/"):
            answer = httpx.post(f"{platform.base_url}{path}", headers={"Host": host}, content=b"{}")
            assert answer.status_code == 400, (host, path)
            assert ("BAD_REQUEST" in answer.text) == (path in ("/graphql", "/api/accounts"))


def test_under_api_every_refusal_is_a_problem_and_no_parameter_is_passed_over(platform):
    with httpx.Client(base_url=platform.base_url, timeout=20) as client:
        for method in ("POST", "PUT", "DELETE"):
            refused = client.request(method, "/api/health/live")
            assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
            refused = client.request(method, "/api/docs", headers={"Accept": "text/html"})
            assert (refused.status_code, refused.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
        for query in ("x=1", "lang=xx", "format=yaml"):
            told = client.get(f"/api/schema?{query}")
            assert (told.status_code, told.json()["code"]) == (400, "BAD_REQUEST")
        for path in ("/api/health/live", "/api/health/ready"):
            told = client.get(f"{path}?x=1")
            assert (told.status_code, told.json()["detail"]) == (400, "there is no parameter 'x': this path has none")
        assert client.get("/api/schema", headers={"Accept": "application/json"}).json()["openapi"]


def test_what_the_admin_refuses_is_no_fault(platform):
    with httpx.Client(base_url=platform.base_url, timeout=20) as client:
        token = client.get("/api/session").json()["csrf_token"]
        login = {"username": "admin", "password": "demo-password"}
        assert client.post("/api/session", json=login, headers={"X-CSRFToken": token}).status_code == 200
        assert client.get("/admin/readmodels/accountsummary/x/delete/").status_code in (403, 404)
        for name in ("x", "a%0Ab", "\u202e"):
            assert client.get(f"/admin/readmodels/accountsummary/?_to_field={name}").status_code == 400


COOKIES = (
    'sessionid="\\000\\000\\000\\000\\000\\000\\000\\000"',
    "sessionid=" + "x" * 5_000,
    'sessionid="',
    "=;=",
    "csrftoken=%00",
)
KEYS = ("Bearer", f"Bearer {UNKNOWN_KEY}", "Bearer \xff\xfe", "Basic " + "x" * 9_000, "Bearer tp__")


def test_no_cookie_or_key_is_a_fault_of_ours(platform):
    with httpx.Client(base_url=platform.base_url) as client:
        for cookie in COOKIES:
            for path in ("/api/session", "/api/accounts", "/admin/", "/"):
                assert client.get(path, headers={"Cookie": cookie}).status_code < 500, (cookie, path)
        for value in KEYS:
            for path in ("/api/accounts", "/graphql", "/api/keys"):
                headers = {"Authorization": value.encode("latin-1"), "Content-Type": "application/json"}
                assert client.post(path, headers=headers, content=b"{}").status_code < 500, (value, path)


async def code_of(live, *, saying=None):
    """Return the code that a socket is closed with, sending it something again and again."""
    try:
        while True:
            if saying is not None:
                await live.send(saying)
            await asyncio.wait_for(live.recv(), 10)
    except websockets.ConnectionClosed as closed:
        return closed.rcvd.code


@pytest.mark.parametrize("feed", ["accounts", "market"])
def test_a_socket_answers_nonsense_and_is_closed_with_a_code(platform, key, feed):
    url = f"ws://127.0.0.1:{platform.port}/ws/{feed}"
    headers = {"Authorization": f"Bearer {key}"}

    async def scenario():
        async with websockets.connect(url, additional_headers=headers, max_size=None) as live:
            for frame in ("hello", "[" * 4_000, b"\x00\xff", '{"type": "subscribe"}', "\ud7ff"):
                await live.send(frame)
            errors = 0
            while errors < 5:
                message = json.loads(await asyncio.wait_for(live.recv(), 10))
                errors += message.get("code") == "INVALID_MESSAGE"
            await live.send("x" * MEGABYTE)
            assert await code_of(live) == 1009
        async with websockets.connect(url, additional_headers=headers, max_size=None) as live:
            assert await code_of(live, saying="[]") == 4429

    asyncio.run(scenario())


def test_sockets_of_no_feed_of_nobody_and_of_other_pages_are_closed_with_a_code(platform, key):
    async def code_at(path, **options):
        async with websockets.connect(f"ws://127.0.0.1:{platform.port}{path}", **options) as live:
            return await code_of(live)

    async def scenario():
        with_key = {"additional_headers": {"Authorization": f"Bearer {key}"}}
        for path in ("/ws/nothing", "/ws/accounts/", "/ws/accounts/x", "/ws/%ff", "/", "/graphql"):
            assert await code_at(path, **with_key) == 4404
            assert await code_at(path, origin=f"http://127.0.0.1:{platform.port}") == 4401
        assert await code_at("/ws/dashboard", **with_key) == 4403
        assert await code_at("/ws/accounts", additional_headers={"Authorization": f"Bearer {UNKNOWN_KEY}"}) == 4401
        for origin in (f"http://127.0.0.1:{platform.port + 1}", f"http://localhost:{platform.port}", "null", None):
            with pytest.raises(websockets.InvalidStatus, match="403"):
                await code_at("/ws/market", origin=origin)

    asyncio.run(scenario())


def test_no_log_holds_a_secret_or_a_traceback_of_what_was_sent(platform, key):
    """After all of the above: what was sent is searched for in every log of the platform."""
    with httpx.Client(base_url=platform.base_url) as client:
        token = client.get("/api/session").json()["csrf_token"]
        headers = {"X-CSRFToken": token}
        for password in (PASSWORD, [PASSWORD], {"a": PASSWORD}, PASSWORD + "\x00"):
            client.post("/api/session", json={"username": "eve", "password": password}, headers=headers)
        client.post(f"/api/session?password={PASSWORD}&key={key}", json={}, headers=headers)
        client.get(f"/api/accounts?key={key}&password={PASSWORD}")
        client.post("/admin/login/", data={"username": "eve", "password": PASSWORD, "csrfmiddlewaretoken": token})
        client.post("/graphql", content=b"[" * 9_000, headers={"Authorization": f"Bearer {key}"})
        client.get(f"/api/{key}")
        cookies = list(client.cookies.values())
    logs = {path.name: path.read_text() for path in platform.data_dir.glob("*.log")}
    assert "web.log" in logs
    for name, text in logs.items():
        for secret in (PASSWORD, key, UNKNOWN_KEY, *cookies):
            assert secret not in text, name
    assert "Traceback" not in logs["web.log"], logs["web.log"][-4_000:]
