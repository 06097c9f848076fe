"""Stopping and starting the venue over GraphQL, on the command line, and what health says of it."""

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from accounts.tests.integration.test_graphql import Api
from identity.permissions import COMPLIANCE, INTEGRATOR, OPERATOR, TRADER, VIEWER, give_role
from market.instruments.current import hold_instruments
from market.models import VenueChange
from market.venue.changes import set_stopped, stored_state
from market.venue.state import NOT_LOADED
from tests.services.instruments import DEMO_INSTRUMENTS
from tradingplatform.health.checks import Checks
from tradingplatform.health.readiness import Status, Unwell

pytestmark = pytest.mark.django_db(transaction=True)

STOP = "mutation($reason: String!) { stopVenue(reason: $reason) { isChanged venue { isStopped since actor reason } } }"
START = STOP.replace("stopVenue", "startVenue")


def ask(api, query, reason="a runaway program"):
    answer = api.client.post(
        "/graphql",
        {"query": query, "variables": {"reason": reason}},
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}"},
    )
    return answer.json()


def officer(role):
    api = Api("olga")
    give_role(api.user, role)
    return api


def test_operators_stop_and_start_it_and_once_more_changes_nothing():
    olga = officer(OPERATOR)
    stopped = ask(olga, STOP)["data"]["stopVenue"]
    assert (stopped["isChanged"], stopped["venue"]["isStopped"]) == (True, True)
    assert (stopped["venue"]["actor"].split("/")[0], stopped["venue"]["reason"]) == (
        f"user:{olga.user.pk}",
        "a runaway program",
    )
    assert stopped["venue"]["since"].endswith("Z")
    assert ask(olga, STOP, "again")["data"]["stopVenue"] == {**stopped, "isChanged": False}
    started = ask(olga, START, "it is over")["data"]["startVenue"]
    assert (started["isChanged"], started["venue"]["isStopped"], started["venue"]["reason"]) == (
        *(True, False),
        "it is over",
    )


@pytest.mark.parametrize("role", [VIEWER, TRADER, INTEGRATOR, COMPLIANCE])
@pytest.mark.parametrize("query", [STOP, START])
def test_nobody_else_does(role, query):
    assert ask(officer(role), query)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert VenueChange.objects.count() == 0


def test_without_a_reason_nothing_is_changed():
    assert ask(officer(OPERATOR), STOP, " ")["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert VenueChange.objects.count() == 0


def test_the_command_line_does_and_says_how_it_is(capsys):
    call_command("venue", "status")
    assert capsys.readouterr().out == "The venue was never stopped.\n"
    call_command("venue", "stop", "--reason", "drill")
    assert "was stopped by platform (command line)" in capsys.readouterr().out
    assert stored_state().is_stopped
    call_command("venue", "stop", "--reason", "drill")
    assert "It was that already." in capsys.readouterr().out
    call_command("venue", "start", "--reason", "the drill is over")
    assert "was started by platform (command line)" in capsys.readouterr().out
    assert not stored_state().is_stopped
    with pytest.raises(CommandError, match="1 to 140 printable"):
        call_command("venue", "stop", "--reason", "")
    assert VenueChange.objects.count() == 2


def test_health_says_that_it_is_stopped_by_whom_and_since_when():
    set_stopped(is_stopped=True, actor="user:1/ada", reason="a runaway program")

    async def ask_it():
        return await Checks()._check_venue()

    check = async_to_sync(ask_it)
    try:
        assert check() == "was not stopped by hand"
        hold_instruments(DEMO_INSTRUMENTS, venue=stored_state())
        with pytest.raises(Unwell, match=r"stopped by ada since 2.* UTC: a runaway program") as found:
            check()
        assert found.value.status is Status.SLOW
        hold_instruments(DEMO_INSTRUMENTS, venue=NOT_LOADED)
        with pytest.raises(Unwell, match="PostgreSQL has not said yet") as found:
            check()
        assert found.value.status is Status.DOWN
    finally:
        hold_instruments(DEMO_INSTRUMENTS)
