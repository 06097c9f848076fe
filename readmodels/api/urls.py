"""REST paths of the query side, included under api/."""

from django.urls import path

from readmodels.api import analytics, downloads, history, rest
from readmodels.api.direct import directly, in_time

urlpatterns = [
    path("accounts", rest.AccountListView.as_view(), name="accounts"),
    path("accounts/<uuid:account_id>", directly(rest.AccountView), name="account"),
    path("accounts/<uuid:account_id>/summary", directly(rest.SummaryView), name="summary"),
    path("accounts/<uuid:account_id>/risk-metrics", directly(analytics.RiskMetricsView), name="risk-metrics"),
    path("accounts/<uuid:account_id>/portfolio", directly(rest.PortfolioView), name="portfolio"),
    path("accounts/<uuid:account_id>/positions", directly(rest.PositionListView), name="positions"),
    path("accounts/<uuid:account_id>/trades", directly(history.TradeListView), name="trades"),
    *(
        path(
            f"accounts/<uuid:account_id>/{table.name}.{file_type.ending}",
            in_time(downloads.DownloadView, table=table, file_type=file_type),
            name=f"{table.name}-{file_type.ending}",
        )
        for table in (downloads.TRADES, downloads.EVENTS)
        for file_type in (downloads.CSV, downloads.PARQUET)
    ),
    path("accounts/<uuid:account_id>/activity", directly(history.ActivityView), name="activity"),
    path("accounts/<uuid:account_id>/orders", directly(rest.OrderListView), name="orders"),
    path("accounts/<uuid:account_id>/orders/<uuid:order_id>", directly(rest.OrderView), name="order"),
    path("accounts/<uuid:account_id>/daily-pnl", directly(history.DailyPnlView), name="daily-pnl"),
    path("analytics/totals", analytics.TotalsView.as_view(), name="analytics-totals"),
    path("analytics/exposure/symbols", analytics.SymbolExposureView.as_view(), name="analytics-exposure-symbols"),
    path("analytics/exposure/sectors", analytics.SectorExposureView.as_view(), name="analytics-exposure-sectors"),
    path("analytics/pnl/accounts", analytics.AccountPnlView.as_view(), name="analytics-pnl-accounts"),
    path("analytics/pnl/symbols", analytics.SymbolPnlView.as_view(), name="analytics-pnl-symbols"),
    path("analytics/pnl/days", analytics.DayPnlView.as_view(), name="analytics-pnl-days"),
    path("analytics/risk", analytics.RiskView.as_view(), name="analytics-risk"),
    path("analytics/flow", analytics.FlowView.as_view(), name="analytics-flow"),
]
