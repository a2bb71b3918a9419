"""Users, and the notices that were received."""

import uuid
from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """The project's first tables."""

    initial = True

    dependencies: ClassVar[list[tuple[str, str]]] = []

    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail")),
                ("company", models.CharField(max_length=200)),
            ],
            options={"db_table": "users"},
        ),
        migrations.CreateModel(
            name="ReceivedNotice",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("account_id", models.TextField(db_index=True, null=True)),
                ("type", models.TextField()),
                ("slug", models.TextField(null=True)),
                ("reconnect_url", models.TextField(null=True)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"db_table": "received_notices", "ordering": ["-received_at"]},
        ),
    ]
