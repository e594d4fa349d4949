"""`python -m alerts` is the same as `bullgauge-alerts`."""

import sys

from alerts.cli import main

sys.exit(main())
