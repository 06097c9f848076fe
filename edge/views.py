"""The base of every REST view: it declares what it can be asked (`takes`), and is asked nothing else.

The declaration is checked before the view's method runs, and is where the OpenAPI document has the parameters from.
JSON bodies are decoded by the same rules as everywhere (json.py).
"""

from typing import Any, ClassVar

from drf_spectacular.openapi import AutoSchema
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import APIView

from edge import parameters
from edge.json import InvalidJson, decode_json


class RestView(APIView):
    """A view that knows its parameters; `asked` has their checked values."""

    takes: ClassVar[parameters.Declared] = ()
    asked: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then what is asked."""
        super().initial(request, *args, **kwargs)
        self.asked = parameters.check(self.takes, request.query_params)


class DeclaredSchema(AutoSchema):
    """Describes a view's parameters as it declares them."""

    def get_override_parameters(self) -> list[Any]:
        """Return the declarations."""
        return list(getattr(self.view, "takes", ()))


class JsonBodyParser(BaseParser):
    """JSON bodies."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what the body says; raises ParseError, a 400."""
        try:
            return decode_json(stream.read())
        except InvalidJson as error:
            raise ParseError(f"the body is not JSON: {error}") from None
