"""The project's addresses. `asgi.py` has one more, our page."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from . import views

urlpatterns = [
    path("", views.home),
    path("sign-up", views.sign_up),
    path("sign-in", LoginView.as_view(template_name="sign_in.html")),
    path("sign-out", LogoutView.as_view()),
    path("leave", views.leave),
    path("notices", views.receive_notice),
]
