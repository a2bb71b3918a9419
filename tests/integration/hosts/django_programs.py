"""What is proved in a Django project: programs that run in its folder, with Django 4.2 and with the newest."""

#: Before anything is imported: a project whose environment has no psycopg uses psycopg2.
WITHOUT_PSYCOPG = """
import sys
sys.modules["psycopg"] = None
"""
BEGIN = """
import io, os, sys
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
import django
django.setup()

from contextlib import redirect_stdout
from threading import Thread
from asgiref.sync import async_to_sync, sync_to_async
from datetime import datetime, timedelta, timezone
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from cobalt_mirror import ConfigChanged, UserSignedUp, find_account, integrations, list_events
from cobalt_mirror.django import ReadOnly, publish, publish_many, session
from cobalt_mirror.django.models import Application, Config, Connection, HistoryEntry, Integration, LinkedAccount
from cobalt_mirror.events import IdConflict

def printed(*command, **options):
    with redirect_stdout(io.StringIO()) as stream:
        call_command(*command, stdout=stream, **options)
    return stream.getvalue()

def refused(kind, use):
    try:
        use()
    except kind as error:
        return str(error)
    raise AssertionError(f"{use} was not refused")

def ids(account):
    with session() as mirror:
        return sorted(event.id for event in list_events(mirror, account, limit=5000))

call_command("makemigrations", "shop", verbosity=0)
assert "No changes" in printed("makemigrations", check=True, dry_run=True)
call_command("migrate", verbosity=0)
assert not Permission.objects.filter(content_type__app_label="cobalt_mirror").exclude(codename__startswith="view_")
"""
PUBLISHING = """
change = {"a": [1, 1.5, {"b": None, "c": "\\u2028"}]}
with transaction.atomic():
    assert [publish(UserSignedUp("ben", name="Ben %s % '", id="ben-1")).is_new for _ in range(2)] == [True, False]
    for number, keeps in enumerate((True, False)):
        try:
            with transaction.atomic():
                publish(ConfigChanged("ben", "slack", fields=change, id=f"ben-s{number}"))
                assert keeps
        except AssertionError:
            pass
    several = [UserSignedUp("ben", id=f"ben-m{number:04}") for number in range(1100)]
    assert all(receipt.is_new for receipt in publish_many(several))
    assert "different event" in refused(IdConflict, lambda: publish(UserSignedUp("ben", name="X", id="ben-1")))
    assert not publish(ConfigChanged("ben", "slack", fields=change, id="ben-s0")).is_new
try:
    with transaction.atomic():
        publish(UserSignedUp("ben", id="gone"))
        raise KeyError
except KeyError:
    pass
assert ids("ben")[:3] == ["ben-1", "ben-m0000", "ben-m0001"] and len(ids("ben")) == 1102
refused(IdConflict, lambda: publish_many([UserSignedUp("cleo"), UserSignedUp("cleo", id="ben-1")]))
assert ids("cleo") == [] and not connection.in_atomic_block and connection.get_autocommit()
assert publish(UserSignedUp("cleo")).is_new
connection.close()
assert len(ids("cleo")) == 1
with transaction.atomic():
    refused(DatabaseError, lambda: connection.cursor().execute("SELECT 1 FROM nowhere"))
    if connection.vendor == "postgresql":
        refused(DatabaseError, lambda: publish(UserSignedUp("cleo")))
    transaction.set_rollback(True)
async def sign_up():
    return await sync_to_async(publish)(UserSignedUp("dora", id="of-a-coroutine"))
assert async_to_sync(sign_up)().is_new
if connection.vendor == "postgresql":  # on SQLite the second writer waits for the first
    with transaction.atomic():
        publish(UserSignedUp("dora", id="rolled-back"))
        thread = Thread(target=lambda: (publish(UserSignedUp("dora", id="of-a-thread")), connection.close()))
        thread.start()
        thread.join()
        transaction.set_rollback(True)
    assert ids("dora") == ["of-a-coroutine", "of-a-thread"]
with session() as mirror:
    states = {each.slug: each.state for each in integrations(mirror, "1")}
    assert states["slack"] == "connected", states
    assert find_account(mirror, "1").verified_at.utcoffset() == timedelta()
"""
READING = """
account = LinkedAccount.objects.get(pk="1")
assert (account.name, account.status, account.udf) == ("<b>Ann & Co</b>", "active", {"plan": "pro"})
now = datetime.now(timezone.utc)
assert abs(now - account.verified_at) < timedelta(hours=1) and account.verified_at.tzinfo
past, future = now - timedelta(hours=1), now + timedelta(hours=1)
assert LinkedAccount.objects.filter(verified_at__gt=past, verified_at__lt=future).exists()
assert not LinkedAccount.objects.filter(verified_at__gt=future).exists()
assert not LinkedAccount.objects.filter(verified_at__lt=past).exists()
slack = Connection.objects.get(pk="1/slack")
assert Connection.objects.get(key="1/slack") == slack and slack in Connection.objects.filter(pk__in=["1/slack", "x"])
assert not Connection.objects.filter(pk="1").exists() and not Connection.objects.filter(pk="1/slack/x").exists()
assert (slack.linked_account_id, slack.slug, slack.status) == ("1", "slack", "connected")
assert Config.objects.get(pk="1/slack/1/").fields == {"channel": "general"}
slack.refresh_from_db()
assert list(Connection.objects.order_by("pk").values_list("pk", flat=True)) == ["1/jira", "1/slack", "a~1b~0c/slack"]
assert Connection.objects.get(pk="a~1b~0c/slack").linked_account_id == "a/b~c"
assert Connection.objects.filter(accounts__0__status="active").count() == 2
assert Application.objects.filter(enabled=True, slug="slack").exists()
assert Integration.objects.get(pk="1/slack").state == "connected"
assert Integration.objects.filter(linked_account_id="1", state="connect").count() >= 1
assert HistoryEntry.objects.filter(linked_account_id="1", what="connection").latest("number").changes
sub = Connection.objects.filter(slug="slack").values("linked_account_id")
assert LinkedAccount.objects.filter(pk__in=sub).count() == 2
assert Connection.objects.filter(pk__in=Connection.objects.filter(slug="slack")).count() == 2
for model in (Application, Config, Connection, HistoryEntry, Integration, LinkedAccount):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {model._meta.db_table} LIMIT 0")
        columns = {column[0] for column in cursor.description}
    assert columns == {field.column for field in model._meta.concrete_fields} - {"key"}, model

for write in (
    account.save, account.delete, lambda: account.save_base(raw=True), LinkedAccount(linked_account_id="x").save,
    LinkedAccount.objects.all().delete, lambda: LinkedAccount.objects.update(name="x"),
    lambda: LinkedAccount.objects.create(linked_account_id="x"), lambda: LinkedAccount.objects.bulk_create([account]),
    lambda: LinkedAccount.objects.bulk_update([account], ["name"]),
    lambda: LinkedAccount.objects.get_or_create(linked_account_id="x"),
    lambda: LinkedAccount._base_manager.filter(pk="1").delete(),
):
    assert "publish an event instead" in refused(ReadOnly, write)
"""
PAGES = """
client = Client()
assert client.post("/sign-up", {"name": "ann"}).status_code == 302
ann = User.objects.get()
assert ann.pk == 1
client.force_login(ann)
assert client.post("/channel", {"channel": "alerts"}).status_code == 302
page = client.get("/").content.decode()
assert "Slack: connected" in page and ": connect</li>" in page and "Jira: reconnect, needs attention</li>" in page
with session() as mirror:
    assert [event.type for event in list_events(mirror, "1")][:2] == ["config_changed", "user_signed_up"]

User.objects.filter(pk=1).update(is_staff=True)
assert client.get("/admin/cobalt_mirror/connection/").status_code == 403
ann.user_permissions.add(*Permission.objects.filter(content_type__app_label="cobalt_mirror"))
names = ("linkedaccount", "application", "connection", "config", "historyentry")
lists = {name: client.get(f"/admin/cobalt_mirror/{name}/") for name in names}
assert all(page.status_code == 200 for page in lists.values())
assert "&lt;b&gt;Ann &amp; Co&lt;/b&gt;" in lists["linkedaccount"].content.decode()
assert "<b>Ann" not in "".join(page.content.decode() for page in lists.values())
User.objects.filter(pk=1).update(is_superuser=True)
for name, key in zip(names, ("1", "slack", "a~1b~0c/slack", "1/slack/1/", HistoryEntry.objects.latest("number").pk)):
    from django.contrib.admin.utils import quote
    address = f"/admin/cobalt_mirror/{name}/{quote(key)}/"
    assert client.get(f"{address}change/").status_code == 200, address
    assert client.post(f"{address}change/", {"slug": "x"}).status_code == 403
    assert client.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/cobalt_mirror/{name}/add/", {"slug": "x"}).status_code == 403
    client.post(f"/admin/cobalt_mirror/{name}/", {"action": "delete_selected", "_selected_action": key, "post": "yes"})
def listed(query):
    return client.get(f"/admin/cobalt_mirror/connection/?{query}").content.decode().count("/change/")
queries = ("q=a/b", "q=/b", "slug=slack", "slug=jira", "status__exact=connected")
assert [listed(query) for query in queries] == [1, 0, 2, 1, 2]
assert Connection.objects.count() == 3
"""
#: The page of integrations beside Django. It has its settings from the process's variables.
MOUNTED = """
import httpx
from shop.asgi import application

async def visit(path, **cookies):
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", cookies=cookies) as browser:
        return await browser.get(path)

visited = async_to_sync(visit)
key = client.cookies["sessionid"].value
assert "data-mark=" in visited("/integrations/", sessionid=key).text
assert "Slack: connected" in visited("/", sessionid=key).text
for stranger in ({}, {"sessionid": "guess"}):
    assert visited("/integrations/", **stranger).headers["location"] == "/accounts/login/"
ann.set_password("another")
ann.save()
assert visited("/integrations/", sessionid=key).status_code == 303
"""
#: What the command `check` says, as a list of texts and hints.
CHECKING = """
from django.core.checks import run_checks

def said(**options):
    ours = (each for each in run_checks(**options) if each.id.startswith("cobalt_mirror"))
    return [(type(each).__name__, each.id, each.msg) for each in ours]

def deploying():
    return said(include_deployment_checks=True)

def run(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

assert said() == [], said()
[(level, id_, text)] = said(databases=["default"])
assert (level, id_) == ("Warning", "cobalt_mirror.work") and "no process of this release has run" in text, text
assert deploying() == [(level, id_, text)]
table = LinkedAccount._meta.db_table.replace("linked_accounts", "cobalt_mirror_version")
if connection.vendor == "postgresql":
    schema, role = table.split(".")[0], f'"nobody of {connection.settings_dict["NAME"]}"'
    run(f"CREATE ROLE {role}", f"SET ROLE {role}")
    [(level, _, text)] = deploying()
    assert level == "Error" and "the database 'default' fails: permission denied for schema" in text, text
    run("RESET ROLE", f"GRANT USAGE ON SCHEMA {schema} TO {role}", f"GRANT SELECT ON {table} TO {role}")
    run(f"SET ROLE {role}")
    [(level, _, text)] = deploying()
    assert level == "Error" and "the role lacks INSERT on events, SELECT on" in text, text
    run("RESET ROLE", f"DROP OWNED BY {role}", f"DROP ROLE {role}")
run(f"UPDATE {table} SET version_num = '0001'")
[(level, _, text)] = said(databases=["default"])
assert level == "Warning" and "the database 'default' is at version 0001, but this release needs" in text
assert [each[0] for each in deploying()] == ["Error"]
run(f"DROP TABLE {table}")
assert "the database 'default' has no tables of the mirror" in said(databases=["default"])[0][2]
print("all is well")
"""
COMMANDS = """
from shop.following import carry_out_changes
with redirect_stdout(io.StringIO()) as stream:
    position = carry_out_changes(0)
assert position > 3 and carry_out_changes(position) == position
assert "1 has to connect jira again" in stream.getvalue()
assert "class Events" not in printed("inspectdb", *(["auth_user"] if connection.vendor == "sqlite" else []))

before = len(ids("ben"))
call_command("flush", interactive=False, verbosity=0)
assert len(ids("ben")) == before and LinkedAccount.objects.count() == 2 and not User.objects.exists()
"""
#: Everything but the page to mount, in one process; and with it.
EVERYTHING = "\n".join([BEGIN, PUBLISHING, READING, PAGES, COMMANDS, CHECKING])
WITH_THE_PAGE = "\n".join([BEGIN, PUBLISHING, READING, PAGES, MOUNTED, COMMANDS, CHECKING])
