"""The asking user's own API keys: listed, made, revoked. For somebody who is logged in: a key makes no keys, so that
one which was stolen and revoked leaves none behind.
"""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from edge.rest import BodySerializer, Choice, RestView, Text, WholeNumber
from identity.api.session import CsrfAlwaysSessionAuthentication
from identity.api_keys import DAYS_MAX, bearer_key, make_api_key, revoke_api_key
from identity.models import KEY_NAME, ApiKey

KEYS_PER_USER_MAX: Final = 50
"""Keys of a user that are not revoked; more are only made with `manage.py create_api_key`."""

_PROBLEMS: Final = {
    code: OpenApiResponse(description=meaning)
    for code, meaning in {
        400: "what was sent is not a key's name, scope and days",
        401: "nobody is logged in",
        403: "no CSRF token, or an API key instead of a session",
        404: "no such key of this user, or it is revoked already",
        409: "KEY_LIMIT_REACHED: revoke a key before making another",
    }.items()
}


class NewKeySerializer(BodySerializer):
    """What to make."""

    name = Text(
        max_length=40,
        validators=[KEY_NAME],
        help_text="What the key is for; commands are recorded as user:<id>/<user>/key:<id>/<name>.",
    )
    scope = Choice(ApiKey.Scope.choices, default=ApiKey.Scope.TRADE, allow_null=True, help_text="trade includes read.")
    expires_in_days = WholeNumber(
        min_value=1, max_value=DAYS_MAX, default=None, allow_null=True, help_text="Never when null."
    )

    def validate_scope(self, given: str | None) -> str:
        """Take null as what is left out, like every other input of the platform."""
        return ApiKey.Scope.TRADE.value if given is None else given


class ApiKeySerializer(serializers.Serializer[Any]):
    """A key, without its secret."""

    prefix = serializers.CharField(help_text="The part after tp_, to recognise the key by.")
    name = serializers.CharField()
    scope = serializers.ChoiceField(ApiKey.Scope.choices)
    requests_per_minute = serializers.IntegerField(help_text="0 is no limit.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")


class ApiKeyListSerializer(serializers.Serializer[Any]):
    """The keys that are not revoked, newest first."""

    results = ApiKeySerializer(many=True)


class MadeApiKeySerializer(ApiKeySerializer):
    """A key that was made just now."""

    key = serializers.CharField(help_text="The key itself. It is shown this once.")


class KeyLimitReached(APIException):
    """A user has as many keys as one may have."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = f"You have {KEYS_PER_USER_MAX} API keys: revoke one before making another."
    default_code = "KEY_LIMIT_REACHED"


class SessionOnlyView(RestView):
    """Base of the views that a key may not use."""

    authentication_classes = (CsrfAlwaysSessionAuthentication,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse keys before anything else, in words that say so."""
        if bearer_key(request.headers.get("Authorization", "")) is not None:
            raise PermissionDenied("API keys are managed by their user, logged in, and not with an API key.")
        super().initial(request, *args, **kwargs)


class ApiKeyListView(SessionOnlyView):
    """The keys of the asking user."""

    @extend_schema(
        operation_id="keys_list", responses={200: ApiKeyListSerializer, 401: _PROBLEMS[401], 403: _PROBLEMS[403]}
    )
    def get(self, request: Request) -> Response:
        """Return the keys that are not revoked, newest first."""
        found = ApiKey.objects.filter(user=request.user, revoked_at=None).order_by("-created_at", "-pk")
        return Response({"results": [_shape(key) for key in found]})

    @extend_schema(
        operation_id="keys_create",
        request=NewKeySerializer,
        responses={201: MadeApiKeySerializer, **{code: _PROBLEMS[code] for code in (400, 401, 403, 409)}},
    )
    def post(self, request: Request) -> Response:
        """Make a key; the answer is the only place where it is ever shown."""
        asked = NewKeySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with transaction.atomic():
            get_user_model().objects.select_for_update().get(pk=request.user.pk)  # One count at a time.
            if ApiKey.objects.filter(user=request.user, revoked_at=None).count() >= KEYS_PER_USER_MAX:
                raise KeyLimitReached
            made, key = make_api_key(user=request.user, requests_per_minute=None, **asked.validated_data)
        headers = {"Cache-Control": "no-store"}
        return Response({**_shape(made), "key": key}, status=status.HTTP_201_CREATED, headers=headers)


class ApiKeyView(SessionOnlyView):
    """One key of the asking user."""

    @extend_schema(
        operation_id="keys_revoke",
        parameters=[OpenApiParameter("prefix", str, OpenApiParameter.PATH)],
        responses={204: None, **{code: _PROBLEMS[code] for code in (401, 403, 404)}},
    )
    def delete(self, request: Request, prefix: str) -> Response:
        """Revoke the key: everywhere within a second."""
        if not revoke_api_key(user=request.user, prefix=prefix):
            raise NotFound(f"You have no API key {prefix} that is not revoked.")
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shape(key: ApiKey) -> dict[str, Any]:
    own = key.requests_per_minute
    shown = ApiKeySerializer(
        {
            "prefix": key.prefix,
            "name": key.name,
            "scope": key.scope,
            "requests_per_minute": settings.API_KEY_REQUESTS_PER_MINUTE if own is None else own,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "last_used_at": key.last_used_at,
        }
    )
    return dict(shown.data)
