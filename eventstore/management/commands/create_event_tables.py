"""manage.py create_event_tables: make the DynamoDB tables of the event store."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from eventstore.engines.dynamodb.client import Client
from eventstore.engines.dynamodb.tables import create_tables
from eventstore.errors import EventStoreError


class Command(BaseCommand):
    help = (
        "Make the DynamoDB tables of the event store: on-demand billing, point-in-time recovery, deletion protection, "
        "the index of times, the expiry of what is archived. Safe to run again: it makes only what is missing."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            client = Client(endpoint_url=settings.DYNAMODB_ENDPOINT or None, region=settings.DYNAMODB_REGION)
            for line in create_tables(client, prefix=settings.EVENT_STORE_TABLE_PREFIX):
                self.stdout.write(line)
        except EventStoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"the tables of {client.where} are ready"))
