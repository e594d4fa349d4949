"""`python -m dashboard` is the same as `bullgauge-dashboard`."""

import sys

from dashboard.cli import main

sys.exit(main())
