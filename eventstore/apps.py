"""Django's name for the event store, so that its management commands are found. The package itself needs no Django."""

from django.apps import AppConfig


class EventStoreConfig(AppConfig):
    """The event store."""

    name = "eventstore"
