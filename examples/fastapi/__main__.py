"""`make example`: run the app with everything that it needs on this machine, until Ctrl-C."""

from examples.starting import prepare, run

if __name__ == "__main__":
    prepare("fastapi")
    run("fastapi")
