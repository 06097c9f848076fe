"""The page to explore the GraphQL schema with: for people, at the same address as the endpoint.

Served with everything it needs from here, and allowed nothing from elsewhere. It holds no rights of its own: what it
sends is sent with the browser's session and its CSRF token, or with an API key that is typed in.
"""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def is_explorer_asked(request: HttpRequest) -> bool:
    """Tell whether a browser asks for a page, and the schema may be shown."""
    return (
        settings.GRAPHQL_INTROSPECTION and request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    )


def explorer_page(request: HttpRequest) -> HttpResponse:
    """Return the page."""
    response = render(request, "accounts/explorer.html")
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["Cache-Control"] = "no-cache"
    return response
