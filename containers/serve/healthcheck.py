"""The image's HEALTHCHECK: exit 0 when the server in this container is ready."""

from __future__ import annotations

import os
import sys
import urllib.request

from containers.serve.options import from_environment

if __name__ == "__main__":
    options = from_environment(os.environ)
    url = f"http://127.0.0.1:{options.http_port}{options.health_route}"
    try:
        urllib.request.urlopen(url, timeout=4).close()
    except OSError as error:
        sys.exit(str(error))
