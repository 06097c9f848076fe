"""A WebSocket stays open exactly as long as what it stands on: user, key or session, and access to its account."""

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from edge import database
from identity import websocket
from identity.api_keys import create_api_key
from identity.credentials import LOOK_SECONDS, find_ended
from identity.models import AccountAccess, ApiKey
from identity.permissions import give_role, grant_ownership
from identity.websocket import WebSocketAuthentication

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT = "0b5c1f3e-0000-4000-8000-00000000000a"
PATH = f"/ws/accounts/{ACCOUNT}"
SECONDS_MAX = 1.0


@pytest.fixture
def ada():
    user = get_user_model().objects.create_user("ada", password="a long password")
    grant_ownership(user=user, account_id=ACCOUNT)
    return user


async def echo(scope, receive, send):
    """An application that accepts, says who it sees, and sends back what it gets."""
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": scope["user"].get_username()})
        else:
            await send({"type": "websocket.send", "text": message["text"]})


def like_granian(application):
    """Serve as Granian does: a close waits as long as somebody waits to receive."""

    async def serve(scope, receive, send):
        receiving = asyncio.Lock()

        async def receive_alone():
            async with receiving:
                return await receive()

        async def send_when_free(message):
            if message["type"] == "websocket.close":
                async with receiving:
                    await send(message)
            else:
                await send(message)

        await application(scope, receive_alone, send_when_free)

    return serve


class Socket(ApplicationCommunicator):
    def __init__(self, path=PATH, *, key=None, session=None):
        headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        headers += [(b"authorization", f"Bearer {key}".encode())] if key else []
        headers += [(b"cookie", f"sessionid={session}".encode())] if session else []
        scope = {"type": "websocket", "path": path, "headers": headers}
        super().__init__(like_granian(WebSocketAuthentication(echo)), scope)

    async def connect(self):
        await self.send_input({"type": "websocket.connect"})
        assert (await self.receive_output(timeout=10))["type"] == "websocket.accept"
        return (await self.receive_output(timeout=10))["text"]

    async def says(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})
        return await self.receive_output(timeout=10)

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait()


def session_of(user):
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser.session.session_key


def seconds_until_closed(change, **opened):
    """Open a socket, change something, and return how long it then stayed open."""

    async def run():
        socket = Socket(**opened)
        assert await socket.connect() == "ada"
        assert (await socket.says("hello"))["text"] == "hello"
        await sync_to_async(change)()
        begun = time.monotonic()
        assert await socket.receive_output(timeout=5) == {"type": "websocket.close", "code": 4401}
        seconds = time.monotonic() - begun
        await socket.wait()  # The application saw that it was disconnected, and has ended.
        assert await socket.receive_nothing()
        return seconds

    return async_to_sync(run)()


@contextmanager
def no_connection_free_for_threads():
    """Hold every connection of Django's pool, as requests do that wait on their threads for what is slow; yield one."""
    connection.close()
    pool = connection.pool
    held = [pool.getconn() for _ in range(pool.max_size)]
    try:
        yield held[0]
    finally:
        for one in held:
            pool.putconn(one)


@asynccontextmanager
async def no_connection_free_without_a_thread():
    """Ask slow questions until nobody else may wait for a connection."""
    reads = connection.pool.max_size + connection.pool.max_waiting
    slow = [asyncio.create_task(database.read("SELECT pg_sleep(30)")) for _ in range(reads)]
    try:
        await asyncio.sleep(0.3)
        with pytest.raises(database.DatabaseBusy):
            await database.read("SELECT 1")
        yield
    finally:
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


ENDS_IN_THE_DATABASE = {
    "key": f"UPDATE {ApiKey._meta.db_table} SET revoked_at = now()",
    "session": f"DELETE FROM {Session._meta.db_table}",
}


@pytest.mark.parametrize("kind", ENDS_IN_THE_DATABASE)
def test_during_a_flood_of_requests_a_socket_is_opened_and_closed_within_a_second_of_the_end_of_its(ada, kind):
    opened = {kind: create_api_key(user=ada, name="bot") if kind == "key" else session_of(ada)}

    async def run(beside):
        async with no_connection_free_without_a_thread():
            socket = Socket(**opened)
            assert await socket.connect() == "ada"
            assert (await socket.says("hello"))["text"] == "hello"
            beside.execute(ENDS_IN_THE_DATABASE[kind])
            beside.commit()
            begun = time.monotonic()
            assert await socket.receive_output(timeout=5) == {"type": "websocket.close", "code": 4401}
            return time.monotonic() - begun

    with no_connection_free_for_threads() as beside:
        assert asyncio.run(run(beside)) < SECONDS_MAX


