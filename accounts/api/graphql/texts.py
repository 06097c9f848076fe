"""Texts with NUL in them, refused before anything else looks at them: PostgreSQL does not store it, and no name, reason
or id has any use for it. JSON can say it (`"\\u0000"`), and so can a query.
"""

from typing import Any

from graphql import DocumentNode, StringValueNode, Visitor, visit

from accounts.api.graphql.errors import bad_request


def refuse_nul(value: object) -> None:
    """Look through a decoded value of JSON, keys included; raises BAD_REQUEST."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            _check(found)
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            waiting += [*found, *found.values()]


def refuse_nul_in_literals(document: DocumentNode) -> None:
    """Look through the texts that stand in a query; raises BAD_REQUEST."""
    visit(document, _Literals())


class _Literals(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Check a text."""
        _check(node.value)


def _check(text: str) -> None:
    if "\0" in text:
        raise bad_request(f"a text has no character NUL in it, found {text[:20]!r}: leave it out")
