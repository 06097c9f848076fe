"""Bodies of REST requests: JSON, decoded by the same rules as everywhere (json.py)."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from edge.json import InvalidJson, decode_json


class JsonBodyParser(BaseParser):
    """JSON bodies."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what the body says; raises ParseError, a 400."""
        try:
            return decode_json(stream.read())
        except InvalidJson as error:
            raise ParseError(f"the body is not JSON: {error}") from None
