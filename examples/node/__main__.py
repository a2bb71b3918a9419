"""`make example APP=node`: run the app with everything that it needs on this machine, until Ctrl-C."""

import os
import sys

from examples.node.packages import HERE, NoPackages, fetch_packages
from examples.starting import prepare, run

if __name__ == "__main__":
    try:
        fetch_packages()
    except NoPackages as problem:
        sys.exit(str(problem))
    os.environ["EXAMPLE_NODE"] = str(HERE)
    prepare("node")
    run("node")