@pytest.mark.parametrize("kind", ENDS_IN_THE_DATABASE)
def test_neither_opening_nor_looking_after_a_socket_costs_a_thread(ada, kind, monkeypatch):
    opened = {kind: create_api_key(user=ada, name="bot") if kind == "key" else session_of(ada)}
    visits, visit = [], asyncio.BaseEventLoop.run_in_executor
    looks = []

    def visiting(self, *work):
        visits.append(work)
        return visit(self, *work)

    async def looking(credentials):
        looks.append(credentials)
        return await find_ended(credentials)

    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", visiting)
    monkeypatch.setattr(websocket, "find_ended", looking)

    async def run():
        socket = Socket(**opened)
        assert await socket.connect() == "ada"
        while len(looks) < 2:
            await asyncio.sleep(0.05)
        await socket.disconnect()

    asyncio.run(run())
    assert visits == []


def test_who_is_nobody_by_their_session_is_not_logged_in(ada, settings):
    """As Django has it: a user who is locked out, another password, a secret or a way to log in that is gone."""

    def user_of(cookie):
        scope = {"headers": [(b"cookie", f"sessionid={cookie}".encode())] if cookie else []}
        return asyncio.run(websocket._holder_of_session(scope))["user"]

    session = session_of(ada)
    assert user_of(session) == ada
    assert user_of(session).get_username() == "ada"
    for other in (None, "", "x" * 32, "no\0key"):
        assert user_of(other).is_anonymous
    secret, backends = settings.SECRET_KEY, settings.AUTHENTICATION_BACKENDS
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [secret]
    assert user_of(session) == ada
    settings.SECRET_KEY_FALLBACKS = []
    assert user_of(session).is_anonymous
    settings.SECRET_KEY, settings.AUTHENTICATION_BACKENDS = secret, backends[:1]
    assert user_of(session).is_anonymous
    settings.AUTHENTICATION_BACKENDS = backends
    get_user_model().objects.update(is_active=False)
    assert user_of(session).is_anonymous
    get_user_model().objects.update(is_active=True)
    assert user_of(session) == ada
    set_password()
    assert user_of(session).is_anonymous
    session = session_of(get_user_model().objects.get())
    assert user_of(session) == ada
    Session.objects.update(expire_date=timezone.now())
    assert user_of(session).is_anonymous


