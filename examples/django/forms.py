"""The form to sign up."""

from typing import Any, ClassVar

from django import forms

from .models import User


class SignUp(forms.ModelForm):  # type: ignore[type-arg] # it takes none when it runs
    """Company, address and password of a new user."""

    class Meta:
        model = User
        fields = ("company", "email", "password")
        widgets: ClassVar[dict[str, Any]] = {"password": forms.PasswordInput({"autocomplete": "new-password"})}

    def save(self, commit: bool = True) -> User:
        """Save the user, with the password as a hash."""
        user: User = super().save(commit=False)
        user.set_password(self.cleaned_data["password"])
        if commit:
            user.save()
        return user
