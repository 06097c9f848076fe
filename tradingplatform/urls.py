"""Every path of the web process: commands at /graphql, queries under /api/, compliance under /admin/, else the page."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from accounts.api.graphql.view import graphql_view
from edge.rest import RestView
from readmodels.admin import admin_urls
from tradingplatform.bars.hours import MarketHoursView
from tradingplatform.bars.rest import BarFileView, BarListView
from tradingplatform.health.views import live, ready
from tradingplatform.kill_switch.pages import kill_switch_urls
from tradingplatform.schema import schema
from tradingplatform.web.page import page


class SchemaView(RestView, SpectacularAPIView):
    """The OpenAPI document: it takes no parameters, and says so."""


class DocsView(RestView, SpectacularSwaggerView):
    """The page that shows it."""


handler400 = "tradingplatform.web.page.bad_request"
handler403 = "tradingplatform.web.page.permission_denied"
handler404 = "tradingplatform.web.page.not_found"
handler500 = "tradingplatform.web.page.server_error"
urlpatterns = [
    path("graphql", graphql_view(schema.graphql_schema), name="graphql"),
    path("api/", include("readmodels.api.urls")),  # First, as what is asked most: each path before it is compared.
    path("api/", include("identity.api.urls")),
    path("api/", include("market.urls")),
    path("api/market/bars", BarListView.as_view(), name="market-bars"),
    path("api/market/hours", MarketHoursView.as_view(), name="market-hours"),
    path("api/market/bars.csv", BarFileView.as_view(), name="market-bars-csv"),
    path("api/", include("temporal.api.urls")),
    path("api/health/live", live, name="live"),
    path("api/health/ready", ready, name="ready"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", DocsView.as_view(url_name="schema"), name="docs"),
    path("admin/", include((admin_urls(), "admin"), namespace="compliance")),
    path("admin/kill-switch/", include((kill_switch_urls(), "admin"), namespace="kill_switch")),
    path("admin/", admin.site.urls),
    re_path(r"^(?!api/|graphql|ws/|static/|admin).*$", page, name="page"),
]
