"""REST: parameters of every operation of the OpenAPI document, and bodies."""

import json
from random import Random
from typing import Any, Final
from urllib.parse import quote

from tests.fuzz.target import JSON_TYPE, Target
from tests.fuzz.values import any_json, any_text, damaged

METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "NONSENSE")

UNDESCRIBED: Final = ("/api/health", "/api/schema", "/api/docs", "/api/nothing")


class RestWays:
    """What can be asked of REST; `document` is the OpenAPI document."""

    def __init__(self, target: Target, document: dict[str, Any]) -> None:
        self._target = target
        self._document = document

    def _path(self, template: str, random: Random) -> str:
        for name in ("account_id", "order_id", "prefix"):
            value = (
                random.choice(self._target.known.get(name, ["x"])) if random.random() < 0.8 else any_text(random)[:300]
            )
            template = template.replace("{" + name + "}", quote(value, safe="", errors="replace"))
        return template

    def parameters(self, random: Random) -> None:
        """Send one case."""
        template = random.choice([*self._document["paths"], *UNDESCRIBED])
        operation = self._document["paths"].get(template, {}).get("get", {})
        declared = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
        pairs = []
        for parameter in declared:
            if random.random() < 0.4:
                pairs.append((parameter["name"], self._parameter(parameter, random)))
        if random.random() < 0.1:
            pairs.append((any_text(random)[:50], any_text(random)[:300]))
        if pairs and random.random() < 0.05:
            pairs.append(random.choice(pairs))
        query = "&".join(f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in pairs)
        if random.random() < 0.1:
            query = damaged(query, random).encode("ascii", "ignore").decode().replace(" ", "+")
            query += random.choice(
                ("&&=", "&%", "&a=%zz", "&limit=%ff", "&limit=%C0%80", ";limit=1", "&" * 2_000, "&a=1" * 2_000)
            )
        method = "GET" if random.random() < 0.9 else random.choice(METHODS)
        path = self._path(template, random) + (f"?{query}" if query else "")
        self._target.ask(method, "".join(c for c in path if c > " "), self._target.somebody(random))

    def _parameter(self, parameter: dict[str, Any], random: Random) -> str:
        if random.random() < 0.5:
            return any_text(random)[:2_000]
        schema = parameter.get("schema", {})
        if "enum" in schema:
            return str(random.choice(schema["enum"]))
        if schema.get("type") == "integer":
            return str(random.choice((0, 1, 2, 50, 500, 501, 10**18 - 1)) if parameter["name"] != "min_version" else 1)
        if schema.get("format") == "date-time":
            return random.choice(("2026-01-01T00:00:00Z", "2030-01-01T00:00:00.5+02:00", "1970-01-01T00:00:00Z"))
        if schema.get("format") == "date":
            return random.choice(("2026-01-01", "1970-01-01", "9999-12-31", "0001-01-01"))
        return random.choice(self._target.known.get(parameter["name"], ["KO", "name", "true"]))

    def body(self, random: Random) -> None:
        """Send one case."""
        path, names = random.choice(
            (("/api/session", ("username", "password")), ("/api/keys", ("name", "scope", "expires_in_days")))
        )
        fields = {name: any_json(random) for name in names if random.random() < 0.9}
        if random.random() < 0.2:
            fields["surprise"] = any_json(random)
        if "username" in fields and random.random() < 0.3:
            fields["username"] = json.dumps(f"nobody-{random.randrange(50)}")
        if random.random() < 0.3 and "name" in fields:
            fields |= {"name": json.dumps(any_text(random)[:40]), "scope": '"read"'}
        body = "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"
        if random.random() < 0.2:
            body = any_json(random) if random.random() < 0.5 else damaged(body, random)
        headers = self._target.credentials[random.choice(("session", "session", "csrf", "trader", "nobody"))]
        if path == "/api/session":
            headers = self._target.credentials["csrf"]  # Logging in would change the session of the others.
        method = random.choice(("POST", "POST", "POST", "PUT", "PATCH"))
        self._target.ask(method, path, [JSON_TYPE, *headers], body.encode("utf-8", "surrogatepass"))