CHANGES = {
    "the key is revoked": lambda: ApiKey.objects.update(revoked_at=timezone.now()),
    "the key expires": lambda: ApiKey.objects.update(expires_at=timezone.now()),
    "the access is taken away": lambda: AccountAccess.objects.all().delete(),
    "the user is locked out": lambda: get_user_model().objects.update(is_active=False),
    "the user is deleted": lambda: get_user_model().objects.all().delete(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_socket_of_a_key_is_closed_within_a_second_when(ada, change):
    assert seconds_until_closed(change, key=create_api_key(user=ada, name="bot")) < SECONDS_MAX


def set_password():
    user = get_user_model().objects.get(username="ada")
    user.set_password("another long password")
    user.save()


ENDS_OF_A_SESSION = {
    "somebody logs out": lambda: Session.objects.all().delete(),
    "it expires": lambda: Session.objects.update(expire_date=timezone.now()),
    "the password is changed": set_password,
    "the user is locked out": CHANGES["the user is locked out"],
}


@pytest.mark.parametrize("change", ENDS_OF_A_SESSION.values(), ids=ENDS_OF_A_SESSION)
def test_a_socket_of_a_session_is_closed_when(ada, change):
    assert seconds_until_closed(change, session=session_of(ada)) < SECONDS_MAX


def test_a_look_that_fails_for_whatever_reason_is_not_the_last(ada, monkeypatch):
    failures = [DatabaseError("the table is gone"), ValueError("of ours")]

    async def looking(credentials):
        if failures:
            raise failures.pop(0)
        return await find_ended(credentials)

    monkeypatch.setattr(websocket, "find_ended", looking)
    key = create_api_key(user=ada, name="bot")
    assert seconds_until_closed(CHANGES["the key is revoked"], key=key) < SECONDS_MAX + 2 * LOOK_SECONDS
    assert not failures


def test_a_socket_by_the_staff_flag_is_closed_when_the_flag_is_taken_away(ada):
    AccountAccess.objects.all().delete()
    get_user_model().objects.update(is_staff=True)
    key = create_api_key(user=ada, name="bot")
    assert seconds_until_closed(lambda: get_user_model().objects.update(is_staff=False), key=key) < SECONDS_MAX


def test_a_session_ends_with_the_password_and_a_key_does_not(ada):
    key = create_api_key(user=ada, name="bot")

    async def run():
        socket = Socket(key=key)
        assert await socket.connect() == "ada"
        await sync_to_async(set_password)()
        await asyncio.sleep(2 * LOOK_SECONDS)
        assert (await socket.says("still there"))["text"] == "still there"
        await socket.disconnect()

    async_to_sync(run)()


def test_a_session_counts_for_no_other_page_over_http_either(ada):
    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost:8000"})
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    token = browser.get("/api/session").json()["csrf_token"]

    def ask(origin):
        headers = {"X-CSRFToken": token, "origin": origin}
        asked = browser.post("/graphql", {"query": "{ viewer { username } }"}, "application/json", headers=headers)
        made = browser.post("/api/keys", {"name": "bot"}, "application/json", headers=headers)
        return asked.json().get("data"), made.status_code

    for origin in (
        "http://localhost:9000",
        "https://localhost:8000",
        "http://127.0.0.1:8000",
        "http://localhost",
        "null",
    ):
        assert ask(origin) == (None, 403)
    assert ask("http://localhost:8000") == ({"viewer": {"username": "ada"}}, 201)


def test_a_socket_of_another_page_is_refused_before_it_is_open(ada):
    async def run():
        socket = Socket(session=await sync_to_async(session_of)(ada))
        socket.scope["headers"] = [(b"host", b"localhost:8000"), (b"origin", b"http://localhost:9000")]
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output())["type"] == "websocket.close"

    async_to_sync(run)()


def test_a_user_has_only_so_many_sockets(ada, monkeypatch):
    monkeypatch.setattr(websocket, "SOCKETS_PER_USER_MAX", 2)
    key = create_api_key(user=ada, name="bot")

    async def run():
        opened = [Socket(key=key) for _ in range(2)]
        for socket in opened:
            await socket.connect()
        third = Socket(key=key)
        await third.send_input({"type": "websocket.connect"})
        assert [await third.receive_output() for _ in range(2)] == [
            {"type": "websocket.accept"},
            {"type": "websocket.close", "code": 4429},
        ]
        await opened[0].disconnect()
        fourth = Socket(key=key)
        assert await fourth.connect() == "ada"
        for socket in (opened[1], fourth):
            await socket.disconnect()

    async_to_sync(run)()


def test_a_socket_by_a_role_on_the_platform_is_closed_when_the_role_is_taken_away(ada):
    AccountAccess.objects.all().delete()
    give_role(ada, "compliance")
    key = create_api_key(user=ada, name="bot")
    assert seconds_until_closed(lambda: give_role(ada, "trader"), key=key) < SECONDS_MAX


def test_what_others_lose_leaves_a_socket_open(ada):
    eve = get_user_model().objects.create_user("eve")
    key, other = create_api_key(user=ada, name="bot"), create_api_key(user=ada, name="other")
    session = session_of(ada)

    def change():
        ApiKey.objects.filter(prefix=other.split("_")[1]).update(revoked_at=timezone.now())
        Session.objects.exclude(session_key=session).delete()
        eve.delete()

    async def run():
        sockets = [Socket(key=key), Socket(session=session), Socket("/ws/market", key=key), Socket(key=other)]
        for socket in sockets:
            assert await socket.connect() == "ada"
        await sync_to_async(change)()
        assert (await sockets.pop().receive_output(timeout=5))["type"] == "websocket.close"
        for socket in sockets:
            assert (await socket.says("still there"))["text"] == "still there"
            await socket.disconnect()

    async_to_sync(run)()


def test_a_market_socket_does_not_need_access_to_an_account(ada):
    key = create_api_key(user=ada, name="bot")
    AccountAccess.objects.all().delete()
    assert seconds_until_closed(CHANGES["the key is revoked"], path="/ws/market", key=key) < SECONDS_MAX


def test_a_client_that_does_not_read_is_let_go_with_a_code(ada, monkeypatch):
    """A server's send waits while the buffers to the client are full: Granian's does after 3 MB."""
    monkeypatch.setattr(websocket, "SENDING_SECONDS_MAX", 0.2)
    key = create_api_key(user=ada, name="bot")
    full = asyncio.Event()

    def with_full_buffers(application):
        async def serve(scope, receive, send):
            async def send_while_there_is_room(message):
                if message["type"] == "websocket.send" and full.is_set():
                    await asyncio.sleep(60)
                await send(message)

            await application(scope, receive, send_while_there_is_room)

        return serve

    async def run():
        socket = Socket(key=key)
        socket.application = with_full_buffers(like_granian(WebSocketAuthentication(echo)))
        assert await socket.connect() == "ada"
        assert (await socket.says("read"))["text"] == "read"
        full.set()
        assert await socket.says("not read") == {"type": "websocket.close", "code": 4408}
        await socket.wait()

    async_to_sync(run)()
