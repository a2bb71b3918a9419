"""What the project's addresses do: sign-up and leaving, each with its event, and receiving notices."""

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from cobalt_mirror import UserDeleted, UserSignedUp
from cobalt_mirror.django import publish
from cobalt_mirror.django.models import Integration

from .forms import SignUp
from .models import ReceivedNotice


def home(request: HttpRequest) -> HttpResponse:
    """Show who is signed in what they have, and anybody else the forms to sign up and in."""
    if not request.user.is_authenticated:
        return _show_forms(request, SignUp(auto_id="new-%s"))
    account_id = str(request.user.pk)
    integrations = Integration.objects.filter(linked_account_id=account_id).exclude(state="connect").order_by("name")
    notices = ReceivedNotice.objects.filter(account_id=account_id)[:20]
    return render(request, "home.html", {"integrations": integrations, "notices": notices})


@require_POST
def sign_up(request: HttpRequest) -> HttpResponse:
    """Save a user, and tell Cobalt of a new customer: both or neither."""
    form = SignUp(request.POST, auto_id="new-%s")
    if not form.is_valid():
        return _show_forms(request, form, status=400)
    with transaction.atomic():
        user = form.save()
        publish(UserSignedUp(str(user.pk), name=user.company, udf={"email": user.email}))
    login(request, user)
    return redirect("/integrations/")


@require_POST
@login_required
def leave(request: HttpRequest) -> HttpResponse:
    """Delete a user, and have everything about the customer deleted at Cobalt: both or neither."""
    with transaction.atomic():
        publish(UserDeleted(str(request.user.pk)))
        request.user.delete()
    logout(request)
    return redirect("/")


@csrf_exempt
@require_POST
def receive_notice(request: HttpRequest) -> HttpResponse:
    """Take a notice from the mirror, once, and show it to the customer. A real app would now write to them."""
    try:
        notice = Webhook(settings.NOTICES_SECRET).verify(request.body, dict(request.headers))
    except WebhookVerificationError as error:
        return HttpResponse(str(error), status=401, content_type="text/plain")
    data = notice["data"]
    ReceivedNotice.objects.get_or_create(
        id=notice["id"],
        defaults={
            "account_id": (data.get("account") or {}).get("id"),
            "type": notice["type"],
            "slug": data.get("slug"),
            "reconnect_url": data.get("reconnect_url"),
        },
    )
    return HttpResponse(status=204)


def _show_forms(request: HttpRequest, form: SignUp, *, status: int = 200) -> HttpResponse:
    forms = {"sign_up": form, "sign_in": AuthenticationForm(auto_id="known-%s")}
    return render(request, "home.html", forms, status=status)
