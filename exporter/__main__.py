"""`python -m exporter` is the same as `bullgauge-exporter`."""

import sys

from exporter.cli import main

sys.exit(main())
