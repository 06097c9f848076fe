"""REST paths of the query side, included under api/."""

from django.urls import path

from readmodels.api import downloads, history, rest
from readmodels.api.direct import directly

urlpatterns = [
    path("accounts", rest.AccountListView.as_view(), name="accounts"),
    path("accounts/<uuid:account_id>", directly(rest.AccountView), name="account"),
    path("accounts/<uuid:account_id>/portfolio", directly(rest.PortfolioView), name="portfolio"),
    path("accounts/<uuid:account_id>/positions", directly(rest.PositionListView), name="positions"),
    path("accounts/<uuid:account_id>/trades", directly(history.TradeListView), name="trades"),
    *(
        path(
            f"accounts/<uuid:account_id>/{table.name}.{file_type.ending}",
            downloads.DownloadView.as_view(table=table, file_type=file_type),
            name=f"{table.name}-{file_type.ending}",
        )
        for table in (downloads.TRADES, downloads.EVENTS)
        for file_type in (downloads.CSV, downloads.PARQUET)
    ),
    path("accounts/<uuid:account_id>/activity", directly(history.ActivityView), name="activity"),
    path("accounts/<uuid:account_id>/orders", directly(rest.OrderListView), name="orders"),
    path("accounts/<uuid:account_id>/orders/<uuid:order_id>", directly(rest.OrderView), name="order"),
    path("accounts/<uuid:account_id>/daily-pnl", directly(history.DailyPnlView), name="daily-pnl"),
]
