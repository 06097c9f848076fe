"""Values that programs choke on, as texts and as texts of JSON; a seeded `random.Random` draws the same ones again.

Taken from the boundaries of what the platform stores (32, 53 and 64 bits, 4 and 6 decimals, lengths, NUL) and from
public lists of awkward texts. Not random bytes alone: most of those end at the first parser.
"""

import json
from random import Random
from typing import Final

TEXTS: Final = (
    *(
        "",
        " ",
        "\t",
        "\n",
        "null",
        "undefined",
        "None",
        "true",
        "NaN",
        "Infinity",
        "-0",
        "0",
        "1",
        "-1",
        "1.0",
        "1.00005",
    ),
    *(
        "2147483648",
        "4294967296",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
    ),
    *(
        "-9223372036854775808",
        "1e5",
        "1E400",
        "1_000",
        "1,000",
        "0x10",
        "010",
        "+5",
        " 5",
        "5 ",
        "٣",
        "½",
        "1000000000000",
    ),
    *(
        "0.0001",
        "0.00001",
        "0.000001",
        "0.0000001",
        "1000000000.000001",
        "99999999999999.9999",
        "922337203685477.5807",
        "922337203685477.5808",
        "." * 50,
        "-.5",
        ".5",
        "5.",
    ),
    *("BUY", "buy", "SELL", "KO", "ko", "XXXX", "USD", "EUR", "MARKET", "LIMIT", "STOP", "GTC", "DAY", "IOC", "FOK"),
    *("2024-02-30", "0000-00-00", "9999-12-31T23:59:59.999999Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:59:59-14:00", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-W01-1", "2026-01-01", "now"),
    *("UTC", "Europe/Berlin", "posixrules", "../../etc/passwd", "/etc/localtime", "localtime", "Factory", "GMT+99"),
    *(
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "{}",
        "[]",
        "urn:uuid:1",
        "--",
        "%",
    ),
    *(
        "%s%n%x",
        "%(a)s",
        "{0.__class__}",
        "${jndi:ldap://x}",
        "' OR 1=1 --",
        '"; DROP TABLE x; --',
        "\\",
        "\\u0000",
        "%%%",
        "_",
    ),
    *(
        "<script>alert(1)</script>",
        "a\r\nSet-Cookie: x=y",
        "a,b,,c",
        ",",
        ";",
        "&",
        "=",
        "?",
        "#",
        "/",
        "//",
        "..",
        "*",
        "id",
    ),
    *(
        "مرحبا",
        "שלום \u202e abc",
        "e\u0301" * 20,
        "👩‍👩‍👧‍👦",
        "ﷺ",
        "İ",
        "ß",
        "\ufeff",
        "\u200b",
        "\x7f",
        "\x1b[31m",
        "\u2028",
        "\U0010ffff",
    ),
    *(
        "x" * 64,
        "x" * 65,
        "x" * 128,
        "x" * 129,
        "x" * 201,
        "x" * 1_001,
        "ü" * 5_000,
        "9" * 19,
        "9" * 400,
        "0" * 400 + "1",
    ),
)
JSON: Final = (
    *(
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-1",
        "1.0",
        "1.5",
        "1e2",
        "1E400",
        "-1e400",
        "1e-400",
        "0.1",
        "100000000000000",
    ),
    *(
        "2147483647",
        "2147483648",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
    ),
    *(
        "-2147483649",
        "-9223372036854775809",
        "9" * 100,
        "9" * 5_000,
        "0." + "0" * 400 + "1",
        "NaN",
        "Infinity",
        "01",
        "+1",
        "0x1",
    ),
    *(
        '"\\u0000"',
        '"a\\u0000b"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\uFFFF"',
        '"\\x"',
        '"',
        "'a'",
        '"\\u12"',
    ),
    *(
        "[]",
        "{}",
        "[[]]",
        "[null]",
        '{"": null}',
        '{"a": {"b": []}}',
        '{"a": 1, "a": 2}',
        "[1, 2, 3]",
        '["a"]',
        '{"__proto__": 1}',
    ),
    *(
        "[" * 500 + "]" * 500,
        '{"a":' * 300 + "1" + "}" * 300,
        "[" * 5_000,
        "[,]",
        "{,}",
        "/**/1",
        "",
        " ",
        "\ufeff1",
        "undefined",
    ),
)
LONG_CHARACTERS: Final = 1_000_000


def any_text(random: Random) -> str:
    """Return an awkward text: one in two hundred is a million characters long."""
    draw = random.random()
    if draw < 0.005:
        return random.choice('x9ü[\\"') * LONG_CHARACTERS
    if draw < 0.75:
        return random.choice(TEXTS)
    if draw < 0.9:
        return random.choice(TEXTS) + random.choice(TEXTS)
    return "".join(chr(random.choice((random.randrange(1, 128), random.randrange(1, 0xD800)))) for _ in range(12))


def any_json(random: Random) -> str:
    """Return an awkward value as JSON writes it, or tries to."""
    draw = random.random()
    if draw < 0.45:
        return json.dumps(any_text(random), ensure_ascii=random.random() < 0.5)
    if draw < 0.9:
        return random.choice(JSON)
    if draw < 0.95:
        return "[" + ", ".join(random.choice(JSON) for _ in range(random.randrange(5))) + "]"
    return "{" + ", ".join(f'"{random.choice("abc")}": {random.choice(JSON)}' for _ in range(random.randrange(5))) + "}"


def damaged(text: str, random: Random) -> str:
    """Return a text with a piece cut out, doubled, or put in."""
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.randrange(1, 30))
    kind = random.randrange(4)
    if kind == 0:
        return text[:start] + text[end:]
    if kind == 1:
        return text[:end] + text[start:]
    if kind == 2:
        return text[:start] + any_text(random)[:200] + text[start:]
    return text[:start]
