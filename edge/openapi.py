"""The OpenAPI document has the parameters of a view as the view declares them (views.py)."""

from typing import Any

from drf_spectacular.openapi import AutoSchema


class DeclaredSchema(AutoSchema):
    """Describes one view."""

    def get_override_parameters(self) -> list[Any]:
        """Return the declarations."""
        return list(getattr(self.view, "takes", ()))
