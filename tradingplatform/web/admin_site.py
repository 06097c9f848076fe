"""The admin as a whole: how it is called, what its first and its login page are, and what every page of it refuses."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.options import TO_FIELD_VAR
from django.core.exceptions import BadRequest
from django.http import HttpRequest

from identity.sessions import LoginForm

V = TypeVar("V", bound=Callable[..., Any])


class PlatformAdminSite(AdminSite):
    """What compliance and operators use."""

    site_header = "Trading platform: compliance"
    site_title = "Trading platform"
    index_title = "Accounts and operations"
    login_form = LoginForm
    index_template = "admin/platform_index.html"
    """Dead letters and the kill switch are pages of their own: this one, which lists models, names them beside these.
    """

    def admin_view(self, view: V, cacheable: bool = False) -> V:
        """Refuse a field without a name, which Django's pages look up and fail on, before any of them sees it."""

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "" in (request.GET.get(TO_FIELD_VAR), request.POST.get(TO_FIELD_VAR)):
                raise BadRequest(f"{TO_FIELD_VAR} names no field")
            return view(request, *args, **kwargs)

        return cast(V, super().admin_view(checked, cacheable))
