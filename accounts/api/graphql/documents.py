"""GraphQL documents: text in, a parsed and checked document out. Done once for each text, kept while it is used.

Automatic persisted queries: a client sends the SHA-256 of a query instead of its text, and the text once when the
platform does not know it (the protocol of that name, `extensions.persistedQuery`). Texts are kept in the cache that all
web processes share, and in this process before it. The shared cache has SLOTS places and every text belongs in one of
them: so it is bounded without counting, and two texts that share a place only make their clients send them again. A
text is used only when it has the hash that was asked for. A cache that is away knows nothing; nothing else suffers.
"""

import hashlib
import re
from collections import OrderedDict
from functools import lru_cache
from typing import Final, NamedTuple

import structlog
from django.core.cache import cache
from graphql import (
    DocumentNode,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    parse,
    specified_rules,
    validate,
)
from redis.exceptions import RedisError

from accounts.api.graphql.errors import ApiError, bad_request
from accounts.api.graphql.inputs import refuse_nul_in_literals
from accounts.api.graphql.query_limits import Asked, check_content, check_form

log = structlog.get_logger(__name__)

QUERY_CHARACTERS_MAX: Final = 20_000
DOCUMENTS_CACHED: Final = 512
SLOTS: Final = 4_096
KEPT_SECONDS: Final = 7 * 24 * 60 * 60
TEXTS_IN_PROCESS_MAX: Final = 512
_PROTOCOL_VERSION: Final = 1
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PersistedDocuments:
    """Texts of queries by their SHA-256."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    async def find(self, sha256: str) -> str:
        """Return the text with this hash; raises PERSISTED_QUERY_NOT_FOUND."""
        text = self._texts.get(sha256)
        if text is None:
            text = await _fetch(sha256)
            if text is None or sha256_of(text) != sha256:
                raise ApiError("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound: send the query with its hash")
        self._keep(sha256, text)
        return text

    def knows(self, sha256: str) -> bool:
        """Tell whether this process has the text at hand."""
        return sha256 in self._texts

    async def add(self, sha256: str, text: str) -> None:
        """Keep a text under its hash, here and for every other web process."""
        self._keep(sha256, text)
        try:
            await cache.aset(_slot(sha256), text, KEPT_SECONDS)
        except RedisError as error:
            log.warning("persisted query not shared", reason=repr(error))

    def _keep(self, sha256: str, text: str) -> None:
        self._texts[sha256] = text
        self._texts.move_to_end(sha256)
        if len(self._texts) > TEXTS_IN_PROCESS_MAX:
            self._texts.popitem(last=False)


def check_persisted(*, version: int, sha256: str, query: str | None) -> None:
    """Refuse another protocol, what is no hash, and the hash of another text."""
    if version != _PROTOCOL_VERSION:
        raise bad_request(f"`persistedQuery.version` is {_PROTOCOL_VERSION}, found {version}")
    if not _SHA256.fullmatch(sha256):
        raise bad_request("`persistedQuery.sha256Hash` is a SHA-256: 64 lowercase hexadecimal digits")
    if query is not None and sha256_of(query) != sha256:
        raise ApiError(
            "PERSISTED_QUERY_MISMATCH",
            f"the query's SHA-256 is {sha256_of(query)}, not {sha256}: hash its text exactly as it is sent, in UTF-8",
        )


def sha256_of(text: str) -> str:
    """Return the hash that a text is known by."""
    return hashlib.sha256(text.encode()).hexdigest()


def _slot(sha256: str) -> str:
    return f"persisted-query:{int(sha256[:8], 16) % SLOTS}"


async def _fetch(sha256: str) -> str | None:
    try:
        text: str | None = await cache.aget(_slot(sha256))
    except RedisError as error:
        log.warning("persisted query not looked up", reason=repr(error))
        return None
    return text


class Document(NamedTuple):
    """A document that is valid and keeps every limit that does not depend on variables; its operations by name."""

    node: DocumentNode
    operations: dict[str, Asked]

    def operation(self, name: str | None) -> Asked:
        """Return the operation that is asked for; raises OPERATION_NAME_REQUIRED or OPERATION_NOT_FOUND."""
        if name is None or name == "":
            if len(self.operations) > 1:
                known = ", ".join(sorted(self.operations))
                raise ApiError("OPERATION_NAME_REQUIRED", f"say with `operationName` which of {known} to run")
            return next(iter(self.operations.values()))
        if name not in self.operations:
            known = ", ".join(sorted(filter(None, self.operations))) or "only one without a name"
            raise ApiError("OPERATION_NOT_FOUND", f"the query has no operation {name[:40]!r}: there is {known}")
        return self.operations[name]


@lru_cache(maxsize=DOCUMENTS_CACHED)
def checked_document(schema: GraphQLSchema, query: str, *, is_introspection_allowed: bool) -> Document:
    """Return the document of a query; raises GraphQLError that says what is wrong with it."""
    if len(query) > QUERY_CHARACTERS_MAX:
        raise ApiError(
            "QUERY_TOO_LARGE",
            f"a query has at most {QUERY_CHARACTERS_MAX:,} characters, found {len(query):,}: put values into variables",
            found=len(query),
            limit=QUERY_CHARACTERS_MAX,
        )
    try:
        return _checked(schema, query, is_introspection_allowed=is_introspection_allowed)
    except RecursionError:  # Without its cause: a traceback of a thousand frames says nothing.
        raise ApiError("QUERY_TOO_DEEP", "the query is nested too deeply: split it up") from None


def _checked(schema: GraphQLSchema, query: str, *, is_introspection_allowed: bool) -> Document:
    node = parse(query)
    check_form(node)
    if "\\u" in query:  # The only way to write it there.
        refuse_nul_in_literals(node)
    if not is_introspection_allowed and validate(schema, node, [NoSchemaIntrospectionCustomRule]):
        message = "the schema is not shown here: read tradingplatform/schema.graphql of the project"
        raise ApiError("INTROSPECTION_DISABLED", message)
    errors = validate(schema, node, specified_rules)
    if errors:
        raise errors[0]
    operations = check_content(schema, node)
    if not operations:
        raise bad_request("the query has fragments only, and no operation to run")
    return Document(node, operations)
