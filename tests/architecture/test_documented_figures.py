"""Figures in README.md, ARCHITECTURE.md and docs/ are those of the code.

`FIGURES` is the table: for each document, a pattern that captures one figure, and what the code says it is. Whatever
reads like a figure with a unit has to be in the table, or among `FACTS`, which are no figures of ours. Decisions are
history, and measurements are in benchmarks/RESULTS.md: neither is looked at here.
"""

import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from django.conf import settings

from accounts.api.graphql import documents, query_limits
from accounts.api.parsing import factories
from accounts.domain import order_terms, orders, values
from accounts.domain.fees import FeeSchedule
from accounts.writer import limits, machine, metrics
from edge import database, requests, sockets
from edge import json as edge_json
from eventstore.idempotency import remembered
from eventstore.integrity import diagnosis
from eventstore.pages import page, snapshotter
from eventstore.writer import partition
from eventstore.writer.limits import HELD_BYTES_MAX
from identity import credentials, permissions, rate_limits, recent_access, websocket
from market import consumers as market_consumers
from market import money, quotes, replay, replay_file
from market.bars import recorder
from market.feeds import ticks
from market.instruments import current, definition
from market.prices import replayed_symbols
from readmodels.api import analytics, downloads
from readmodels.api.graphql import connections
from readmodels.firm import dashboard, dashboard_consumer
from readmodels.live import consumers, followed_account
from readmodels.projector import stored_rows
from readmodels.queries import replicas, version_waits
from readmodels.reconcile import consistency_checks
from temporal import what_if
from temporal.as_of import cache, firm
from temporal.management.commands import firm_as_of
from temporal.performance import history, periods
from tests.architecture.test_house_rules import BASE_DIR
from tradingplatform import expiry, session_marks
from tradingplatform.asgi import DATABASE_ANSWER_SECONDS_MAX
from tradingplatform.bars import rest
from tradingplatform.corporate_actions import office
from tradingplatform.demo.strategies import STRATEGIES
from tradingplatform.health import checks, readiness
from tradingplatform.kill_switch import cancelling, models, pages, runs
from tradingplatform.local import logs, run, supervisor
from tradingplatform.market import feed, graphql
from tradingplatform.settings.variables import VARIABLES
from tradingplatform.venue import trails

KIB = 1024
MIB = 1024 * KIB
MINUTE, HOUR, DAY = 60, 3_600, 86_400
MICROSECONDS = 1_000_000
DEFAULTS = {variable.name: variable.default for variable in VARIABLES}
CHECKPOINT_MINUTES = int(DEFAULTS["CHECKPOINT_INTERVAL_SECONDS"]) / MINUTE
SWEEP_SECONDS = settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"]
EXPIRY_SECONDS = settings.CELERY_BEAT_SCHEDULE["expire_orders"]["schedule"]
MONEY_DECIMALS = round(math.log10(values.SCALE))
SESSION_SECONDS = int(DEFAULTS["MARKET_SECONDS_PER_DAY"])
QUANTITY_DECIMALS = round(math.log10(values.SHARE))

