"""How requests are authenticated, in the words of the OpenAPI document: the page at /api/docs can then ask for a
key.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """An API key as a bearer token."""

    target_class = "identity.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, made with `manage.py create_api_key USERNAME`.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    """The browser's session; what changes something carries the CSRF token as well."""

    target_class = "identity.api.session.CsrfAlwaysSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
