#!/usr/bin/env python
"""Django's command line. `--data DIR` is read here, before the settings that depend on it are loaded.

And for `serve`, gunicorn is started, so that it loads Django at the same time as this process does.
"""

import argparse
import os
import sys


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botwire_site.settings")
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--data")
    data = early.parse_known_args()[0].data
    if data:
        os.environ["BOTWIRE_DATA"] = os.path.abspath(data)

    _begin_to_serve()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _begin_to_serve() -> None:
    from botwire_site import serving

    service = serving.asked_for(sys.argv[1:])
    if service:
        from django.conf import settings

        settings.DATA_DIR  # noqa: B018 - what is wrong with the settings is told once, by this process
        serving.begin(service)


if __name__ == "__main__":
    main()
