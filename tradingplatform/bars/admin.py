"""The log of imports of bars in the admin, newest first, which nobody changes."""

from django.contrib import admin

from identity.actors import actor_text
from market.models import BarImport
from readmodels.admin import ReadOnlyAdmin


@admin.register(BarImport)
class BarImportAdmin(ReadOnlyAdmin):
    """Who imported which bars."""

    list_display = ("at", "span", "bars", "replaced", "symbols", "first_at", "latest_at", "actor_shown", "reason")
    list_filter = ("at", "span")
    search_fields = ("reason", "actor")
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description="By", ordering="actor")
    def actor_shown(self, record: BarImport) -> str:
        """Show who it was."""
        return actor_text(record.actor)
