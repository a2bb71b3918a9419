"""What `make example` does for each app: the settings, and `cobalt-mirror up` with the app's Procfile."""

import base64
import os
import secrets
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent


def prepare(name: str) -> None:
    """Go to the folder where this app keeps everything, and set the settings that are not set yet."""
    folder = Path(os.environ.get("EXAMPLE_FOLDER", HERE.parent / "var" / "example" / name))
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    port = os.environ.get("APP_PORT", "8480")
    os.environ.update({**_defaults(port), **os.environ})


def run(name: str) -> None:
    """Become `cobalt-mirror up`, which also runs the app, as the Procfile in its folder says."""
    sys.stdout.write(f"the app will be at http://localhost:{os.environ['APP_PORT']} in a moment\n")
    sys.stdout.flush()
    command = os.path.join(sysconfig.get_path("scripts"), "cobalt-mirror")
    procfile = str(HERE / name / "Procfile")
    os.execv(command, [command, "up", "--sandbox", "--procfile", procfile, *sys.argv[1:]])


def _defaults(port: str) -> dict[str, str]:
    return {
        "APP_PORT": port,
        "DATABASE_URL": "sqlite:///example.db",
        "MIRROR_SECRET_KEYS": _kept("mirror.key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()),
        "SESSION_SECRET": _kept("session.key", secrets.token_hex(32)),
        "EVENTS_TOKEN": _kept("events.key", secrets.token_urlsafe(32)),
        "NOTICES_SECRET": _kept("notices.key", "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()),
        "PUBLIC_URL": f"http://localhost:{os.environ.get('WEB_PORT', '8475')}",
        "NOTICES_URL": f"http://127.0.0.1:{port}/notices",
        "NOTICES_ALLOW_PRIVATE_ADDRESSES": "true",
        "NOTICES_SETTLE_SECONDS": "5",
    }


def _kept(name: str, new: str) -> str:
    """Return a secret from its file, which is made at the first start."""
    file = Path(name)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(new)
    return file.read_text()
