"""`python -m botwire` is the command `botwire`."""

import sys

from botwire._cli import main

sys.exit(main())
