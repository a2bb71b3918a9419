"""The project's own tables: its users, and the notices that it has received."""

# Only mypy's plugin for Django, which needs a project, knows the type of a field's values.
# mypy: disable-error-code="var-annotated"

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class User(AbstractBaseUser):
    """A user. Each is a customer of their own here, so the user's id is the linked account's id."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    email = models.EmailField("e-mail", unique=True)
    company = models.CharField(max_length=200)

    USERNAME_FIELD = "email"
    objects: ClassVar[Any] = BaseUserManager()

    class Meta:
        db_table = "users"


class ReceivedNotice(models.Model):
    """A notice. A sender may send it twice; it has the same id then."""

    id = models.TextField(primary_key=True)
    account_id = models.TextField(null=True, db_index=True)
    type = models.TextField()
    slug = models.TextField(null=True)
    reconnect_url = models.TextField(null=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "received_notices"
        ordering: ClassVar[list[str]] = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
