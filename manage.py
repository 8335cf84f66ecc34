#!/usr/bin/env python
"""Django's command line. `--data DIR` is read here, before the settings that depend on it are loaded."""

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

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
