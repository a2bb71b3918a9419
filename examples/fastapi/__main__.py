"""`make example`: run the app with everything that it needs on this machine, until Ctrl-C."""

import base64
import os
import secrets
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Where everything is kept: the database, the sandbox's data, and the secrets.
FOLDER = Path(os.environ.get("EXAMPLE_FOLDER", HERE.parents[1] / "var" / "example"))


def main() -> None:
    """Become `cobalt-mirror up`, which also runs the app: the Procfile beside this file has it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.chdir(FOLDER)
    port = os.environ.get("APP_PORT", "8480")
    os.environ.update({**_defaults(port), **os.environ})
    sys.stdout.write(f"the app will be at http://localhost:{port} in a moment\n")
    sys.stdout.flush()
    command = os.path.join(sysconfig.get_path("scripts"), "cobalt-mirror")
    os.execv(command, [command, "up", "--sandbox", "--procfile", str(HERE / "Procfile"), *sys.argv[1:]])


def _defaults(port: str) -> dict[str, str]:
    return {
        "APP_PORT": port,
        "DATABASE_URL": "sqlite:///example.db",
        "MIRROR_SECRET_KEYS": _kept("mirror.key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()),
        "SESSION_SECRET": _kept("session.key", secrets.token_hex(32)),
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


if __name__ == "__main__":
    main()
