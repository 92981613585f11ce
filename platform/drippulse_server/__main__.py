"""`python -m drippulse_server` is `drippulse`."""

import sys

from drippulse_server.cli import main

if __name__ == "__main__":
    sys.exit(main())