FIGURES = {
    "docs/fees.md": [(r"schedule of (\w+) figures", len(FeeSchedule._fields))],
    "README.md": [
        (r"real daily prices of (\d+) stocks", len(replayed_symbols())),
        (r"(\w+) simple strategies trade", len(STRATEGIES)),
        (r"open \((\d+) of every \d+ seconds\)", SESSION_SECONDS - SESSION_SECONDS // replay.CLOSED_SHARE),
        (r"of every (\d+) seconds", SESSION_SECONDS),
    ],
    "ARCHITECTURE.md": [
        (r"up to (\d+) events of an account", page.EVENTS_PER_PAGE_MAX),
        (r"up to (\d+) consecutive events", page.EVENTS_PER_PAGE_MAX),
        (r"covers it and at most (\d+) events", page.EVENTS_PER_PAGE_MAX),
        (r"a sweep (every) second", SWEEP_SECONDS),
        (r"for checkpoints (every) minute", CHECKPOINT_MINUTES),
        (r"for expiry every (\d+) seconds", EXPIRY_SECONDS),
        (r"the command ids of (a) day", remembered.SECONDS / DAY),
        (r"A retry within (a) day", remembered.SECONDS / DAY),
        (r"what a key was allowed counts for (a) second", recent_access.ACCESS_SECONDS),
        (r"(\w+) minutes while PostgreSQL is away", recent_access.OUTAGE_SECONDS / MINUTE),
        (r"modulo their number, (\d+) by default", settings.EVENT_STORE_PARTITIONS_DEFAULT["sqlite"]),
        (r"(\w+) bytes of every event's hash", diagnosis.LEAF_PREFIX_BYTES),
        (r"(once) a minute when there is news", CHECKPOINT_MINUTES),
    ],
    "docs/corporate-actions.md": [
        (r"has up to (\w+) decimals", round(math.log10(values.DIVIDEND_SCALE))),
        (r"looks (every) second", office.PAUSE_SECONDS),
        (r"asked again every (\d+) s", office.RETRY_SECONDS),
        (r"in pages of (\d+)", session_marks.ACCOUNTS_AT_ONCE_MAX),
    ],
    "docs/api.md": [
        (r"their positions some (\d+) seconds old", stored_rows.SECONDS_BEHIND_MAX),
        (r"seconds old at most, (\d+) under load", stored_rows.SECONDS_BEHIND_UNDER_LOAD_MAX),
        (r"positions in it are some (\d+) seconds old", stored_rows.SECONDS_BEHIND_MAX),
        (r"seconds old, (\d+) under load\)", stored_rows.SECONDS_BEHIND_UNDER_LOAD_MAX),
        (r"taken away counts within (a) second", recent_access.ACCESS_SECONDS),
        (r"decimal strings with at most (\w+) decimals", MONEY_DECIMALS),
        (r"a decimal string with up to (\w+) decimals", QUANTITY_DECIMALS),
        (r"1 to (\d+) visible ASCII characters", factories.IDENTIFIER_LENGTH_MAX),
        (r"for (\d+) hours \(of a partition's", remembered.SECONDS / HOUR),
        (r"latest ([\d,]+) commands", remembered.COMMANDS),
        (r"in one of more than ([\d,]+) bytes, a batch", edge_json.NAMES_LOOKED_AT_BYTES_MAX),
        (r"a list of up to ([\d,]+) entries", limits.REQUEST_COMMANDS_MAX),
        (r"A body has at most (\d+) MiB", requests.BODY_BYTES_MAX / MIB),
        (r"and (\d+) seconds to arrive", requests.BODY_SECONDS_MAX),
        (r"chunked or not \| (\d+) MiB", requests.BODY_BYTES_MAX / MIB),
        (r"time of a body \| (\d+) s", requests.BODY_SECONDS_MAX),
        (r"that a web process works on \| (\d+) MiB", requests.BODIES_BYTES_MAX / MIB),
        (r"a client that does not read \| (\d+) s", requests.SEND_SECONDS_MAX),
        (r"it waits up to (\d+) s,", version_waits.WAIT_SECONDS_MAX),
        (r"waits for (\d+) versions already", version_waits.WAITS_PER_ASKER_MAX),
        (r"a decimal with (\w+) places", MONEY_DECIMALS),
        (r"holds ([\d,]+) rows at a time", downloads.ROWS_AT_ONCE),
        (r"given up after (\w+) seconds", database.STATEMENT_SECONDS_MAX),
        (r"\((\d+) days at most\)", analytics.FLOW_DAYS_MAX),
        (r"at most (\w+) messages a second for an account", 1 / followed_account.PAUSE_SECONDS),
        (r"for an account, or (\d+) while its orders change", 1 / followed_account.ORDERS_PAUSE_SECONDS),
    ],
    "docs/instruments.md": [
        (r"The demo loads (\w+) stocks", len(replayed_symbols())),
        (r"dots and hyphens, at most (\d+);", definition.SYMBOL_LENGTH_MAX),
        (r"a decimal with at most (\w+) places", definition.INCREMENT_DECIMALS),
        (r"within about (a) second", current.REFRESH_SECONDS),
    ],
    "docs/archive.md": [
        (r"\((\d+): seven years\)", int(DEFAULTS["EVENT_RETENTION_DAYS"])),
        (r": (\w+) years\)", int(DEFAULTS["EVENT_RETENTION_DAYS"]) // 365),
    ],
    "docs/bars.md": [
        (r"`` is up to ([\d,]+)", rest.LIMIT_MAX),
        (r"and (\d+) when left out", rest.LIMIT),
        (r"every (\d+) seconds, in a thread", recorder.WRITE_SECONDS),
        (r"at most (\d+) trading days", recorder.CATCH_UP_DAYS),
    ],
    "docs/commands.md": [
        (r"(\w+) figures, each from", len(consistency_checks.SUMS)),
        (r"each from (\w+) to seven tables", min(map(len, consistency_checks.SUMS.values()))),
        (r"each from two to (\w+) tables", max(map(len, consistency_checks.SUMS.values()))),
        (r"(Every) minute with work in it", limits.METRICS_LOG_SECONDS / MINUTE),
        (r"the latest ([\d,]+) requests", metrics.ANSWERS_KEPT),
        (r"up to (\d+) events of an account", page.EVENTS_PER_PAGE_MAX),
        (r"when it holds ([\d,]+) events", snapshotter.TAIL_EVENTS_MAX),
        (r"when it holds ([\d,]+) events", int(DEFAULTS["EVENT_STORE_TAIL_EVENTS"])),
        (r"after (a) minute of quiet", snapshotter.QUIET_SECONDS / MINUTE),
        (r"(twice) a second", 1 / feed.TICK_S),
        (r"(\w+) simple strategies", len(STRATEGIES)),
        (r"the first (\d+) are shown", firm_as_of.ACCOUNTS_SHOWN_MAX),
        (r"At most ([\d,]+) events; Ctrl-C", what_if.EVENTS_MAX),
    ],
    "docs/configuration.md": [
        (r"fixed at creation; (\d+) \(DynamoDB", settings.EVENT_STORE_PARTITIONS_DEFAULT["sqlite"]),
        (r"fixed at creation; 16 \(DynamoDB: (\d+)\)", settings.EVENT_STORE_PARTITIONS_DEFAULT["dynamodb"]),
        (r"waits a (\w+) of a second for its replica", version_waits.REPLICA_WAIT_SECONDS_MAX),
        (r"does not answer within (a) second", settings.REPLICA_SECONDS_MAX),
        (r"is left alone for (\w+),", replicas.DOWN_SECONDS),
        (r"An account takes about ([\d.]+) kB", round((machine.ACCOUNT_BYTES + partition.ENTRY_BYTES) / 1_000, 1)),
        (r"each of its positions ([\d.]+) kB", round(machine.POSITION_BYTES / 1_000, 2)),
        (r"so ([\d,]+) MB hold a million accounts", int(DEFAULTS["WRITER_ACCOUNTS_MB"])),
        (r"so ([\d,]+) MB hold a million accounts", HELD_BYTES_MAX / 1_000_000),
        (r"Requests (a) minute of each API key", rate_limits.WINDOW_SECONDS / MINUTE),
    ],
    "docs/graphql.md": [
        (r"a decimal string with (\w+) decimals", MONEY_DECIMALS),
        (r"the answer waits for it, up to (\d+) s,", version_waits.WAIT_SECONDS_MAX),
        (r"\((\d+) when it is not given, at most 500\)", connections.PAGE_SIZE),
        (r"when it is not given, at most (\d+)\)", connections.PAGE_SIZE_MAX),
        (r"given up after (\d+) s", database.STATEMENT_SECONDS_MAX),
        (r"a search took more than (\d+) s", database.STATEMENT_SECONDS_MAX),
        (r"\| cost \| ([\d,]+) \|", query_limits.QUERY_COST_MAX),
        (r"\| levels \| (\d+) ", query_limits.QUERY_DEPTH_MAX),
        (r"\| levels \| 10 \(introspection: (\d+)\)", query_limits.INTROSPECTION_DEPTH_MAX),
        (r"\| aliases \| (\d+) ", query_limits.ALIASES_MAX),
        (r"\| fields at the root \| (\d+) ", query_limits.ROOT_FIELDS_MAX),
        (r"the same field \| ([\d,]+);", documents.QUERY_CHARACTERS_MAX),
        (r"the same field \| 20,000; ([\d,]+);", query_limits.SELECTIONS_MAX),
        (r"the same field \| 20,000; 1,000; (\d+);", query_limits.FRAGMENTS_MAX),
        (r"the same field \| 20,000; 1,000; 20; (\d+) ", query_limits.REPEATED_FIELD_MAX),
        (r"with variables \| (\d+) MiB", requests.BODY_BYTES_MAX / MIB),
        (r"(\d+) for a list without", query_limits.LIST_SIZE_ASSUMED),
        (r"for (a) week after it was sent", documents.KEPT_SECONDS / (7 * DAY)),
        (r"keeps the (\d+) that it used last", documents.TEXTS_IN_PROCESS_MAX),
        (r"you wait for (\d+) versions already", version_waits.WAITS_PER_ASKER_MAX),
        (r"was not there after (\d+) seconds", requests.BODY_SECONDS_MAX),
    ],
    "docs/integrity.md": [
        (r"is made (every) minute when", CHECKPOINT_MINUTES),
        (r"\((a) minute by default\)", CHECKPOINT_MINUTES),
    ],
    "docs/live.md": [
        (r"at most (\d+); one that is given later", consumers.ACCOUNTS_MAX),
        (r"waited (\w+) seconds for its turn", database.SOCKET_WAIT_SECONDS_MAX),
        (r"a tick (twice) a second", 1 / feed.TICK_S),
        (r"A heartbeat comes every (\d+) seconds", consumers.HEARTBEAT_SECONDS),
        (r"within a (\w+) of a second of it", followed_account.PAUSE_SECONDS),
        (r"what happens to orders after (\d+) ms already", followed_account.ORDERS_PAUSE_SECONDS * 1_000),
        (r"More than (\d+) trades at once", followed_account.TRADES_MAX),
        (r"looked up (once) a second", consumers.LOOK_SECONDS),
        (r"A delta comes (once) a second at most", dashboard.TICK_SECONDS),
        (r"the (\w+) symbols that rose", dashboard.MOVERS),
        (r"and the (\w+) that fell", dashboard.MOVERS),
        (r"a message of more than ([\d,]+) characters", sockets.MESSAGE_CHARACTERS_MAX),
        (r"stood on ended, within (a) second", math.ceil(credentials.LOOK_SECONDS)),
        (r"A message has at most ([\d,]+) characters", sockets.MESSAGE_CHARACTERS_MAX),
        (r"a socket takes (\d+) messages", sockets.MESSAGES_PER_SECOND_MAX),
        (r"A user may have ([\d,]+) sockets", websocket.SOCKETS_PER_USER_MAX),
        (r"a message waited for (\w+) seconds", websocket.SENDING_SECONDS_MAX),
        (r"more than (\d+) accounts", consumers.ACCOUNTS_MAX),
        (r"more than (\d+) messages a second from the client", sockets.MESSAGES_PER_SECOND_MAX),
        (r"\((\d+) at once after a quiet time\)", sockets.MESSAGES_AT_ONCE_MAX),
        (r"more than ([\d,]+) sockets of a user", websocket.SOCKETS_PER_USER_MAX),
    ],
    "docs/market.md": [
        (r"the latest price, at most ([\d,]+);", money.PRICE_MAX // money.SCALE),
        (r"says (twice) a second what everything costs", 1 / feed.TICK_S),
        (r"closes of (\d+) stocks", len(replayed_symbols())),
        (r"A request has up to ([\d,]+) entries", graphql.QUOTES_MAX),
        (r"more than (a) second ahead", ticks.FUTURE_US_MAX / MICROSECONDS),
        (r"(\d+) seconds for the replay's", quotes.QUOTES_AGE_US_MAX / MICROSECONDS),
        (r"\((\d+)\) for pushed ones", int(DEFAULTS["MARKET_PUSHED_SECONDS_MAX"])),
        (r"says nothing for (\d+) seconds", quotes.QUOTES_AGE_US_MAX / MICROSECONDS),
        (r"which has room for ([\d,]+) of them", replay_file.SEGMENTS_MAX),
        (r"sees a change within (half) a second", feed.TICK_S),
        (r"at most ([\d,]+) symbols of its own", market_consumers.SYMBOLS_MAX),
        (r"of every symbol of the socket, (twice) a second", 1 / feed.TICK_S),
        (r"shows (two) prices a second", 1 / feed.TICK_S),
    ],
    "docs/orders.md": [
        (r"run ends after (\d+) seconds", runs.API_SECONDS_MAX),
        (r"run that takes longer than (\w+) seconds", pages.ANSWER_SECONDS_MAX),
        (r"has said nothing for (\w+) minutes", models.SILENT_MAX.total_seconds() / 60),
        (r"orders after (\d+) seconds", expiry.IMMEDIATE_SECONDS_MAX),
        (r"follows it within about (a) second", current.REFRESH_SECONDS),
        (r"on the command line after (\d+) seconds", cancelling.SECONDS_MAX),
        (r"a buy reserves (\d+) % more", order_terms.CUSHION_BP * 100 / values.BASIS_POINTS),
        (r"command ids are remembered \((\d+) hours\)", remembered.SECONDS / HOUR),
        (r"Unfilled for (\d+) seconds", expiry.IMMEDIATE_SECONDS_MAX),
        (r"unfilled for (\d+) seconds", expiry.IMMEDIATE_SECONDS_MAX),
        (r"and the (\d+) seconds begin anew", expiry.IMMEDIATE_SECONDS_MAX),
        (r"the platform looks every (\w+) seconds", EXPIRY_SECONDS),
        (r"take (\d+) of every \d+ seconds", SESSION_SECONDS - SESSION_SECONDS // replay.CLOSED_SHARE),
        (r"of every (\d+) seconds", SESSION_SECONDS),
        (r"Each quote, (\w+) a second", 1 / feed.TICK_S),
        (r"offers `` \(([\d,]+)\)", settings.VENUE_DISPLAYED_VALUE),
        (r"quotes are older than (\w+) seconds", quotes.QUOTES_AGE_US_MAX / 1_000_000),
        (r"more than ([\d,]+) working orders", orders.OPEN_ORDERS_MAX),
        (r"at most (\d+) days ahead", order_terms.EXPIRY_DAYS_MAX),
        (r"a (tenth) of the trail", Fraction(1, trails.STEPS_OF_TRAIL)),
        (r"at most (once) a second; so a stop", trails.TRAIL_SECONDS),
    ],
    "docs/running.md": [
        (r"a sweep (every) second", SWEEP_SECONDS),
        (r"used within the (\w+) minutes before", recent_access.OUTAGE_SECONDS / MINUTE),
        (r"it counts after (a) second", recent_access.ACCESS_SECONDS),
        (r"less than (\d+) MiB of room", run.FREE_BYTES_MIN / MIB),
        (r"at most (\d+) MiB and as much before them", logs.LOG_BYTES_MAX / MIB),
        (r"started again after ([\d.]+) s", supervisor.RESTART_SECONDS_MIN),
        (r"up to\s+every (\d+) seconds", supervisor.RESTART_SECONDS_MAX),
        (r"no sign of life for (\d+) s, or a partition", checks.PULSE_SECONDS_MAX),
        (r"wait for more than (\d+) s", checks.BEHIND_SECONDS_MAX),
        (r"no sign of life for (\d+) s \|", checks.PULSE_SECONDS_MAX),
        (r"less than (\d+) MiB are left", checks.FREE_BYTES_MIN / MIB),
        (r"takes more than (\d+) ms", readiness.SLOW_SECONDS * 1_000),
        (r"each for (\d+) s at most", readiness.CHECK_SECONDS_MAX),
        (r"Answers are kept for (\d+) s", readiness.KEPT_SECONDS),
        (r"(\d+) s for a connection", settings.DATABASES["default"]["OPTIONS"]["connect_timeout"]),
        (r"for an answer (\d+) s in queries", database.ANSWER_SECONDS_MAX),
        (r"over (\w+) connections of each web process", database.RESERVED_CONNECTIONS),
        (r"sockets are read over (\w+) more", database.SOCKET_CONNECTIONS),
        (r"in queries, (\d+) s elsewhere", DATABASE_ANSWER_SECONDS_MAX),
        (r"after (\d+) s, and asking again is safe", limits.COMMAND_DEADLINE_SECONDS),
        (r"asking again is safe \| (\d+) s", limits.COMMAND_DEADLINE_SECONDS),
        (r"the projections \| (\d+) s \|", settings.CELERY_BROKER_TRANSPORT_OPTIONS["socket_connect_timeout"]),
        (r"ends (\w+) times while it starts", supervisor.FAILURES_SAID_MAX),
    ],
    "docs/time-travel.md": [
        (r"one page and at most (\d+) events", page.EVENTS_PER_PAGE_MAX),
        (r"pages \(up to (\d+) events each\)", page.EVENTS_PER_PAGE_MAX),
        (r"at most (\w+) partitions", firm.THREADS_MAX),
        (r"gone within (an) hour", cache.TTL_SECONDS / HOUR),
        (r"there are at most ([\d,]+) of", cache.SLOTS * cache.ENTRIES_PER_SLOT),
        (r"of at most (\d+) KiB", cache.ENTRY_BYTES_MAX / KIB),
        (r"\((\d+) MiB at the very most\)", cache.SLOTS * cache.ENTRIES_PER_SLOT * cache.ENTRY_BYTES_MAX / MIB),
        (r"(\w+) decimals, rounded half to even", round(math.log10(history.MILLION))),
        (r"At most ([\d,]+) periods", periods.PERIODS_MAX),
        (r"\((\w+) years of days\)", periods.PERIODS_MAX // 366),
        (r"and ([\d,]+) cash flows", history.FLOWS_MAX),
        (r"The first ([\d,]+) differences", what_if.DIFFERENCES_MAX),
        (r"Over REST at most ([\d,]+) events", what_if.EVENTS_OVER_REST_MAX),
        (r"on the command line ([\d,]+)", what_if.EVENTS_MAX),
    ],
    "docs/users.md": [
        (r"migrations make the (\w+)\.", len(permissions.GROUPS)),
        (r"taken away counts within (a) second", recent_access.ACCESS_SECONDS),
        (r"remembers for (a) second what a key was allowed", recent_access.ACCESS_SECONDS),
        (r"looked up every ([\d.]+) seconds", credentials.LOOK_SECONDS),
        (r"requests (a) minute, or its own number", rate_limits.WINDOW_SECONDS / MINUTE),
        (r"(A) minute's worth", rate_limits.WINDOW_SECONDS / MINUTE),
        (r"(\w+) times a second each tells", 1 / rate_limits.SYNC_SECONDS),
        (r"After (\d+) wrong passwords", settings.AXES_FAILURE_LIMIT),
        (r"when it comes in: ([\d.]+) % of that price", values.DEFAULT_PRICE_BAND_BP / 100),
        (r"locked for (\d+) minutes", settings.AXES_COOLOFF_TIME.total_seconds() / MINUTE),
    ],
}  # fmt: skip

FACTS = (
    "64 bits",  # What PostgreSQL and JSON's readers hold.
    "the first 122 bits",  # A UUID of version 8 has no more.
    "four bytes, big-endian",  # What is hashed: golden files pin it.
    "64 zeros",
    "SHA-256 of the 32 bytes of the public key",  # Ed25519.
    "23 or 25 hours",  # Days on which clocks change.
    "0.010000 is 1 %",
    "All instants between two events",
    "for every day, where the whole comparison is for every week",
    "a second set of the tables",
    "prices within a day",
    "## Two commands",
    "1 + 1 + 100 × (1 + 1 + 10) = 1,202",
    "On the 8th 20,000 came in when the account was worth 99,200; the trade an hour later lost 150 of 119,200",
)
"""Figures that are nobody's to change, and sums of examples."""

WORDS = {
    "a": 1, "an": 1, "every": 1, "once": 1, "twice": 2, "half": Fraction(1, 2), "quarter": Fraction(1, 4),
    "tenth": Fraction(1, 10), "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "sixteen": 16, "twenty": 20, "thirty": 30,
    "fifty": 50, "sixty": 60, "hundred": 100, "thousand": 1_000,
}  # fmt: skip
TIME = r"(?:milli|micro)?seconds?|m?s|us|minutes?|hours?|days?|weeks?|months?|years?"
COUNTED = (
    r"[KMG]i?B|kB|%|percent|times|bits|bytes|digits|zeros|decimals|places|characters|levels|commands|commits|entries|"
    r"trades|orders|events|rows|lines|accounts|partitions|batches|pages|periods|flows|differences|requests|messages|"
    r"keys|passwords|users|sockets|connections|versions|processes|symbols|figures|tables|strategies|stocks"
)
NUMBER = rf"(?:\d(?:[\d,.]*\d)?|\b(?:{'|'.join(word for word in WORDS if len(word) > 2 and word != 'every')})\b)"
FIGURE = re.compile(
    rf"(?<![\w.,#-]){NUMBER}\s*(?:(?!and |or |to |of )[A-Za-z]+ )?(?:{TIME}|{COUNTED})(?!\w)"  # 50 trades, 24 hours
    r"|(?<![\w.])\d{1,3}(?:,\d{3})+(?!\w)"  # 10,000 of whatever it is
    rf"|\b(?:every|within an?|after an?|for an?|of an?|once an?|twice a) (?:{TIME})\b",  # within a second
    re.IGNORECASE,
)


def documents_of(folder: Path) -> list[str]:
    return [
        "README.md",
        "ARCHITECTURE.md",
        *(f"docs/{path.name}" for path in sorted((folder / "docs").glob("*.md"))),
    ]


def prose(markdown: str) -> str:
    """Return the text without blocks of code, code in a line and the targets of links, with single spaces."""
    text = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    text = "\n".join(line for line in text.split("\n") if not line.startswith("    "))
    text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`\n]*`", "``", text))
    return re.sub(r"\s+", " ", text)


def number(text: str) -> Fraction:
    return Fraction(WORDS[text.lower()]) if text.lower() in WORDS else Fraction(text.replace(",", ""))


def wrong_figures(document: str, markdown: str) -> list[str]:
    """Return what is wrong with the figures of a document, in sentences."""
    text = prose(markdown)
    found = []
    known = [match.span() for fact in FACTS for match in re.finditer(re.escape(fact), text, re.IGNORECASE)]
    for pattern, value in FIGURES.get(document, []):
        matches = list(re.finditer(pattern, text))
        if not matches:
            found.append(f"{document} has no {pattern!r} any more: correct or remove its row in FIGURES")
        for match in matches:
            known.append(match.span())
            if abs(float(number(match[1])) - value) > 1e-9:
                found.append(f"{document} says {match[0]!r}, the code says {value:g}: correct the document")
    for match in FIGURE.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in known):
            around = text[max(0, match.start() - 40) : match.end() + 20]
            found.append(
                f"{document} has the figure {match[0]!r} (in {around!r}), which nothing holds to the code: add a row "
                "with its constant to FIGURES, or leave the figure out (measurements are in benchmarks/RESULTS.md)"
            )
    return found


@pytest.mark.parametrize("document", documents_of(BASE_DIR))
def test_every_figure_of_the_documents_is_that_of_the_code(document):
    assert wrong_figures(document, (BASE_DIR / document).read_text()) == []


def test_a_figure_that_is_wrong_or_that_nobody_holds_is_found():
    """Plant both."""
    text = (BASE_DIR / "docs" / "orders.md").read_text()
    (wrong,) = wrong_figures("docs/orders.md", text.replace("more than 1,000 working", "more than 2,000 working"))
    assert "'more than 2,000 working orders', the code says 1000" in wrong
    for planted in (
        "It takes 30 ms.",
        "At most twelve open orders.",
        "Within a minute.",
        "100,000 of them.",
        "A 5 % fee.",
    ):
        (unknown,) = wrong_figures("docs/orders.md", f"{text}\n{planted}\n")
        assert "add a row with its constant to FIGURES" in unknown


def test_every_code_of_a_closed_socket_is_documented():
    text = (BASE_DIR / "docs" / "live.md").read_text()
    modules = (websocket, sockets, consumers, dashboard_consumer)
    codes = {str(value) for module in modules for name, value in vars(module).items() if name.startswith("CLOSE_")}
    assert set(re.findall(r"^\| (\d{4}) \|", text, re.MULTILINE)) == codes
