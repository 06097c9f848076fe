"""Who may do what: access to accounts, and API keys. Nothing about an account itself is here: its events are the
truth. What the roles mean is in permissions.py.
"""

from typing import ClassVar, Final

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

KEY_NAME: Final = RegexValidator(
    r"^(?! )[^\x00-\x1f\x7f/]+(?<! )\Z",
    "A key's name has no slash, no control characters, and no space at either end.",
)


class AccountAccess(models.Model):
    """A user's role on an account. The owner's row is made with the account, the others by an operator."""

    class Role(models.TextChoices):
        """What a user may do: everything, trade, or look."""

        OWNER = "owner"
        TRADER = "trader"
        VIEWER = "viewer"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="account_access")
    account_id = models.UUIDField(db_comment="Account id; the account itself is in the event store")
    role = models.CharField(max_length=8, choices=Role.choices)

    class Meta:
        """One role per user and account."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "account_id"], name="one_role_per_user_and_account")
        ]
        verbose_name_plural = "account access"

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.account_id}"


class AccountOpening(models.Model):
    """That a user was made the owner of an account which they were about to open. Written once, when the command is
    first tried, and never changed: so that what is sent again gives nobody what was taken away meanwhile.
    """

    account_id = models.UUIDField(primary_key=True, db_comment="Account id")
    owner = models.CharField(max_length=30, db_comment="The user, as user:<id>; stays when the user is deleted")
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Nothing that anybody edits."""

        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.owner} opened {self.account_id}"


class ApiKey(models.Model):
    """A key that acts for its user. Only a hash is kept; the key itself is shown once, when it is made."""

    class Scope(models.TextChoices):
        """What a key may be used for, within what its user may do; trade includes read."""

        READ = "read"
        TRADE = "trade"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(
        max_length=40, validators=[KEY_NAME], db_comment="What the key is for, in its owner's words"
    )
    prefix = models.CharField(max_length=12, unique=True, db_comment="Public part of the key, to recognise it by")
    secret_hash = models.CharField(max_length=64, db_comment="SHA-256 of the secret part, hexadecimal")
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.TRADE, db_comment="trade includes read")
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, db_comment="0 is no limit; the platform's own when null"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, db_comment="Worthless from then on; never when null")
    last_used_at = models.DateTimeField(null=True, blank=True, db_comment="To the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest last."""

        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}) of {self.user}"
