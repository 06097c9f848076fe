"""The base of every REST view: it declares what it can be asked (`takes`), and is asked nothing else.

The declaration is checked before the view's method runs, and is where the OpenAPI document has the parameters from.
"""

from typing import Any, ClassVar

from drf_spectacular.openapi import AutoSchema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge import parameters


class RestView(APIView):
    """A view that knows its parameters; `asked` has their checked values."""

    takes: ClassVar[parameters.Declared] = ()
    asked: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then what is asked."""
        super().initial(request, *args, **kwargs)
        self.asked = parameters.check(self.takes, request.query_params)

    def handle_exception(self, exc: Exception) -> Response:
        """Return the problem, as JSON whatever form was asked for."""
        response = super().handle_exception(exc)
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return response


class DeclaredSchema(AutoSchema):
    """Describes a view in the OpenAPI document with the parameters that it declares."""

    def get_override_parameters(self) -> list[Any]:
        """Return the declarations."""
        return list(getattr(self.view, "takes", ()))
