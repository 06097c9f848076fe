"""HTTP itself: headers, bytes that are no request, pages, the admin."""

from contextlib import suppress
from random import Random
from typing import Final
from urllib.parse import quote

from tests.fuzz.rest import METHODS
from tests.fuzz.target import JSON_TYPE, Headers, Target, whole_request
from tests.fuzz.values import any_text

HELD_OPEN_MAX: Final = 100
PAGES: Final = (
    *(
        "/",
        "/accounts",
        "/static/",
        "/static/missing.js",
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
    ),
    *(
        "/static/%00",
        "/static/%ff",
        "//",
        "///",
        "//evil.example/",
        "/%",
        "/%zz",
        "/%ff",
        "/%00",
        "/%0d%0aX: y",
        "/..",
        "/.git/config",
    ),
    *(
        "/admin",
        "/admin/",
        "/admin/login/",
        "/admin/logout/",
        "/admin/jsi18n/",
        "/admin/nothing/",
        "/admin/dead-letters",
    ),
    *(
        "/api",
        "/api/",
        "/api//",
        "/api/nothing",
        "/graphql/",
        "/graphql?query={__typename}",
        "/ws/accounts",
        "/favicon.ico",
    ),
)


class HttpWays:
    """What can be sent to any HTTP server, and to the pages of this one."""

    def __init__(self, target: Target, admin_paths: list[str]) -> None:
        self._target = target
        self._admin_paths = admin_paths

    def headers(self, random: Random) -> None:
        """Send one case."""
        secret = next(value for _, value in self._target.credentials["trader"])
        name, value = _awkward_header(random, any_text(random)[:20_000], secret)
        value = value.replace("\r", "").replace("\n", "")[:20_000]
        pairs: Headers = [(name, value)]
        if name not in ("Authorization", "Cookie") and random.random() < 0.6:
            pairs += self._target.somebody(random)
        if random.random() < 0.05:
            pairs.append((name, value))
        path = random.choice(
            (
                "/graphql",
                "/api/accounts",
                "/api/session",
                "/api/schema",
                "/",
                "/admin/",
                "/static/x",
                *self._account_paths(),
            )
        )
        body = b'{"query": "{ viewer { username } }"}' if path == "/graphql" else None
        if body is not None and name != "Content-Type":
            pairs.append(JSON_TYPE)
        request = whole_request(self._target.port, "GET" if body is None else "POST", path, pairs, body)
        self._target.send(request, path="" if path == "/graphql" else path.replace("/api/", "/"), may_be_cut=True)

    def _account_paths(self) -> list[str]:
        account_id = self._target.known["account_id"][0]
        return [f"/api/accounts/{account_id}{rest}" for rest in ("", "/portfolio", "/trades", "/trades.csv", "/as-of")]

    def raw(self, random: Random) -> None:
        """Send one case."""
        path = random.choice(("/graphql", "/api/session", "/api/accounts", "/admin/login/", "/", "/static/x"))
        body = b'{"query": "{ __typename }"}'
        host = f"Host: 127.0.0.1:{self._target.port}"
        kind = random.choice(
            ("chunks", "lengths", "lines", "pipelined", "cut", "slow", "damaged", "noise", "both", "many")
        )
        post = f"POST {path} HTTP/1.1\r\n{host}\r\nContent-Type: application/json\r\n"
        if kind == "chunks":
            size = random.choice(
                ("5", "0", "-1", "x", "ffffffffffffffff", "5;ext=" + "a" * 5_000, "00000005", "+5", "")
            )
            end = random.choice(("0\r\n\r\n", "0\r\nTrailer: x\r\n\r\n", "0\r\n", ""))
            sent = f"{post}Transfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n{end}".encode()
        elif kind == "lengths":
            length = random.choice(("0", "1", "-1", "9" * 30, "0x10", "1, 2", "", "27\r\nContent-Length: 28", "٣"))
            sent = f"{post}Content-Length: {length}\r\n\r\n".encode() + body
        elif kind == "lines":
            line = random.choice(
                (
                    "GET",
                    "GET /",
                    "GET / HTTP/9.9",
                    "GET / HTTP/0.9",
                    " GET / HTTP/1.1",
                    "GET  /  HTTP/1.1",
                    "\x00",
                    "GET " + "/" + "a" * 70_000 + " HTTP/1.1",
                    "GET http://a/b HTTP/1.1",
                    "OPTIONS * HTTP/1.1",
                    "PRI * HTTP/2.0",
                )
            )
            sent = f"{line}\r\n{host}\r\n\r\n".encode()
        elif kind == "pipelined":
            sent = f"GET {path} HTTP/1.1\r\n{host}\r\n\r\n".encode() * random.randint(2, 50)
        elif kind == "both":
            coding = random.choice(("chunked", "gzip, chunked", "chunked, x", "CHUNKED"))
            sent = f"{post}Content-Length: 5\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n".encode()
        elif kind == "many":
            sent = (
                post
                + "".join(
                    f"X-{n}: {'y' * random.choice((1, 1_000))}\r\n" for n in range(random.choice((99, 101, 2_000)))
                )
                + "\r\n"
            ).encode()
        elif kind == "noise":
            sent = random.randbytes(random.choice((1, 100, 100_000)))
        else:
            sent = f"{post}Content-Length: {len(body)}\r\n\r\n".encode() + body
            if kind == "damaged":
                place = random.randrange(len(sent))
                sent = sent[:place] + random.randbytes(random.randrange(1, 5)) + sent[place + 1 :]
            elif kind == "cut":
                sent = sent[: random.randrange(1, len(sent))]
        if kind in ("slow", "cut", "noise", "chunks", "lengths", "damaged", "both", "many", "lines"):
            self._send_and_leave(sent, hold=kind == "slow")
        else:
            self._target.send(sent, path="", may_be_cut=True)

    def _send_and_leave(self, sent: bytes, *, hold: bool) -> None:
        """Send what may never be answered; look for an answer for a moment, and hang up or stay."""
        connection = self._target.connect()
        connection.settimeout(0.3)
        received = b""
        with suppress(OSError):
            connection.sendall(sent[:-1] if hold else sent)
            received = b"" if hold else connection.recv(65_536)
        status = int(received[9:12]) if received.startswith(b"HTTP/1.") and received[9:12].isdigit() else 0
        self._target.judge.statuses[f"{self._target.way} {status or 'none'}"] += 1
        if status >= 500 and not (status == 505 and b"HTTP/" in sent):  # Of HTTP/9.9 the server's own refusal.
            self._target.judge.find(self._target.case, repr(sent[:300]), [f"answered {received[:300]!r}"])
        if not hold:
            connection.close()
            return
        self._target.held_open.append(connection)
        if len(self._target.held_open) > HELD_OPEN_MAX:
            self._target.held_open.pop(0).close()

    def pages(self, random: Random) -> None:
        """Send one case."""
        path = random.choice(PAGES)
        if random.random() < 0.4:
            path += random.choice(("?", "/", "?next=", "%2e%2e/")) + quote(any_text(random)[:500], errors="replace")
        method = "GET" if random.random() < 0.7 else random.choice(METHODS)
        headers = self._target.somebody(random)
        body = None
        if path.startswith("/admin/login/") and random.random() < 0.7:
            method, headers = (
                "POST",
                [*self._target.credentials["csrf"], ("Content-Type", "application/x-www-form-urlencoded")],
            )
            token = dict(headers).get("X-CSRFToken", "")
            pairs = [
                ("username", any_text(random)[:1_000]),
                ("password", any_text(random)[:1_000]),
                ("csrfmiddlewaretoken", token),
            ]
            body = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in pairs).encode()
        is_api = path.startswith(("/graphql", "/api"))
        request = whole_request(self._target.port, method, path, headers, body)
        self._target.send(
            request,
            path="" if is_api else path,
            method=method,
            may_be_cut="\r" in path or "%" in path or method in ("CONNECT", "get"),
        )

    def admin(self, random: Random) -> None:
        """Send one case."""
        path = random.choice(self._admin_paths)
        names = (
            "q",
            "p",
            "o",
            "e",
            "all",
            "_facets",
            "_popup",
            "_to_field",
            "id__exact",
            "pk__in",
            "next",
            "account_id",
            "status",
            "x__y__gte",
        )
        pairs = [(random.choice(names), any_text(random)[:500]) for _ in range(random.randrange(4))]
        query = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in pairs)
        if random.random() < 0.2:
            path += quote(any_text(random)[:100], safe="", errors="replace") + random.choice(
                ("/", "/change/", "/history/", "/delete/")
            )
        self._target.ask("GET", path + (f"?{query}" if query else ""), self._target.credentials["staff"])


