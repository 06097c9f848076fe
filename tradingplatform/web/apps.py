"""Django's name for the admin of the platform, in the place of `django.contrib.admin` in the settings."""

from django.contrib.admin.apps import AdminConfig


class PlatformAdminConfig(AdminConfig):
    """The admin with a site of its own."""

    default_site = "tradingplatform.web.admin_site.PlatformAdminSite"
