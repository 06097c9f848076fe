"""The base of every REST view: it declares what it can be asked (`takes`), and is asked nothing else.

The declaration is checked before the view's method runs, and is where the OpenAPI document has the parameters from
(openapi.py).
"""

from typing import Any, ClassVar

from rest_framework.request import Request
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