def _awkward_header(random: Random, text: str, secret: str) -> tuple[str, str]:
    """Return a header that a server has to understand, with a value that it may not."""
    return random.choice(
        (
            (
                "Authorization",
                random.choice(
                    (text, "Bearer", "Bearer ", f"Bearer {text}", f"Basic {text}", "bearer  x y", secret + text)
                ),
            ),
            (
                "Authorization",
                random.choice((secret.replace("Bearer", "BEARER"), secret.replace(" ", "\t"), secret + ", " + secret)),
            ),
            (
                "Cookie",
                random.choice(
                    (
                        f"sessionid={text}",
                        f"csrftoken={text}",
                        text,
                        "a=b; " * 500,
                        'sessionid="\\000"',
                        "$Version=1",
                    )
                ),
            ),
            (
                "Host",
                random.choice(
                    (
                        text,
                        "",
                        "evil.example",
                        "localhost:99999",
                        "127.0.0.1:abc",
                        "[::1]",
                        "x-" * 5_000,
                        "user@localhost",
                    )
                ),
            ),
            (
                "Origin",
                random.choice((text, "null", "http://", "https://127.0.0.1", "://", "http://[", "http://127.0.0.1:x")),
            ),
            ("Referer", random.choice((text, "http://[", "https://127.0.0.1/"))),
            (
                "Content-Type",
                random.choice(
                    (text, "application/json; charset=x", "multipart/form-data", 'text/plain; charset="', "/", ";")
                ),
            ),
            (
                "Accept",
                random.choice(
                    (
                        text,
                        "*/*;q=x",
                        "application/xml",
                        "text/html",
                        "a/b;" * 200,
                        "/",
                        ",,,",
                        "application/json; indent=99999999999",
                    )
                ),
            ),
            ("Accept-Language", random.choice((text, "x" * 500, "de;q=9", "-" * 600))),
            ("Accept-Encoding", random.choice((text, "gzip;q=x", "identity;q=0, *;q=0"))),
            ("If-None-Match", random.choice((text, "*", '"', 'W/"', '"a", ' * 200))),
            ("If-Modified-Since", random.choice((text, "Thu, 99 Jan 9999 99:99:99 GMT"))),
            ("Range", random.choice((text, "bytes=0-", "bytes=-1", "bytes=9-1", "bytes=0-0,1-1," * 50))),
            ("X-CSRFToken", text),
            ("X-Forwarded-For", text),
            ("X-HTTP-Method-Override", random.choice(METHODS)),
            ("Expect", random.choice((text, "100-continue", "200-ok"))),
            ("Upgrade", random.choice((text, "h2c", "websocket"))),
            ("Sec-WebSocket-Protocol", text),
        )
    )
