"""The browser's session: who is logged in, log in, log out. Programs use API keys instead and need none of this."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.middleware.csrf import get_token
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from edge.rest import BodySerializer, RestView, Text
from identity.actors import user_reference
from identity.permissions import platform_role
from identity.sessions import USERNAME_LENGTH_MAX, Lock, lock_of

DEMO_LOGINS_FILE = "demo_logins.json"


class Password(serializers.CharField):
    """Any text at all, which no error shows."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            raise serializers.ValidationError("a password is a text")
        return data


class CredentialsSerializer(BodySerializer):
    """What a person logs in with."""

    username = Text(max_length=USERNAME_LENGTH_MAX)
    password = Password(max_length=200)


class UserSerializer(serializers.Serializer[Any]):
    """The person who is logged in."""

    id = serializers.CharField(help_text="The user for good, such as user:17; the name may change.")
    username = serializers.CharField()
    display_name = serializers.CharField()
    is_staff = serializers.BooleanField()
    role = serializers.CharField(
        help_text="On the platform: viewer, trader, feed, integrator, compliance, operator, staff or superuser."
    )


class DemoLoginSerializer(serializers.Serializer[Any]):
    """A login of the demo, shown on the login page as long as the demo is loaded."""

    username = serializers.CharField()
    password = serializers.CharField()
    description = serializers.CharField()


class SessionSerializer(serializers.Serializer[Any]):
    """The session; `csrf_token` goes into the X-CSRFToken header of everything that changes something."""

    user = UserSerializer(allow_null=True)
    csrf_token = serializers.CharField()
    currencies = serializers.ListField(child=serializers.CharField(), help_text="What an account may be opened in.")
    demo_logins = DemoLoginSerializer(many=True)


class InvalidCredentials(AuthenticationFailed):
    """A name and password that do not belong together."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_detail = "The user name or the password is wrong."
    default_code = "INVALID_CREDENTIALS"


class LoginLocked(APIException):
    """Too many wrong passwords for this user from this address; `wait` is what Retry-After says."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "LOGIN_LOCKED"

    def __init__(self, lock: Lock) -> None:
        super().__init__(lock.message)
        self.wait = lock.seconds


class CsrfAlwaysSessionAuthentication(SessionAuthentication):
    """Asks for the CSRF token even before somebody is logged in, so that nobody can be logged in by another page."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the session's user; raises PermissionDenied without the token."""
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            self.enforce_csrf(request)
        return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        """Make a failed login a 401."""
        return "Session"


class SessionView(RestView):
    """The session of this browser."""

    authentication_classes = (CsrfAlwaysSessionAuthentication,)
    permission_classes = (AllowAny,)

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request) -> Response:
        """Return who is logged in, and the CSRF token."""
        return Response(_session(request))

    @extend_schema(
        request=CredentialsSerializer,
        responses={
            200: SessionSerializer,
            400: OpenApiResponse(description="What was sent is not a user name and a password"),
            401: OpenApiResponse(description="INVALID_CREDENTIALS"),
            403: OpenApiResponse(description="No CSRF token"),
            429: OpenApiResponse(description="LOGIN_LOCKED: wait as Retry-After says"),
        },
    )
    def post(self, request: Request) -> Response:
        """Log in."""
        credentials = CredentialsSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        user = authenticate(request._request, **credentials.validated_data)
        if user is None:
            lock = lock_of(request._request, username=credentials.validated_data["username"])
            raise InvalidCredentials if lock is None else LoginLocked(lock)
        login(request, user)
        return Response(_session(request))

    @extend_schema(responses={204: None, 403: OpenApiResponse(description="No CSRF token")})
    def delete(self, request: Request) -> Response:
        """Log out."""
        logout(request)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _session(request: Request) -> dict[str, Any]:
    user = request._request.user
    shown = None
    if user.is_authenticated:
        name = user.get_full_name() or user.get_username()
        shown = {
            "id": user_reference(user.pk),
            "username": user.get_username(),
            "display_name": name,
            "is_staff": user.is_staff,
            "role": platform_role(user),
        }
    return {
        "user": shown,
        "csrf_token": get_token(request._request),
        "currencies": settings.CURRENCIES,
        "demo_logins": demo_logins(settings.DATA_DIR),
    }


def demo_logins(data_dir: Path) -> list[dict[str, str]]:
    """Return the demo's logins, none when no demo is loaded."""
    path = data_dir / DEMO_LOGINS_FILE
    logins: list[dict[str, str]] = json.loads(path.read_text()) if path.exists() else []
    return logins


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
