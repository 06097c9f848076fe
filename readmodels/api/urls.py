"""REST paths of the query side, included under api/."""

from django.urls import path

from readmodels.api import analytics, downloads, history, rest

urlpatterns = [
    path("accounts", rest.AccountListView.as_view(), name="accounts"),
    path("accounts/<uuid:account_id>", rest.AccountView.as_view(), name="account"),
    path("accounts/<uuid:account_id>/summary", rest.SummaryView.as_view(), name="summary"),
    path("accounts/<uuid:account_id>/risk-metrics", analytics.RiskMetricsView.as_view(), name="risk-metrics"),
    path("accounts/<uuid:account_id>/portfolio", rest.PortfolioView.as_view(), name="portfolio"),
    path("accounts/<uuid:account_id>/positions", rest.PositionListView.as_view(), name="positions"),
    path("accounts/<uuid:account_id>/trades", history.TradeListView.as_view(), name="trades"),
    *(
        path(
            f"accounts/<uuid:account_id>/{table.name}.{file_type.ending}",
            downloads.DownloadView.as_view(table=table, file_type=file_type),
            name=f"{table.name}-{file_type.ending}",
        )
        for table in (downloads.TRADES, downloads.EVENTS)
        for file_type in (downloads.CSV, downloads.PARQUET)
    ),
    path("accounts/<uuid:account_id>/activity", history.ActivityView.as_view(), name="activity"),
    path("accounts/<uuid:account_id>/orders", history.OrderListView.as_view(), name="orders"),
    path("accounts/<uuid:account_id>/orders/<uuid:order_id>", rest.OrderView.as_view(), name="order"),
    path("accounts/<uuid:account_id>/daily-pnl", history.DailyPnlView.as_view(), name="daily-pnl"),
    path("analytics/totals", analytics.TotalsView.as_view(), name="analytics-totals"),
    path("analytics/exposure/symbols", analytics.SymbolExposureView.as_view(), name="analytics-exposure-symbols"),
    path("analytics/exposure/sectors", analytics.SectorExposureView.as_view(), name="analytics-exposure-sectors"),
    path("analytics/pnl/accounts", analytics.AccountPnlView.as_view(), name="analytics-pnl-accounts"),
    path("analytics/pnl/symbols", analytics.SymbolPnlView.as_view(), name="analytics-pnl-symbols"),
    path("analytics/pnl/days", analytics.DayPnlView.as_view(), name="analytics-pnl-days"),
    path("analytics/risk", analytics.RiskView.as_view(), name="analytics-risk"),
    path("analytics/flow", analytics.FlowView.as_view(), name="analytics-flow"),
]
